// SPDX-License-Identifier: Apache-2.0
// Columns by twos, since a real is a pair of vectors; included once per instruction set inside
// HWY_NAMESPACE. Where one is left over it stands on both sides, and is computed and stored twice.

#define FLASHRNN_INLINE_LAMBDA HWY_ATTR __attribute__((always_inline))

template <typename Body, int... kIndices>
HWY_INLINE void each(const Body& body, std::integer_sequence<int, kIndices...>) {
  (body(std::integral_constant<int, kIndices>()), ...);
}

// Calls body(0) ... body(kCount - 1) with constants: the compiler keeps arrays in registers only
// where all indices are such.
template <int kCount, typename Body>
HWY_INLINE void each(const Body& body) {
  each(body, std::make_integer_sequence<int, kCount>());
}

// How a loop over columns was compiled. What is not there to be decided costs nothing: neither
// branches nor, in the fast form, the addresses of the second column, which is then the neighbour
// of the first. In the form of lines the pair is two vectors of one column instead.
enum class Form {
  kLine,     // whole vectors, two that share a line, column by column
  kFast,     // whole vectors, two neighbouring columns
  kWhole,    // whole vectors, any columns
  kGeneral,  // vectors at an edge, or of elements that lie apart
};

// Where the form of lines is worth being compiled.
template <typename T>
constexpr bool kTwoFillALine = std::is_same_v<T, typename Element<T>::Real> &&
                               2 * hn::MaxLanes(typename Element<T>::D()) * sizeof(T) == 64;

// Where one vector does.
template <typename T>
constexpr bool kOneFillsALine =
    std::is_same_v<T, typename Element<T>::Real>&& hn::MaxLanes(typename Element<T>::D()) *
        sizeof(T) ==
    64;

// Where stores past the caches are worth being compiled: processors put a line together of pieces
// that are not too small, and Highway widens those of less than 16 bytes.
template <typename T>
constexpr bool kMayStream = hn::MaxLanes(typename Element<T>::D()) * sizeof(T) >= 32;

struct ColumnPair {
  int64_t first, second;
};

// The pair that starts with the i-th of the columns that do something at this step.
template <Form kForm>
HWY_INLINE ColumnPair column_pair(const Extent& extent, int64_t i) {
  if constexpr (kForm == Form::kLine) return {i, i};
  if constexpr (kForm == Form::kFast) return {i, i + 1};
  const int64_t j = i + 1 < extent.active_count ? i + 1 : i;
  if (extent.active == nullptr) return {i, j};
  return {extent.active[i], extent.active[j]};
}

// Runs a body for all columns, in the form that fits: body(form, begin, end) with the form as a
// constant.
template <typename Body>
HWY_INLINE void for_columns(const Extent& extent, bool are_whole, const Body& body) {
  int64_t begin = 0;
  if (are_whole && extent.active == nullptr) {
    begin = extent.active_count / 2 * 2;
    if (begin > 0) body(std::integral_constant<Form, Form::kFast>(), 0, begin);
  }
  if (begin == extent.active_count) return;
  if (are_whole) {
    body(std::integral_constant<Form, Form::kWhole>(), begin, extent.active_count);
  } else {
    body(std::integral_constant<Form, Form::kGeneral>(), begin, extent.active_count);
  }
}

// Two vectors of reals from blocks.
template <typename D, typename T>
HWY_INLINE Pair<D> load_pair(D d, const T* a, const T* b) {
  return {hn::Load(d, a), hn::Load(d, b)};
}

template <typename D, typename T>
HWY_INLINE void store_pair(Pair<D> x, D d, T* a, T* b) {
  hn::Store(x.a, d, a);
  hn::Store(x.b, d, b);
}

// Whether one vector of a view's units is one load: a view that is absent is never in the way.
template <typename T>
HWY_INLINE bool is_whole(const View& view, int64_t count) {
  return view.data == nullptr ||
         (view.unit_stride == 1 &&
          count == static_cast<int64_t>(hn::Lanes(typename Element<T>::D())));
}

// Rows of a view at one item (gate or state) and unit. Except in the general form is_whole() holds:
// a mere possibility of a call would have the compiler keep every vector on the stack.
template <typename T, Form kForm>
struct ViewRows {
  static constexpr bool kWhole = kForm != Form::kGeneral;
  using D = typename Element<T>::D;

  ViewRows(const View& view, int64_t unit, int64_t elements)
      : base(static_cast<T*>(view.data) + (view.data == nullptr ? 0 : unit * view.unit_stride)),
        column_stride(view.column_stride),
        item_stride(view.item_stride),
        unit_stride(view.unit_stride),
        count(elements) {}

  HWY_INLINE T* at(int64_t column, int64_t item) const {
    return base + column * column_stride + item * item_stride;
  }
  HWY_INLINE hn::Vec<D> load(const T* p) const {
    if constexpr (kWhole) return Element<T>::load(p);
    return load_apart(p, unit_stride, count);
  }
  HWY_INLINE void store(hn::Vec<D> x, T* p) const {
    if constexpr (kWhole) {
      Element<T>::store(x, p);
    } else {
      store_apart(x, p, unit_stride, count);
    }
  }
  HWY_INLINE T* second_at(int64_t c1, int64_t item) const {
    const int64_t further = kForm == Form::kLine ? static_cast<int64_t>(hn::Lanes(D())) : 0;
    return at(c1, item) + further;
  }
  HWY_INLINE Pair<D> load(int64_t c0, int64_t c1, int64_t item) const {
    return {load(at(c0, item)), load(second_at(c1, item))};
  }
  HWY_INLINE void store(Pair<D> x, int64_t c0, int64_t c1, int64_t item) const {
    store(x.a, at(c0, item));
    store(x.b, second_at(c1, item));
  }
  // Past the caches: for views whose lines a vector fills, or the pair.
  HWY_INLINE void stream(Pair<D> x, int64_t c0, int64_t c1, int64_t item) const {
    Element<T>::stream(x.a, at(c0, item));
    Element<T>::stream(x.b, second_at(c1, item));
  }
  HWY_INLINE void store_zero(int64_t column, int64_t item) const {
    store(hn::Zero(D()), at(column, item));
  }

  T* base;
  int64_t column_stride, item_stride, unit_stride, count;
};
