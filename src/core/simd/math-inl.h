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
template <typename D>
HWY_INLINE Pair<D> at_least(Pair<D> limit, Pair<D> x) {
  return {hn::Max(limit.a, x.a), hn::Max(limit.b, x.b)};
}
template <typename D>
HWY_INLINE Pair<D> at_most(Pair<D> limit, Pair<D> x) {
  return {hn::Min(limit.a, x.a), hn::Min(limit.b, x.b)};
}
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

// 1 / x to about an ulp for 2^-126 <= |x| <= 2^126.
HWY_INLINE real reciprocal(real x) {
#if HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3
  const real r = {hn::ApproximateReciprocal(x.a), hn::ApproximateReciprocal(x.b)};
  return fma(r, negative_fma(x, r, constant(1.0f)), r);
#else
  return constant(1.0f) / x;
#endif
}

#if HWY_TARGET == HWY_AVX3
HWY_INLINE hn::Vec<D> scaled(hn::Vec<D> p, hn::Vec<D> n) {
  return hn::Vec<D>{_mm512_scalef_ps(p.raw, n.raw)};
}
// 2^t, at most 2^126; what is too small goes to zero.
HWY_INLINE real exp2_bounded(real t) {
  t = at_most(constant(126.0f), t);
#else
HWY_INLINE hn::Vec<D> scaled(hn::Vec<D> p, hn::Vec<D> n) {
  const hn::RebindToSigned<D> integers;
  const auto power = hn::ShiftLeft<23>(hn::ConvertTo(integers, n));
  return hn::BitCast(D(), hn::Add(hn::BitCast(integers, p), power));
}
// 2^t within [2^-126, 2^126], else the nearer bound.
HWY_INLINE real exp2_bounded(real t) {
  t = at_least(constant(-126.0f), at_most(constant(126.0f), t));
#endif
  const real n = {hn::Round(t.a), hn::Round(t.b)};
  const real p = polynomial(t - n, 1.327647187e-03f, 9.675541333e-03f, 5.550713274e-02f,
                            2.402211972e-01f, 6.931469671e-01f, 1.0f);
  return {scaled(p.a, n.a), scaled(p.b, n.b)};
}

constexpr float kLog2E = 1.44269504f;

HWY_INLINE real cell_zero() { return constant(0.0f); }
HWY_INLINE real cell_one() { return constant(1.0f); }
HWY_INLINE real cell_exp(real x) {
  // Below the range the result is flushed to zero, above it goes to infinity.
  const real inside =
      cell_if_greater(constant(-87.3f), x, constant(0.0f), exp2_bounded(x * constant(kLog2E)));
  return cell_if_greater(x, constant(87.3f), real{hn::Inf(D()), hn::Inf(D())}, inside);
}
HWY_INLINE real cell_sigmoid(real x) {
  return reciprocal(constant(1.0f) + exp2_bounded(x * constant(-kLog2E)));
}
HWY_INLINE real cell_tanh(real x) {
  x = at_least(constant(-9.0f), at_most(constant(9.0f), x));
  const real y = x * x;
  const real p =
      polynomial(y, 1.335455209e-08f, 2.060900047e-05f, 3.495583082e-03f, 1.338102139e-01f, 1.0f);
  const real q =
      polynomial(y, 7.776512590e-07f, 3.285626606e-04f, 2.587696298e-02f, 4.671433698e-01f, 1.0f);
  return x * p * reciprocal(q);
}
// min(x, 0) - log1p(exp(-|x|))
HWY_INLINE real cell_log_sigmoid(real x) {
  const real e = exp2_bounded(absolute(x) * constant(-kLog2E));
  const real p = polynomial(e, 3.326591935e-02f, 4.567359065e-01f, 1.325097969e+00f, 1.0f);
  const real q =
      polynomial(e, 7.407217384e-03f, 1.928735855e-01f, 1.035951748e+00f, 1.825097962e+00f, 1.0f);
  return negative_fma(e * p, reciprocal(q), at_most(constant(0.0f), x));
}

}  // namespace f32

namespace f64 {

using D = hn::ScalableTag<double>;
using real = Pair<D>;

HWY_INLINE real constant(double x) { return {hn::Set(D(), x), hn::Set(D(), x)}; }
HWY_INLINE real cell_zero() { return constant(0.0); }
HWY_INLINE real cell_one() { return constant(1.0); }
HWY_INLINE real cell_exp(real x) { return {hn::Exp(D(), x.a), hn::Exp(D(), x.b)}; }
HWY_INLINE real cell_sigmoid(real x) {
  return cell_one() / (cell_one() + cell_exp(cell_zero() - x));
}
HWY_INLINE real cell_tanh(real x) { return {hn::Tanh(D(), x.a), hn::Tanh(D(), x.b)}; }
HWY_INLINE real cell_log_sigmoid(real x) {
  const real e = cell_exp(cell_zero() - absolute(x));
  return at_most(cell_zero(), x) - real{hn::Log1p(D(), e.a), hn::Log1p(D(), e.b)};
}

}  // namespace f64
