// SPDX-License-Identifier: Apache-2.0
// The dialect's `real` and intrinsics on vectors; included once per instruction set inside
// HWY_NAMESPACE, where `hn` names hwy::HWY_NAMESPACE. Coefficients: fit_coefficients.py. NaN goes
// in and comes out: the limits stand first in Min and Max, whose result is the second operand where
// one is NaN.
//
// A real is a pair of vectors. A cell is one long chain of dependent instructions; two of them,
// interleaved instruction by instruction, take hardly longer than one.

template <typename D>
struct Pair {
  hn::Vec<D> a, b;
};

template <typename D>
HWY_INLINE Pair<D> operator+(Pair<D> x, Pair<D> y) {
  return {hn::Add(x.a, y.a), hn::Add(x.b, y.b)};
}
template <typename D>
HWY_INLINE Pair<D> operator-(Pair<D> x, Pair<D> y) {
  return {hn::Sub(x.a, y.a), hn::Sub(x.b, y.b)};
}
template <typename D>
HWY_INLINE Pair<D> operator*(Pair<D> x, Pair<D> y) {
  return {hn::Mul(x.a, y.a), hn::Mul(x.b, y.b)};
}
template <typename D>
HWY_INLINE Pair<D> operator/(Pair<D> x, Pair<D> y) {
  return {hn::Div(x.a, y.a), hn::Div(x.b, y.b)};
}
// x * y + z
template <typename D>
HWY_INLINE Pair<D> fma(Pair<D> x, Pair<D> y, Pair<D> z) {
  return {hn::MulAdd(x.a, y.a, z.a), hn::MulAdd(x.b, y.b, z.b)};
}
// z - x * y
template <typename D>
HWY_INLINE Pair<D> negative_fma(Pair<D> x, Pair<D> y, Pair<D> z) {
  return {hn::NegMulAdd(x.a, y.a, z.a), hn::NegMulAdd(x.b, y.b, z.b)};
}
#if HWY_TARGET == HWY_SCALAR || HWY_TARGET == HWY_EMU128
// Where Highway has no vectors its Min and Max never give NaN, but the other operand.
template <typename D>
HWY_INLINE Pair<D> at_least(Pair<D> limit, Pair<D> x) {
  return {hn::IfThenElse(hn::Gt(limit.a, x.a), limit.a, x.a),
          hn::IfThenElse(hn::Gt(limit.b, x.b), limit.b, x.b)};
}
template <typename D>
HWY_INLINE Pair<D> at_most(Pair<D> limit, Pair<D> x) {
  return {hn::IfThenElse(hn::Lt(limit.a, x.a), limit.a, x.a),
          hn::IfThenElse(hn::Lt(limit.b, x.b), limit.b, x.b)};
}
#else
template <typename D>
HWY_INLINE Pair<D> at_least(Pair<D> limit, Pair<D> x) {
  return {hn::Max(limit.a, x.a), hn::Max(limit.b, x.b)};
}
template <typename D>
HWY_INLINE Pair<D> at_most(Pair<D> limit, Pair<D> x) {
  return {hn::Min(limit.a, x.a), hn::Min(limit.b, x.b)};
}
#endif
template <typename D>
HWY_INLINE Pair<D> absolute(Pair<D> x) {
  return {hn::Abs(x.a), hn::Abs(x.b)};
}
template <typename D>
HWY_INLINE Pair<D> cell_max(Pair<D> x, Pair<D> y) {
  return {hn::IfThenElse(hn::Gt(x.a, y.a), x.a, y.a), hn::IfThenElse(hn::Gt(x.b, y.b), x.b, y.b)};
}
template <typename D>
HWY_INLINE Pair<D> cell_if_greater(Pair<D> x, Pair<D> y, Pair<D> yes, Pair<D> no) {
  return {hn::IfThenElse(hn::Gt(x.a, y.a), yes.a, no.a),
          hn::IfThenElse(hn::Gt(x.b, y.b), yes.b, no.b)};
}
template <typename D>
HWY_INLINE Pair<D> cell_if_equal(Pair<D> x, Pair<D> y, Pair<D> yes, Pair<D> no) {
  return {hn::IfThenElse(hn::Eq(x.a, y.a), yes.a, no.a),
          hn::IfThenElse(hn::Eq(x.b, y.b), yes.b, no.b)};
}

