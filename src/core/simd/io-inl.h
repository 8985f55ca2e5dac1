// SPDX-License-Identifier: Apache-2.0
// Loads and stores of a tensor's elements as vectors of reals; included once per instruction set
// inside HWY_NAMESPACE, after math-inl.h. A vector at a tensor's edge, or one whose elements are
// apart, goes through a small buffer.

struct Bfloat16 {
  uint16_t bits;
};
struct Float16 {
  uint16_t bits;
};

// Real and the conversions of each element type. stream() stores past the caches, at an address
// that is a multiple of the vector's size.
template <typename T>
struct Element;

template <>
struct Element<float> {
  using Real = float;
  using D = hn::ScalableTag<float>;
  static HWY_INLINE hn::Vec<D> load(const float* p) { return hn::LoadU(D(), p); }
  static HWY_INLINE void store(hn::Vec<D> v, float* p) { hn::StoreU(v, D(), p); }
  static HWY_INLINE void stream(hn::Vec<D> v, float* p) { hn::Stream(v, D(), p); }
  static HWY_INLINE hn::Vec<D> rounded(hn::Vec<D> v) { return v; }
};

template <>
struct Element<double> {
  using Real = double;
  using D = hn::ScalableTag<double>;
  static HWY_INLINE hn::Vec<D> load(const double* p) { return hn::LoadU(D(), p); }
  static HWY_INLINE void store(hn::Vec<D> v, double* p) { hn::StoreU(v, D(), p); }
  static HWY_INLINE void stream(hn::Vec<D> v, double* p) { hn::Stream(v, D(), p); }
  static HWY_INLINE hn::Vec<D> rounded(hn::Vec<D> v) { return v; }
};

template <>
struct Element<Bfloat16> {
  using Real = float;
  using D = hn::ScalableTag<float>;
  using Words = hn::RebindToUnsigned<D>;
  using Halves = hn::Rebind<uint16_t, D>;

  static HWY_INLINE hn::Vec<D> load(const Bfloat16* p) {
    const auto halves = hn::LoadU(Halves(), reinterpret_cast<const uint16_t*>(p));
    return hn::BitCast(D(), hn::ShiftLeft<16>(hn::PromoteTo(Words(), halves)));
  }
  // To the nearest, ties to even, in the upper half of each word; NaN stays NaN.
  static HWY_INLINE hn::Vec<Words> round(hn::Vec<D> v) {
    const Words d;
    const auto bits = hn::BitCast(d, v);
    const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(d, 1u));
    const auto up = hn::Add(bits, hn::Add(odd, hn::Set(d, 0x7fffu)));
    const auto is_nan = hn::RebindMask(d, hn::Ne(v, v));
    return hn::IfThenElse(is_nan, hn::Or(bits, hn::Set(d, 0x400000u)), up);
  }
  static HWY_INLINE hn::Vec<Halves> upper(hn::Vec<D> v) {
    const hn::RebindToSigned<D> signed_words;
    return hn::DemoteTo(Halves(), hn::BitCast(signed_words, hn::ShiftRight<16>(round(v))));
  }
  static HWY_INLINE void store(hn::Vec<D> v, Bfloat16* p) {
    hn::StoreU(upper(v), Halves(), reinterpret_cast<uint16_t*>(p));
  }
  static HWY_INLINE void stream(hn::Vec<D> v, Bfloat16* p) {
    hn::Stream(upper(v), Halves(), reinterpret_cast<uint16_t*>(p));
  }
  static HWY_INLINE hn::Vec<D> rounded(hn::Vec<D> v) {
    return hn::BitCast(D(), hn::And(round(v), hn::Set(Words(), 0xffff0000u)));
  }
};

// float16 in the lower half of each word. Highway's own conversions are the processor's from AVX2
// on; below, they cut off what does not fit, and make numbers of infinity and NaN.
template <typename D>
HWY_INLINE hn::Vec<D> from_float16(D d, hn::Vec<hn::RebindToUnsigned<D>> words) {
  const hn::RebindToUnsigned<D> du;
  const hn::RebindToSigned<D> di;
  const auto sign = hn::ShiftLeft<16>(hn::And(words, hn::Set(du, 0x8000u)));
  const auto size = hn::And(words, hn::Set(du, 0x7fffu));
  const auto shifted = hn::ShiftLeft<13>(size);
  const auto number = hn::Add(shifted, hn::Set(du, 0x38000000u));
  const auto infinite = hn::Add(shifted, hn::Set(du, 0x70000000u));  // or NaN
  const auto tiny = hn::BitCast(
      du, hn::Mul(hn::ConvertTo(d, hn::BitCast(di, size)), hn::Set(d, 5.9604644775390625e-8f)));
  const auto is_below = [&](int32_t limit) {
    return hn::RebindMask(du, hn::Lt(hn::BitCast(di, size), hn::Set(di, limit)));
  };
  const auto finite = hn::IfThenElse(is_below(0x400), tiny, number);
  return hn::BitCast(d, hn::Or(sign, hn::IfThenElse(is_below(0x7c00), finite, infinite)));
}

