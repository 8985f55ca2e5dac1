// SPDX-License-Identifier: Apache-2.0
// The element-wise part of a backward step; included once per instruction set inside HWY_NAMESPACE.

// Row of the slots' gradients, as reals and where the product takes them as bfloat16 too.
template <typename Cell, typename T, typename Slots>
HWY_INLINE void store_slots(const BackwardStep& s, const Slots& slots, int64_t column, int64_t unit) {
  using Real = typename Element<T>::Real;
  const typename Element<T>::D d;
  for (int k = 0; k < Cell::kSlots; ++k) {
    const int recurrent = Cell::kMaps.recurrent_of_slot[k];
    if (recurrent < 0) continue;
    const int64_t at = recurrent * s.padded_units + unit;
    hn::StoreU(slots.v[k], d, static_cast<Real*>(s.d_slots) + column * s.d_slots_stride + at);
    if constexpr (std::is_same_v<T, Bfloat16>) {
      if (s.d_slots_operand != nullptr) {
        Element<T>::store(slots.v[k],
                          static_cast<T*>(s.d_slots_operand) + column * s.d_slots_operand_stride + at);
      }
    }
  }
}

template <typename Cell, typename T, typename Slots>
HWY_INLINE void store_d_wx(const BackwardStep& s, const Slots& slots, int64_t column, int64_t unit,
                           int64_t count, bool is_whole) {
  if (s.d_wx.data == nullptr) return;
  T* row = static_cast<T*>(s.d_wx.data) + column * s.d_wx.column_stride + unit * s.d_wx.unit_stride;
  for (int k = 0; k < Cell::kSlots; ++k) {
    const int input = Cell::kMaps.input_of_slot[k];
    if (input < 0) continue;
    store_at(slots.v[k], row + input * s.d_wx.item_stride, s.d_wx.unit_stride, count, is_whole);
  }
}

