// SPDX-License-Identifier: Apache-2.0
// The element-wise part of a backward step; included once per instruction set inside HWY_NAMESPACE.

// Row of the slots' gradients of one column, as reals and where the product takes them as bfloat16
// too.
template <typename Cell, typename T, typename V>
HWY_INLINE void store_slot(const BackwardStep& s, V slot, int recurrent, int64_t column,
                           int64_t unit) {
  using Real = typename Element<T>::Real;
  const typename Element<T>::D d;
  const int64_t at = recurrent * s.padded_units + unit;
  hn::StoreU(slot, d, static_cast<Real*>(s.d_slots) + column * s.d_slots_stride + at);
  if constexpr (std::is_same_v<T, Bfloat16>) {
    if (s.d_slots_operand != nullptr) {
      Element<T>::store(
          slot, static_cast<T*>(s.d_slots_operand) + column * s.d_slots_operand_stride + at);
    }
  }
}

// A sequence past its length: no gradient.
template <typename Cell, typename T>
HWY_NOINLINE void stand_still(const BackwardStep& s, int64_t column, int64_t unit, int64_t count) {
  const typename Element<T>::D d;
  for (int k = 0; k < Cell::kRecurrents; ++k) store_slot<Cell, T>(s, hn::Zero(d), k, column, unit);
  if (s.d_wx.data == nullptr) return;
  for (int k = 0; k < Cell::kInputs; ++k)
    ViewRows<T, Form::kGeneral>(s.d_wx, unit, count).store_zero(column, k);
}

// Fetches into L1 what the cell will read of a column's block of values: of those that forward left
// in memory, processors fetch ahead within a page only, and a step's values are a few pages.
template <typename T>
HWY_INLINE void fetch_block(const T* block, int64_t elements) {
  constexpr int64_t kLine = 64 / sizeof(T);
  for (int64_t e = 0; e < elements; e += kLine) __builtin_prefetch(block + e, 0, 3);
}

