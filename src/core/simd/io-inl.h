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

// Real and the conversions of each element type.
template <typename T>
struct Element;

template <>
struct Element<float> {
  using Real = float;
  using D = hn::ScalableTag<float>;
  static HWY_INLINE hn::Vec<D> load(const float* p) { return hn::LoadU(D(), p); }
  static HWY_INLINE void store(hn::Vec<D> v, float* p) { hn::StoreU(v, D(), p); }
  static HWY_INLINE hn::Vec<D> rounded(hn::Vec<D> v) { return v; }
};

template <>
struct Element<double> {
  using Real = double;
  using D = hn::ScalableTag<double>;
  static HWY_INLINE hn::Vec<D> load(const double* p) { return hn::LoadU(D(), p); }
  static HWY_INLINE void store(hn::Vec<D> v, double* p) { hn::StoreU(v, D(), p); }
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
  static HWY_INLINE void store(hn::Vec<D> v, Bfloat16* p) {
    const hn::RebindToSigned<D> signed_words;
    const auto upper = hn::BitCast(signed_words, hn::ShiftRight<16>(round(v)));
    hn::StoreU(hn::DemoteTo(Halves(), upper), Halves(), reinterpret_cast<uint16_t*>(p));
  }
  static HWY_INLINE hn::Vec<D> rounded(hn::Vec<D> v) {
    return hn::BitCast(D(), hn::And(round(v), hn::Set(Words(), 0xffff0000u)));
  }
};

template <>
struct Element<Float16> {
  using Real = float;
  using D = hn::ScalableTag<float>;
  using Halves = hn::Rebind<hwy::float16_t, D>;

  static HWY_INLINE hn::Vec<D> load(const Float16* p) {
    return hn::PromoteTo(D(), hn::LoadU(Halves(), reinterpret_cast<const hwy::float16_t*>(p)));
  }
  static HWY_INLINE void store(hn::Vec<D> v, Float16* p) {
    hn::StoreU(hn::DemoteTo(Halves(), v), Halves(), reinterpret_cast<hwy::float16_t*>(p));
  }
  static HWY_INLINE hn::Vec<D> rounded(hn::Vec<D> v) {
    return hn::PromoteTo(D(), hn::DemoteTo(Halves(), v));
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