template <typename Cell, typename T>
void backward(const BackwardStep& step) {
  using Real = typename Element<T>::Real;
  using D = typename Element<T>::D;
  using V = hn::Vec<D>;
  const D d;
  const BackwardStep s = step;  // a copy, so that stores cannot change it
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const int64_t columns = s.extent.columns;
  // h was stored in the problem's dtype: so is the limit that it is compared with.
  const V limit = Element<T>::rounded(hn::Set(d, static_cast<Real>(s.clip)));
  for (int64_t v = s.extent.first_vector; v < s.extent.end_vector; ++v) {
    const int64_t unit = v * lanes;
    const int64_t count = s.extent.units - unit < lanes ? s.extent.units - unit : lanes;
    const bool is_full = count == lanes;
    const bool is_d_h_whole = is_full && s.d_h.unit_stride == 1;
    const bool is_d_states_whole = is_full && s.d_states.unit_stride == 1;
    const bool is_d_wx_whole = is_full && s.d_wx.unit_stride == 1;
    V d_bias[Cell::kSlots];
    for (int k = 0; k < Cell::kSlots; ++k) d_bias[k] = hn::Zero(d);
    for (int64_t c = 0; c < columns; ++c) {
      const int64_t block = v * columns + c;
      const Source source = s.extent.sources == nullptr ? Source::kPrevious : s.extent.sources[c];
      if (source == Source::kNone) {
        typename Cell::Slots none;
        for (int k = 0; k < Cell::kSlots; ++k) none.v[k] = hn::Zero(d);
        store_slots<Cell, T>(s, none, c, unit);
        store_d_wx<Cell, T>(s, none, c, unit, count, is_d_wx_whole);
        continue;
      }
      const T* saved = static_cast<const T*>(s.saved) + block * Cell::kSaved * lanes;
      typename Cell::Saved values;
      for (int k = 0; k < Cell::kSaved; ++k) values.v[k] = Element<T>::load(saved + k * lanes);
      const bool is_initial = source == Source::kInitial;
      const Real* initial = static_cast<const Real*>(s.initial) + block * Cell::kStates * lanes;
      const Real* kept = static_cast<const Real*>(s.kept) + block * Cell::kKept * lanes;
      const Real* old_kept = is_initial ? initial + lanes
                                        : static_cast<const Real*>(s.old_kept) + block * Cell::kKept * lanes;
      typename Cell::States old;
      typename Cell::States now;
      for (int k = 0; k < Cell::kStates; ++k) {
        const bool is_kept = k > 0 && k <= Cell::kKept;
        now.v[k] = is_kept ? hn::Load(d, kept + (k - 1) * lanes) : hn::Zero(d);
        old.v[k] = is_kept ? hn::Load(d, old_kept + (k - 1) * lanes) : hn::Zero(d);
      }
      old.v[0] = hn::LoadU(d, static_cast<const Real*>(s.old_h) + c * s.old_h_stride + unit);
      Real* carry = static_cast<Real*>(s.carry) + block * Cell::kStates * lanes;
      typename Cell::States gradient;
      for (int k = 0; k < Cell::kStates; ++k) gradient.v[k] = hn::Load(d, carry + k * lanes);
      if (s.d_h.data != nullptr) {
        const T* p = static_cast<const T*>(s.d_h.data) + c * s.d_h.column_stride + unit * s.d_h.unit_stride;
        gradient.v[0] = hn::Add(gradient.v[0], load_at(p, s.d_h.unit_stride, count, is_d_h_whole));
      }
      if (s.d_states.data != nullptr) {
        const T* p = static_cast<const T*>(s.d_states.data) + c * s.d_states.column_stride +
                     unit * s.d_states.unit_stride;
        for (int k = 0; k < Cell::kStates; ++k) {
          gradient.v[k] = hn::Add(gradient.v[k], load_at(p + k * s.d_states.item_stride,
                                                         s.d_states.unit_stride, count, is_d_states_whole));
        }
      }
      if (s.clip > 0) {
        const T* p = static_cast<const T*>(s.h.data) + c * s.h.column_stride + unit * s.h.unit_stride;
        const V h = load_at(p, s.h.unit_stride, count, is_full && s.h.unit_stride == 1);
        gradient.v[0] = hn::IfThenZeroElse(hn::Ge(hn::Abs(h), limit), gradient.v[0]);
      }
      const typename Cell::Gradient r = Cell::backward(values, old, now, gradient);
      for (int k = 0; k < Cell::kStates; ++k) hn::Store(r.old.v[k], d, carry + k * lanes);
      store_slots<Cell, T>(s, r.slots, c, unit);
      store_d_wx<Cell, T>(s, r.slots, c, unit, count, is_d_wx_whole);
      for (int k = 0; k < Cell::kSlots; ++k) d_bias[k] = hn::Add(d_bias[k], r.slots.v[k]);
    }
    Real* bias = static_cast<Real*>(s.d_bias) + v * Cell::kSlots * lanes;
    for (int k = 0; k < Cell::kSlots; ++k) {
      hn::Store(hn::Add(hn::Load(d, bias + k * lanes), d_bias[k]), d, bias + k * lanes);
    }
  }
}

template <typename Cell, typename T>
void carry(const CarryStep& s) {
  using D = typename Element<T>::D;
  const D d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto limit = hn::Set(d, static_cast<T>(s.clip));
  const T* sums = static_cast<const T*>(s.sums);
  T* carried = static_cast<T*>(s.carry);
  const int64_t columns = s.extent.columns;
  for (int64_t block = s.extent.first_vector * columns; block < s.extent.end_vector * columns; ++block) {
    if (s.extent.sources != nullptr && s.extent.sources[block % columns] == Source::kNone) continue;
    T* at = carried + block * Cell::kStates * lanes;
    auto sum = hn::Load(d, at);
    if (sums != nullptr) sum = hn::Add(sum, hn::Load(d, sums + block * lanes));
    if (s.clip > 0) sum = hn::Max(hn::Neg(limit), hn::Min(limit, sum));
    hn::Store(sum, d, at);
  }
}