namespace f32 {

using D = hn::ScalableTag<float>;
using real = Pair<D>;

HWY_INLINE real constant(float x) { return {hn::Set(D(), x), hn::Set(D(), x)}; }

// Sum of c[i] x^i by Horner's rule, highest power first.
HWY_INLINE real polynomial(real, float c) { return constant(c); }
template <typename... Lower>
HWY_INLINE real horner(real x, real sum, Lower... lower) {
  ((sum = fma(sum, x, constant(lower))), ...);
  return sum;
}
template <typename... Lower>
HWY_INLINE real polynomial(real x, float highest, Lower... lower) {
  return horner(x, constant(highest), lower...);
}

// 1 / x to about an ulp for 2^-126 <= |x| <= 2^126. AVX2's approximation has 12 bits only: made as
// good it is slower than the division, which nothing else waits for.
HWY_INLINE real reciprocal(real x) {
#if HWY_TARGET == HWY_AVX3
  const real r = {hn::ApproximateReciprocal(x.a), hn::ApproximateReciprocal(x.b)};
  return fma(r, negative_fma(x, r, constant(1.0f)), r);
#else
  return constant(1.0f) / x;
#endif
}

// 2^f for |f| <= 0.5.
HWY_INLINE real exp2_fraction(real f) {
  return polynomial(f, 1.327647187e-03f, 9.675541333e-03f, 5.550713274e-02f, 2.402211972e-01f,
                    6.931469671e-01f, 1.0f);
}

constexpr float kLog2E = 1.44269504f;

// e^(sign x), at most 2^126; what is below 2^-126 becomes that or less.
#if HWY_TARGET == HWY_AVX3
HWY_INLINE real exp_bounded(real x, float sign) {
  const real t = at_most(constant(126.0f), x * constant(sign * kLog2E));
  const real n = {hn::Round(t.a), hn::Round(t.b)};
  const real p = exp2_fraction(t - n);
  return {hn::Vec<D>{_mm512_scalef_ps(p.a.raw, n.a.raw)},
          hn::Vec<D>{_mm512_scalef_ps(p.b.raw, n.b.raw)}};
}
HWY_INLINE real one_plus_exp(real x, float sign) { return constant(1.0f) + exp_bounded(x, sign); }
#else
// e^(sign x) = fraction * power, not multiplied yet.
struct ExpParts {
  real fraction, power;
};
HWY_INLINE ExpParts exp_parts(real x, float sign) {
  constexpr float kMost = 126.0f / kLog2E;
  // Adding it rounds to an integer n and leaves n + 127, the exponent of 2^n, in the lowest bits.
  constexpr float kRound = 12582912.0f + 127.0f;
  const hn::RebindToUnsigned<D> bits;
  const real scale = constant(sign * kLog2E);
  x = at_least(constant(-kMost), at_most(constant(kMost), x));
  const real shifted = fma(x, scale, constant(kRound));
  const real n = shifted - constant(kRound);
  const real power = {hn::BitCast(D(), hn::ShiftLeft<23>(hn::BitCast(bits, shifted.a))),
                      hn::BitCast(D(), hn::ShiftLeft<23>(hn::BitCast(bits, shifted.b)))};
  const real f = {hn::MulSub(x.a, scale.a, n.a), hn::MulSub(x.b, scale.b, n.b)};
  return {exp2_fraction(f), power};
}
HWY_INLINE real exp_bounded(real x, float sign) {
  const ExpParts e = exp_parts(x, sign);
  return e.fraction * e.power;
}
HWY_INLINE real one_plus_exp(real x, float sign) {
  const ExpParts e = exp_parts(x, sign);
  return fma(e.fraction, e.power, constant(1.0f));
}
#endif

HWY_INLINE real cell_zero() { return constant(0.0f); }
HWY_INLINE real cell_one() { return constant(1.0f); }
HWY_INLINE real cell_decay(real x) {
  const real size = absolute(x);
  return cell_if_greater(size, constant(87.3f), constant(0.0f), exp_bounded(size, -1.0f));
}
HWY_INLINE real cell_quotient(real a, real b) { return a / b; }
HWY_INLINE real cell_sigmoid(real x) { return reciprocal(one_plus_exp(x, -1.0f)); }
HWY_INLINE real cell_tanh(real x) {
  x = at_least(constant(-9.0f), at_most(constant(9.0f), x));
  const real y = x * x;
  const real p =
      polynomial(y, 1.335455209e-08f, 2.060900047e-05f, 3.495583082e-03f, 1.338102139e-01f, 1.0f);
  const real q =
      polynomial(y, 7.776512590e-07f, 3.285626606e-04f, 2.587696298e-02f, 4.671433698e-01f, 1.0f);
  // Exactly 1 where it saturates, which a quotient x p / q is not: 1 - tanh² meets large cell
  // states.
  return x * p * reciprocal(q);
}
HWY_INLINE real cell_log1p_decay(real x) {
  const real e = exp_bounded(absolute(x), -1.0f);
  const real p = polynomial(e, 3.326591935e-02f, 4.567359065e-01f, 1.325097969e+00f, 1.0f);
  const real q =
      polynomial(e, 7.407217384e-03f, 1.928735855e-01f, 1.035951748e+00f, 1.825097962e+00f, 1.0f);
  return e * p * reciprocal(q);
}

}  // namespace f32

namespace f64 {

using D = hn::ScalableTag<double>;
using real = Pair<D>;

HWY_INLINE real constant(double x) { return {hn::Set(D(), x), hn::Set(D(), x)}; }
HWY_INLINE real cell_zero() { return constant(0.0); }
HWY_INLINE real cell_one() { return constant(1.0); }
HWY_INLINE real exp(real x) { return {hn::Exp(D(), x.a), hn::Exp(D(), x.b)}; }
HWY_INLINE real cell_decay(real x) { return exp(cell_zero() - absolute(x)); }
HWY_INLINE real cell_quotient(real a, real b) { return a / b; }
HWY_INLINE real cell_sigmoid(real x) { return cell_one() / (cell_one() + exp(cell_zero() - x)); }
HWY_INLINE real cell_tanh(real x) { return {hn::Tanh(D(), x.a), hn::Tanh(D(), x.b)}; }
HWY_INLINE real cell_log1p_decay(real x) {
  const real e = cell_decay(x);
  return {hn::Log1p(D(), e.a), hn::Log1p(D(), e.b)};
}

}  // namespace f64
