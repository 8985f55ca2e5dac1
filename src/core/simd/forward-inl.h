// SPDX-License-Identifier: Apache-2.0
// The element-wise part of a forward step; included once per instruction set inside HWY_NAMESPACE.

// h as the next product's operand: rounded to T, in rows of reals or, where the product takes them,
// of bfloat16.
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
HWY_NOINLINE void stand_still(const ForwardStep& s, int64_t column, int64_t unit, int64_t count) {
  const typename Element<T>::D d;
  const int64_t size =
      s.is_bfloat16_operand ? 2 : static_cast<int64_t>(sizeof(typename Element<T>::Real));
  const int64_t at = (column * s.operand_stride + unit) * size;
  std::memcpy(static_cast<char*>(s.operand) + at, static_cast<const char*>(s.old_operand) + at,
              hn::Lanes(d) * static_cast<size_t>(size));
  if (s.h.data != nullptr) ViewRows<T, Form::kGeneral>(s.h, unit, count).store_zero(column, 0);
  if (s.states.data == nullptr) return;
  for (int k = 0; k < Cell::kStates; ++k)
    ViewRows<T, Form::kGeneral>(s.states, unit, count).store_zero(column, k);
}

// The slots' activations in place, of an even number of vectors, a gate at a time: its constants
// stay in registers, and the processor's window holds more vectors of a short loop than of the
// whole cell.
template <typename Cell, typename Real>
void activate(const ForwardStep& s) {
  using D = typename Element<Real>::D;
  const D d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const int64_t gate_sums =
      (s.extent.end_vector - s.extent.first_vector) * s.extent.columns * lanes;
  each<Cell::kSlots>([&](auto k) FLASHRNN_INLINE_LAMBDA {
    constexpr int kRecurrent = Cell::kMaps.recurrent_of_slot[k];
    if constexpr (kRecurrent >= 0) {
      Real* sum = static_cast<Real*>(s.sums) + kRecurrent * gate_sums;
      const Real* end = sum + gate_sums;
      const auto apply = [&](Real* first, Real* second) HWY_ATTR {
        typename Cell::Slots g = {};
        g.v[k] = load_pair(d, first, second);
        store_pair(Cell::activate(g).v[k], d, first, second);
      };
      for (; sum < end; sum += 2 * lanes) apply(sum, sum + lanes);
    }
  });
}

