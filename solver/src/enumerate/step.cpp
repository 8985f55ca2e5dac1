#include "enumerate/step.hpp"

#include <algorithm>

#include "constrint/constrint.hpp"
#include "families/family.hpp"

namespace constrint::detail {
namespace {

// 64-bit division is several times dearer than 32-bit, and tuning values are small.
inline bool small(i64 a, i64 b) { return ((static_cast<u64>(a) | static_cast<u64>(b)) >> 32) == 0; }

struct Multiply {
  i64 operator()(i64 a, i64 b) const { return a * b; }
};
// For factors that are never negative; the result is held at 2^62.
struct MultiplyHeld {
  i64 operator()(i64 a, i64 b) const {
    i64 r = 0;
    return __builtin_mul_overflow(a, b, &r) || r > kLimit ? kLimit : r;
  }
};
struct PowerHeld {
  i64 operator()(i64 x, i64 k) const {
    if (x <= 1) return k == 0 ? 1 : x;
    i64 r = 1;
    for (; k > 0 && r < kLimit; --k) r = MultiplyHeld()(r, x);
    return r;
  }
};
struct FloorDivide {
  i64 operator()(i64 a, i64 b) const {
    if (b == 0) return 0;
    if (small(a, b)) return static_cast<std::uint32_t>(a) / static_cast<std::uint32_t>(b);
    const i64 q = a / b;
    return q - ((a % b != 0 && ((a < 0) != (b < 0))) ? 1 : 0);
  }
};
struct Remainder {
  i64 operator()(i64 a, i64 b) const {
    if (b == 0) return 0;
    if (small(a, b)) return static_cast<std::uint32_t>(a) % static_cast<std::uint32_t>(b);
    const i64 r = a % b;
    return r != 0 && ((r < 0) != (b < 0)) ? r + b : r;
  }
};
struct Divides {
  i64 operator()(i64 d, i64 x) const { return d != 0 && Remainder()(x, d) == 0 ? 1 : 0; }
};
struct Power {
  i64 operator()(i64 x, i64 k) const {
    if (k < 0) return 0;
    if (x == 0 || x == 1) return k == 0 ? 1 : x;
    if (x == -1) return k % 2 == 0 ? 1 : -1;
    i64 r = 1;
    for (; k > 0; --k) r *= x;  // |x| >= 2 and the result fits, so this is short
    return r;
  }
};
void square(const Step& s, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    const i64 x = s.operands[0].at(i);
    s.out[i] = x * x;
  }
}
struct Same {
  i64 operator()(i64 a, i64 b) const { return a == b ? 1 : 0; }
};
struct Smaller {
  i64 operator()(i64 a, i64 b) const { return std::min(a, b); }
};
struct Larger {
  i64 operator()(i64 a, i64 b) const { return std::max(a, b); }
};
struct Both {
  i64 operator()(i64 a, i64 b) const { return a & b; }
};
struct Either {
  i64 operator()(i64 a, i64 b) const { return a | b; }
};

template <class F>
void binary_loop(Operand64 x, Operand64 y, i64* __restrict out, std::size_t count) {
  const F f;
  if (x.column && y.column) {
    for (std::size_t i = 0; i < count; ++i) out[i] = f(x.values[i], y.values[i]);
  } else if (x.column) {
    const i64 b = *y.values;
    for (std::size_t i = 0; i < count; ++i) out[i] = f(x.values[i], b);
  } else {
    const i64 a = *x.values;
    for (std::size_t i = 0; i < count; ++i) out[i] = f(a, y.column ? y.values[i] : *y.values);
  }
}

template <class F>
void binary(const Step& s, std::size_t count) {
  binary_loop<F>(s.operands[0], s.operands[1], s.out, count);
}

template <class F>
void many(const Step& s, std::size_t count) {
  const F f;
  for (std::size_t i = 0; i < count; ++i) {
    i64 value = s.operands[0].at(i);
    for (int k = 1; k < s.count; ++k) {
      value = f(value, s.operands[k].at(i));
    }
    s.out[i] = value;
  }
}

// Reach saw to it that those of a space fit, but for those of what is always 0.
inline i64 coefficient_of(const Step& s, int k) { return static_cast<i64>(s.coefficients[k]); }

void sum(const Step& s, std::size_t count) {
  i64 base = s.low;
  const Operand64* column = nullptr;
  i64 coefficient = 0;
  int columns = 0;
  for (int k = 0; k < s.count; ++k) {
    if (s.operands[k].column) {
      column = &s.operands[k], coefficient = coefficient_of(s, k), ++columns;
    } else {
      base += coefficient_of(s, k) * *s.operands[k].values;
    }
  }
  if (columns == 0) {
    std::fill(s.out, s.out + count, base);
    return;
  }
  if (columns == 1) {
    for (std::size_t i = 0; i < count; ++i) s.out[i] = base + coefficient * column->values[i];
    return;
  }
  std::fill(s.out, s.out + count, base);
  for (int k = 0; k < s.count; ++k) {
    if (!s.operands[k].column) continue;
    const i64 c = coefficient_of(s, k);
    const i64* v = s.operands[k].values;
    for (std::size_t i = 0; i < count; ++i) s.out[i] += c * v[i];
  }
}

void sum_held(const Step& s, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    i64 value = s.low;
    for (int k = 0; k < s.count; ++k) {
      value = std::min(kLimit, value + MultiplyHeld()(coefficient_of(s, k), s.operands[k].at(i)));
    }
    s.out[i] = value;
  }
}