// One vector of units, or in the form of lines two, of the columns [begin, end) of those that do
// something at this step.
template <typename Cell, typename T, Form kForm>
void backward_vector(const BackwardStep& step, int64_t v, int64_t begin, int64_t end) {
  using Real = typename Element<T>::Real;
  using D = typename Element<T>::D;
  const D d;
  constexpr bool kIsLine = kForm == Form::kLine;
  const BackwardStep s = step;  // a copy, so that stores cannot change it
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const int64_t further = kIsLine ? lanes : 0;  // units, from the pair's first to its second
  const int64_t columns = s.extent.columns;
  // h was stored in the problem's dtype: so is the limit that it is compared with.
  const auto limit = Element<T>::rounded(hn::Set(d, static_cast<Real>(s.clip)));
  const int64_t unit = v * lanes;
  const int64_t count = s.extent.units - unit < lanes ? s.extent.units - unit : lanes;
  const ViewRows<T, kForm> h(s.h, unit, count);
  const ViewRows<T, kForm> d_h(s.d_h, unit, count);
  const ViewRows<T, kForm> d_states(s.d_states, unit, count);
  const ViewRows<T, kForm> d_wx(s.d_wx, unit, count);
  const int64_t block = v * columns * lanes;
  const T* saved = static_cast<const T*>(s.saved) + block * Cell::kSaved;
  const Real* kept = static_cast<const Real*>(s.kept) + block * Cell::kKept;
  const Real* old_kept = static_cast<const Real*>(s.old_kept) + block * Cell::kKept;
  const Real* initial = static_cast<const Real*>(s.initial) + block * Cell::kStates;
  Real* carry = static_cast<Real*>(s.carry) + block * Cell::kStates;
  const Real* old_h = static_cast<const Real*>(s.old_h) + unit;
  // Where a vector goes on in a line, the one before has had it fetched.
  constexpr int64_t kLine = 64 / sizeof(T);
  const bool begins_line = unit % kLine == 0;
  Pair<D> d_bias[Cell::kSlots];  // of the second vector in the form of lines only
  each<Cell::kSlots>([&](auto k) FLASHRNN_INLINE_LAMBDA {
    d_bias[k] = {hn::Zero(d), hn::Zero(d)};
  });
  constexpr bool kIsByLines = kIsLine || (kForm == Form::kFast && kOneFillsALine<T>);
  const int64_t next = (kIsLine ? 2 : 1) * columns;  // blocks, to those of the next line
  const bool fetches_next =
      kIsByLines && s.is_by_lines && v + (kIsLine ? 2 : 1) < s.extent.end_vector;

  // Where a column's kept states of the step before stand, at its block in the arrays of the tile.
  const auto old_states = [&](int64_t c, int64_t in) {
    const bool is_initial = s.extent.sources != nullptr && s.extent.sources[c] == Source::kInitial;
    return is_initial ? initial + (in * Cell::kStates + 1) * lanes
                      : old_kept + in * Cell::kKept * lanes;
  };
  for (int64_t i = begin; i < end; i += kIsLine ? 1 : 2) {
    const ColumnPair at = column_pair<kForm>(s.extent, i);
    const int64_t c0 = at.first;
    const int64_t c1 = at.second;
    const int64_t in1 =
        kIsLine ? c0 + columns : c1;  // block of the pair's second; c0 is the first's
    if (fetches_next) {
      for (const int64_t in : {c0 + next, in1 + next}) {
        fetch_block(saved + in * Cell::kSaved * lanes, Cell::kSaved * lanes);
        fetch_block(old_kept + in * Cell::kKept * lanes, Cell::kKept * lanes);
      }
    }
    if (begins_line && s.to_next.d_h != 0) {
      __builtin_prefetch(d_h.at(c0, 0) + s.to_next.d_h, 0, 2);
      __builtin_prefetch(d_h.at(c1, 0) + s.to_next.d_h, 0, 2);
    }
    if (begins_line && s.to_next.h != 0) {
      __builtin_prefetch(h.at(c0, 0) + s.to_next.h, 0, 2);
      __builtin_prefetch(h.at(c1, 0) + s.to_next.h, 0, 2);
    }
    if (begins_line && s.to_next.d_wx != 0) {
      each<Cell::kInputs>([&](auto k) FLASHRNN_INLINE_LAMBDA {
        __builtin_prefetch(d_wx.at(c0, k) + s.to_next.d_wx, 0, 2);
        __builtin_prefetch(d_wx.at(c1, k) + s.to_next.d_wx, 0, 2);
      });
    }
    typename Cell::Saved values;
    each<Cell::kSaved>([&](auto k) FLASHRNN_INLINE_LAMBDA {
      values.v[k] = {Element<T>::load(saved + (c0 * Cell::kSaved + k) * lanes),
                     Element<T>::load(saved + (in1 * Cell::kSaved + k) * lanes)};
    });
    const Real* old0 = old_states(c0, c0);
    const Real* old1 = old_states(c1, in1);
    typename Cell::States old;
    typename Cell::States now;
    each<Cell::kStates>([&](auto k) FLASHRNN_INLINE_LAMBDA {
      now.v[k] = old.v[k] = {hn::Zero(d), hn::Zero(d)};
      if (k < 1 || k > Cell::kKept) return;
      now.v[k] = load_pair(d, kept + (c0 * Cell::kKept + k - 1) * lanes,
                           kept + (in1 * Cell::kKept + k - 1) * lanes);
      old.v[k] = load_pair(d, old0 + (k - 1) * lanes, old1 + (k - 1) * lanes);
    });
    old.v[0] = {hn::LoadU(d, old_h + c0 * s.old_h_stride),
                hn::LoadU(d, old_h + c1 * s.old_h_stride + further)};
    Real* carry0 = carry + c0 * Cell::kStates * lanes;
    Real* carry1 = carry + in1 * Cell::kStates * lanes;
    typename Cell::States gradient;
    each<Cell::kStates>([&](auto k) FLASHRNN_INLINE_LAMBDA {
      gradient.v[k] = load_pair(d, carry0 + k * lanes, carry1 + k * lanes);
      if (s.d_states.data != nullptr) gradient.v[k] = gradient.v[k] + d_states.load(c0, c1, k);
    });
    if (s.d_h.data != nullptr) gradient.v[0] = gradient.v[0] + d_h.load(c0, c1, 0);
    if (s.clip > 0) {
      const Pair<D> size = absolute(h.load(c0, c1, 0));
      gradient.v[0] = {hn::IfThenZeroElse(hn::Ge(size.a, limit), gradient.v[0].a),
                       hn::IfThenZeroElse(hn::Ge(size.b, limit), gradient.v[0].b)};
    }
    const typename Cell::Gradient r = Cell::backward(values, old, now, gradient);
    each<Cell::kStates>([&](auto k) FLASHRNN_INLINE_LAMBDA {
      store_pair(r.old.v[k], d, carry0 + k * lanes, carry1 + k * lanes);
    });
    each<Cell::kSlots>([&](auto k) FLASHRNN_INLINE_LAMBDA {
      const int input = Cell::kMaps.input_of_slot[k];
      const int recurrent = Cell::kMaps.recurrent_of_slot[k];
      if (recurrent >= 0) {
        store_slot<Cell, T>(s, r.slots.v[k].a, recurrent, c0, unit);
        store_slot<Cell, T>(s, r.slots.v[k].b, recurrent, c1, unit + further);
      }
      if constexpr (kIsLine) {
        d_bias[k] = d_bias[k] + r.slots.v[k];
      } else {
        d_bias[k].a = hn::Add(d_bias[k].a,
                              c0 == c1 ? r.slots.v[k].a : hn::Add(r.slots.v[k].a, r.slots.v[k].b));
      }
      if (input < 0 || s.d_wx.data == nullptr) return;
      if constexpr (kIsByLines) {
        if (s.streams_d_wx) {
          d_wx.stream(r.slots.v[k], c0, c1, input);
          return;
        }
      }
      d_wx.store(r.slots.v[k], c0, c1, input);
    });
  }
  const auto add_bias = [&](hn::Vec<D> sum, Real* to)
                            HWY_ATTR { hn::Store(hn::Add(hn::Load(d, to), sum), d, to); };
  Real* bias = static_cast<Real*>(s.d_bias) + v * Cell::kSlots * lanes;
  each<Cell::kSlots>([&](auto k) FLASHRNN_INLINE_LAMBDA {
    add_bias(d_bias[k].a, bias + k * lanes);
    if constexpr (kIsLine) add_bias(d_bias[k].b, bias + (Cell::kSlots + k) * lanes);
  });
}