// One vector of units, or in the form of lines two whose slots with sums are activated, of the
// columns [begin, end) of those that do something at this step.
template <typename Cell, typename T, Form kForm>
void forward_vector(const ForwardStep& step, int64_t v, int64_t begin, int64_t end) {
  using Real = typename Element<T>::Real;
  using D = typename Element<T>::D;
  const D d;
  const ForwardStep s = step;  // a copy, so that stores cannot change it
  constexpr bool kIsLine = kForm == Form::kLine;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const int64_t columns = s.extent.columns;
  const auto limit = hn::Set(d, static_cast<Real>(s.clip));
  const int64_t unit = v * lanes;
  const int64_t count = s.extent.units - unit < lanes ? s.extent.units - unit : lanes;
  const ViewRows<T, kForm> wx(s.wx, unit, count);
  const ViewRows<T, kForm> h(s.h, unit, count);
  const ViewRows<T, kForm> states(s.states, unit, count);
  const Real* bias = static_cast<const Real*>(s.bias) + v * Cell::kSlots * lanes;
  const Real* sums =
      static_cast<const Real*>(s.sums) + (v - s.extent.first_vector) * columns * lanes;
  const int64_t gate_sums = (s.extent.end_vector - s.extent.first_vector) * columns * lanes;
  Real* state = static_cast<Real*>(s.state) + v * columns * Cell::kStates * lanes;
  T* saved =
      static_cast<T*>(s.saved) + (s.saved == nullptr ? 0 : v * columns * Cell::kSaved * lanes);
  Real* kept =
      static_cast<Real*>(s.kept) + (s.kept == nullptr ? 0 : v * columns * Cell::kKept * lanes);

  for (int64_t i = begin; i < end; i += kIsLine ? 1 : 2) {
    const ColumnPair at = column_pair<kForm>(s.extent, i);
    const int64_t c0 = at.first;
    const int64_t c1 = at.second;
    // Block of the pair's second; c0 is the first's.
    const int64_t in1 = kIsLine ? c0 + columns : c1;
    if (s.prefetch != nullptr) {
      const void* const* lines =
          s.prefetch + ((v - s.extent.first_vector) * columns + c0) * Cell::kInputs;
      each<Cell::kInputs>([&](auto k) FLASHRNN_INLINE_LAMBDA {
        __builtin_prefetch(lines[k], 0, 2);
        __builtin_prefetch(lines[(c1 - c0) * Cell::kInputs + k], 0, 2);
      });
    }
    if (s.h_ahead != 0) {
      __builtin_prefetch(h.at(c0, 0) + s.h_ahead, 0, 2);
      if (!kIsLine) __builtin_prefetch(h.at(c1, 0) + s.h_ahead, 0, 2);
    }
    typename Cell::Slots g;
    each<Cell::kSlots>([&](auto k) FLASHRNN_INLINE_LAMBDA {
      const int input = Cell::kMaps.input_of_slot[k];
      const int recurrent = Cell::kMaps.recurrent_of_slot[k];
      const Real* sum = sums + (recurrent < 0 ? 0 : recurrent) * gate_sums;
      if (recurrent >= 0 && s.are_whole) {
        g.v[k] = load_pair(d, sum + c0 * lanes, sum + in1 * lanes);
        return;
      }
      g.v[k] = load_pair(d, bias + k * lanes, bias + (kIsLine ? Cell::kSlots + k : k) * lanes);
      if (input >= 0) g.v[k] = g.v[k] + wx.load(c0, c1, input);
      if (recurrent >= 0) g.v[k] = g.v[k] + load_pair(d, sum + c0 * lanes, sum + in1 * lanes);
    });
    Real* state0 = state + c0 * Cell::kStates * lanes;
    Real* state1 = state + in1 * Cell::kStates * lanes;
    typename Cell::States old;
    each<Cell::kStates>([&](auto k) FLASHRNN_INLINE_LAMBDA {
      old.v[k] = load_pair(d, state0 + k * lanes, state1 + k * lanes);
    });
    typename Cell::Step r;
    if constexpr (kIsLine) {
      r = Cell::update(g, old);
    } else {
      r = Cell::forward(g, old);
    }
    if (s.clip > 0) {
      const Pair<D> most{limit, limit};
      const Pair<D> least{hn::Neg(limit), hn::Neg(limit)};
      r.now.v[0] = at_least(least, at_most(most, r.now.v[0]));
    }
    each<Cell::kStates>([&](auto k) FLASHRNN_INLINE_LAMBDA {
      store_pair(r.now.v[k], d, state0 + k * lanes, state1 + k * lanes);
    });
    store_operand<T>(r.now.v[0].a, s, c0, unit);
    store_operand<T>(r.now.v[0].b, s, c1, kIsLine ? unit + lanes : unit);
    if (s.h.data != nullptr) h.store(r.now.v[0], c0, c1, 0);
    if (s.states.data != nullptr) {
      each<Cell::kStates>([&](auto k)
                              FLASHRNN_INLINE_LAMBDA { states.store(r.now.v[k], c0, c1, k); });
    }
    if (s.saved == nullptr) continue;
    each<Cell::kSaved>([&](auto k) FLASHRNN_INLINE_LAMBDA {
      T* const saved0 = saved + (c0 * Cell::kSaved + k) * lanes;
      T* const saved1 = saved + (in1 * Cell::kSaved + k) * lanes;
      if constexpr (kMayStream<T>) {
        if (s.streams_saved) {
          Element<T>::stream(r.saved.v[k].a, saved0);
          Element<T>::stream(r.saved.v[k].b, saved1);
          return;
        }
      }
      Element<T>::store(r.saved.v[k].a, saved0);
      Element<T>::store(r.saved.v[k].b, saved1);
    });
    each<Cell::kKept>([&](auto k) FLASHRNN_INLINE_LAMBDA {
      Real* const kept0 = kept + (c0 * Cell::kKept + k) * lanes;
      Real* const kept1 = kept + (in1 * Cell::kKept + k) * lanes;
      if constexpr (kMayStream<T>) {
        if (s.streams_saved) {
          Element<Real>::stream(r.now.v[k + 1].a, kept0);
          Element<Real>::stream(r.now.v[k + 1].b, kept1);
          return;
        }
      }
      store_pair(r.now.v[k + 1], d, kept0, kept1);
    });
  }
}

template <typename Cell, typename T>
void forward(const ForwardStep& step) {
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(typename Element<T>::D()));
  int64_t v = step.extent.first_vector;
  if constexpr (kTwoFillALine<T>) {
    // Saved values would be two streams, which costs more than lines and activations gain.
    if (step.are_whole && step.saved == nullptr && step.extent.active == nullptr &&
        (step.extent.end_vector - v) % 2 == 0 && is_whole<T>(step.wx, lanes) &&
        is_whole<T>(step.h, lanes) && is_whole<T>(step.states, lanes)) {
      activate<Cell, typename Element<T>::Real>(step);
      for (; v < step.extent.end_vector; v += 2)
        forward_vector<Cell, T, Form::kLine>(step, v, 0, step.extent.columns);
    }
  }
  for (; v < step.extent.end_vector; ++v) {
    const int64_t rest = step.extent.units - v * lanes;
    const int64_t count = rest < lanes ? rest : lanes;
    const bool are_whole = is_whole<T>(step.wx, count) && is_whole<T>(step.h, count) &&
                           is_whole<T>(step.states, count);
    for_columns(step.extent, are_whole, [&](auto form, int64_t begin, int64_t end) {
      forward_vector<Cell, T, decltype(form)::value>(step, v, begin, end);
    });
    for (int64_t c = 0; step.extent.active != nullptr && c < step.extent.columns; ++c) {
      if (step.extent.sources[c] == Source::kNone) stand_still<Cell, T>(step, c, v * lanes, count);
    }
  }
}