void range(const Step& s, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    const i64 x = s.operands[0].at(i);
    s.out[i] = (x >= s.low) & (x <= s.high);
  }
}
void negation(const Step& s, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) s.out[i] = 1 - s.operands[0].at(i);
}
void absolute(const Step& s, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    const i64 x = s.operands[0].at(i);
    s.out[i] = x < 0 ? -x : x;
  }
}

// Families without a form of their own: their check, one value at a time.
void general(const Step& s, std::size_t count) {
  const Node& node = s.graph->nodes[s.node];
  std::vector<Int> values(static_cast<std::size_t>(s.count));
  for (std::size_t i = 0; i < count; ++i) {
    for (int k = 0; k < s.count; ++k) {
      values[k] = s.operands[k].at(i);
    }
    s.out[i] = static_cast<i64>(family(node.family).evaluate(*s.graph, node, values.data()));
  }
}

StepFunction function_of(Family f, std::size_t arguments) {
  if (arguments == 2) {
    switch (f) {
      case Family::minimum:
        return binary<Smaller>;
      case Family::maximum:
        return binary<Larger>;
      case Family::conjunction:
        return binary<Both>;
      case Family::disjunction:
        return binary<Either>;
      default:
        break;
    }
  }
  switch (f) {
    case Family::linear:
      return sum;
    case Family::product:
      return binary<Multiply>;
    case Family::power:
      return binary<Power>;
    case Family::floor_div:
      return binary<FloorDivide>;
    case Family::mod:
      return binary<Remainder>;
    case Family::divides:
      return binary<Divides>;
    case Family::equivalence:
      return binary<Same>;
    case Family::minimum:
      return many<Smaller>;
    case Family::maximum:
      return many<Larger>;
    case Family::conjunction:
      return many<Both>;
    case Family::disjunction:
      return many<Either>;
    case Family::absolute:
      return absolute;
    case Family::negation:
      return negation;
    case Family::range:
      return range;
    default:
      return general;
  }
}

i64 held(Int v) { return v < -kLimit ? -kLimit : v > kLimit ? kLimit : static_cast<i64>(v); }

}  // namespace

Step make_step(const Graph& graph, int node, std::span<const Operand64> arguments, bool saturating,
               i64* out) {
  const Node& description = graph.nodes[node];
  Step step;
  step.run = function_of(description.family, arguments.size());
  if (description.family == Family::power && graph.is_constant(graph.arguments(node)[1]) &&
      graph.nodes[graph.arguments(node)[1]].low == 2) {
    step.run = square;
  }
  if (saturating) {
    step.run = description.family == Family::product ? binary<MultiplyHeld>
               : description.family == Family::power ? binary<PowerHeld>
                                                     : sum_held;
  }
  step.out = out;
  step.graph = &graph;
  step.node = node;
  step.operands = arguments.data();
  step.count = static_cast<int>(arguments.size());
  // The terms of a space stay within 62 bits, so wider bounds are no bounds.
  step.low = held(description.low);
  step.high = held(description.high);
  step.coefficients = graph.coefficient(node);
  return step;
}

}  // namespace constrint::detail