template <typename Cell, typename T>
void backward(const BackwardStep& step) {
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(typename Element<T>::D()));
  const auto views_are_whole = [&](int64_t count) {
    return is_whole<T>(step.d_h, count) && is_whole<T>(step.d_states, count) &&
           is_whole<T>(step.d_wx, count) && is_whole<T>(step.h, count);
  };
  int64_t v = step.extent.first_vector;
  if constexpr (kTwoFillALine<T>) {
    if (step.is_by_lines && step.extent.active == nullptr && views_are_whole(lanes)) {
      for (; v < step.extent.end_vector; v += 2)
        backward_vector<Cell, T, Form::kLine>(step, v, 0, step.extent.columns);
    }
  }
  for (; v < step.extent.end_vector; ++v) {
    const int64_t rest = step.extent.units - v * lanes;
    const int64_t count = rest < lanes ? rest : lanes;
    const bool are_whole = views_are_whole(count);
    for_columns(step.extent, are_whole, [&](auto form, int64_t begin, int64_t end) {
      backward_vector<Cell, T, decltype(form)::value>(step, v, begin, end);
    });
    for (int64_t c = 0; step.extent.active != nullptr && c < step.extent.columns; ++c) {
      if (step.extent.sources[c] == Source::kNone) stand_still<Cell, T>(step, c, v * lanes, count);
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
  for (int64_t block = s.extent.first_vector * columns; block < s.extent.end_vector * columns;
       ++block) {
    if (s.extent.sources != nullptr && s.extent.sources[block % columns] == Source::kNone) continue;
    T* at = carried + block * Cell::kStates * lanes;
    auto sum = hn::Load(d, at);
    if (sums != nullptr) sum = hn::Add(sum, hn::Load(d, sums + block * lanes));
    if (s.clip > 0) sum = hn::Max(hn::Neg(limit), hn::Min(limit, sum));
    hn::Store(sum, d, at);
  }
}
