// SPDX-License-Identifier: Apache-2.0
// The element-wise part of a forward step; included once per instruction set inside HWY_NAMESPACE.

// h as the next product's operand: rounded to T, in rows of reals or, where the product takes them, of bfloat16.
template <typename T, typename V>
HWY_INLINE void store_operand(V h, const ForwardStep& s, int64_t column, int64_t unit) {
  using Real = typename Element<T>::Real;
  if constexpr (std::is_same_v<T, Bfloat16>) {
    if (s.is_bfloat16_operand) {
      Element<T>::store(h, static_cast<T*>(s.operand) + column * s.operand_stride + unit);
      return;
    }
  }
  Real* row = static_cast<Real*>(s.operand) + column * s.operand_stride + unit;
  hn::StoreU(Element<T>::rounded(h), typename Element<T>::D(), row);
}

// A sequence past its length: outputs are zero and the operand stays.
template <typename Cell, typename T>
HWY_NOINLINE void stand_still(const ForwardStep& s, int64_t vector, int64_t column, int64_t count,
                              bool is_h_whole, bool is_states_whole) {
  const typename Element<T>::D d;
  const int64_t unit = vector * static_cast<int64_t>(hn::Lanes(d));
  const int64_t size = s.is_bfloat16_operand ? 2 : static_cast<int64_t>(sizeof(typename Element<T>::Real));
  const int64_t at = (column * s.operand_stride + unit) * size;
  std::memcpy(static_cast<char*>(s.operand) + at, static_cast<const char*>(s.old_operand) + at,
              hn::Lanes(d) * static_cast<size_t>(size));
  if (s.h.data != nullptr) {
    store_at(hn::Zero(d), static_cast<T*>(s.h.data) + column * s.h.column_stride + unit * s.h.unit_stride,
             s.h.unit_stride, count, is_h_whole);
  }
  if (s.states.data == nullptr) return;
  for (int k = 0; k < Cell::kStates; ++k) {
    store_at(hn::Zero(d),
             static_cast<T*>(s.states.data) + column * s.states.column_stride +
                 k * s.states.item_stride + unit * s.states.unit_stride,
             s.states.unit_stride, count, is_states_whole);
  }
}

template <typename Cell, typename T>
void forward(const ForwardStep& step) {
  using Real = typename Element<T>::Real;
  using D = typename Element<T>::D;
  using V = hn::Vec<D>;
  const D d;
  const ForwardStep s = step;  // a copy, so that stores cannot change it
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const int64_t columns = s.extent.columns;
  const V limit = hn::Set(d, static_cast<Real>(s.clip));
  for (int64_t v = s.extent.first_vector; v < s.extent.end_vector; ++v) {
    const int64_t unit = v * lanes;
    const int64_t count = s.extent.units - unit < lanes ? s.extent.units - unit : lanes;
    const bool is_full = count == lanes;
    const bool is_wx_whole = is_full && s.wx.unit_stride == 1;
    const bool is_h_whole = is_full && s.h.unit_stride == 1;
    const bool is_states_whole = is_full && s.states.unit_stride == 1;
    const Real* bias = static_cast<const Real*>(s.bias) + v * Cell::kSlots * lanes;
    const Real* sums = static_cast<const Real*>(s.sums) +
                       (v - s.extent.first_vector) * Cell::kRecurrents * columns * lanes;
    for (int64_t c = 0; c < columns; ++c) {
      const int64_t block = v * columns + c;
      if (s.extent.sources != nullptr && s.extent.sources[c] == Source::kNone) {
        stand_still<Cell, T>(s, v, c, count, is_h_whole, is_states_whole);
        continue;
      }
      const T* wx = static_cast<const T*>(s.wx.data) + c * s.wx.column_stride + unit * s.wx.unit_stride;
      typename Cell::Slots g;
      for (int k = 0; k < Cell::kSlots; ++k) {
        const int input = Cell::kMaps.input_of_slot[k];
        const int recurrent = Cell::kMaps.recurrent_of_slot[k];
        V sum = hn::Load(d, bias + k * lanes);
        if (input >= 0) {
          const T* p = wx + input * s.wx.item_stride;
          sum = hn::Add(sum, load_at(p, s.wx.unit_stride, count, is_wx_whole));
          hwy::Prefetch(p + s.next_wx);
        }
        if (recurrent >= 0) sum = hn::Add(sum, hn::Load(d, sums + (recurrent * columns + c) * lanes));
        g.v[k] = sum;
      }
      Real* state = static_cast<Real*>(s.state) + block * Cell::kStates * lanes;
      typename Cell::States old;
      for (int k = 0; k < Cell::kStates; ++k) old.v[k] = hn::Load(d, state + k * lanes);
      typename Cell::Step r = Cell::forward(g, old);
      if (s.clip > 0) r.now.v[0] = hn::Max(hn::Neg(limit), hn::Min(limit, r.now.v[0]));
      for (int k = 0; k < Cell::kStates; ++k) hn::Store(r.now.v[k], d, state + k * lanes);
      store_operand<T>(r.now.v[0], s, c, unit);
      if (s.h.data != nullptr) {
        store_at(r.now.v[0],
                 static_cast<T*>(s.h.data) + c * s.h.column_stride + unit * s.h.unit_stride,
                 s.h.unit_stride, count, is_h_whole);
      }
      if (s.states.data != nullptr) {
        for (int k = 0; k < Cell::kStates; ++k) {
          store_at(r.now.v[k],
                   static_cast<T*>(s.states.data) + c * s.states.column_stride +
                       k * s.states.item_stride + unit * s.states.unit_stride,
                   s.states.unit_stride, count, is_states_whole);
        }
      }
      if (s.saved != nullptr) {
        T* saved = static_cast<T*>(s.saved) + block * Cell::kSaved * lanes;
        for (int k = 0; k < Cell::kSaved; ++k) Element<T>::store(r.saved.v[k], saved + k * lanes);
        Real* kept = static_cast<Real*>(s.kept) + block * Cell::kKept * lanes;
        for (int k = 0; k < Cell::kKept; ++k) hn::Store(r.now.v[k + 1], d, kept + k * lanes);
      }
    }
  }
}