// To the nearest, ties to even; NaN stays NaN.
template <typename D>
HWY_INLINE hn::Vec<hn::RebindToUnsigned<D>> to_float16(D d, hn::Vec<D> v) {
  const hn::RebindToUnsigned<D> du;
  const hn::RebindToSigned<D> di;
  const auto bits = hn::BitCast(du, v);
  const auto sign = hn::And(hn::ShiftRight<16>(bits), hn::Set(du, 0x8000u));
  const auto size = hn::And(bits, hn::Set(du, 0x7fffffffu));
  const auto odd = hn::And(hn::ShiftRight<13>(size), hn::Set(du, 1u));
  const auto up = hn::Add(hn::Add(size, odd), hn::Set(du, 0xfffu));
  const auto number = hn::ShiftRight<13>(hn::Sub(up, hn::Set(du, 0x38000000u)));
  // Below 2^-14 the result counts 2^-24, the last place of what lies between 0.5 and 1.
  const auto half = hn::Set(d, 0.5f);
  const auto tiny =
      hn::Sub(hn::BitCast(du, hn::Add(hn::BitCast(d, size), half)), hn::BitCast(du, half));
  const auto is_below = [&](int32_t limit) {
    return hn::RebindMask(du, hn::Lt(hn::BitCast(di, size), hn::Set(di, limit)));
  };
  const auto finite = hn::IfThenElse(is_below(0x38800000), tiny, number);
  const auto is_number = is_below(0x7f800001);
  const auto infinite = hn::IfThenElse(is_number, hn::Set(du, 0x7c00u), hn::Set(du, 0x7e00u));
  // From 65520 on it rounds past the largest number.
  return hn::Or(sign, hn::IfThenElse(is_below(0x477ff000), finite, infinite));
}

template <>
struct Element<Float16> {
  using Real = float;
  using D = hn::ScalableTag<float>;
  using Halves = hn::Rebind<hwy::float16_t, D>;
  using Bits = hn::Rebind<uint16_t, D>;
  using Words = hn::RebindToUnsigned<D>;
  static constexpr bool kIsNative =
      HWY_ARCH_ARM_A64 || (HWY_ARCH_X86 && HWY_TARGET < HWY_SSE4);  // from AVX2 on

  static HWY_INLINE hn::Vec<D> load(const Float16* p) {
    if constexpr (kIsNative) {
      return hn::PromoteTo(D(), hn::LoadU(Halves(), reinterpret_cast<const hwy::float16_t*>(p)));
    } else {
      const auto bits = hn::LoadU(Bits(), reinterpret_cast<const uint16_t*>(p));
      return from_float16(D(), hn::PromoteTo(Words(), bits));
    }
  }
  static HWY_INLINE hn::Vec<Bits> to_bits(hn::Vec<D> v) {
    if constexpr (kIsNative) {
      return hn::BitCast(Bits(), hn::DemoteTo(Halves(), v));
    } else {
      return hn::DemoteTo(Bits(), hn::BitCast(hn::RebindToSigned<D>(), to_float16(D(), v)));
    }
  }
  static HWY_INLINE void store(hn::Vec<D> v, Float16* p) {
    hn::StoreU(to_bits(v), Bits(), reinterpret_cast<uint16_t*>(p));
  }
  static HWY_INLINE void stream(hn::Vec<D> v, Float16* p) {
    hn::Stream(to_bits(v), Bits(), reinterpret_cast<uint16_t*>(p));
  }
  static HWY_INLINE hn::Vec<D> rounded(hn::Vec<D> v) {
    if constexpr (kIsNative) {
      return hn::PromoteTo(D(), hn::DemoteTo(Halves(), v));
    } else {
      return from_float16(D(), to_float16(D(), v));
    }
  }
};

constexpr int64_t kMostLanes = HWY_MAX_BYTES / sizeof(float);

// The first `count` elements, `stride` apart; the other lanes are zero.
template <typename T>
HWY_NOINLINE hn::Vec<typename Element<T>::D> load_apart(const T* p, int64_t stride, int64_t count) {
  alignas(64) T buffer[kMostLanes] = {};
  for (int64_t i = 0; i < count; ++i) buffer[i] = p[i * stride];
  return Element<T>::load(buffer);
}

template <typename T>
HWY_NOINLINE void store_apart(hn::Vec<typename Element<T>::D> v, T* p, int64_t stride,
                              int64_t count) {
  alignas(64) T buffer[kMostLanes] = {};
  Element<T>::store(v, buffer);
  for (int64_t i = 0; i < count; ++i) p[i * stride] = buffer[i];
}
