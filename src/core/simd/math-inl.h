// SPDX-License-Identifier: Apache-2.0
// The dialect's intrinsics on vectors; included once per instruction set inside HWY_NAMESPACE, where `hn` names
// hwy::HWY_NAMESPACE. Coefficients: fit_coefficients.py. NaN goes in and comes out: the limits stand first in Min and Max,
// whose result is the second operand where one is NaN.

namespace f32 {

using D = hn::ScalableTag<float>;
using real = hn::Vec<D>;

HWY_INLINE real constant(float x) { return hn::Set(D(), x); }

// 1 / x to about an ulp for 2^-126 <= |x| <= 2^126.
HWY_INLINE real reciprocal(real x) {
#if HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3
  const real r = hn::ApproximateReciprocal(x);
  return hn::MulAdd(r, hn::NegMulAdd(x, r, constant(1.0f)), r);
#else
  return hn::Div(constant(1.0f), x);
#endif
}

// 2^(x log2(e) scale) for a result within [2^-126, 2^126], else the nearer bound.
HWY_INLINE real exp_scaled(real x, float scale) {
  const D d;
  const hn::RebindToSigned<D> di;
  const real factor = constant(1.44269504f * scale);
  const real t = hn::Max(constant(-126.0f), hn::Min(constant(126.0f), hn::Mul(x, factor)));
  const real n = hn::Round(t);
  const real r = hn::Sub(t, n);
  real p = hn::MulAdd(constant(1.327647187e-03f), r, constant(9.675541333e-03f));
  p = hn::MulAdd(p, r, constant(5.550713274e-02f));
  p = hn::MulAdd(p, r, constant(2.402211972e-01f));
  p = hn::MulAdd(p, r, constant(6.931469671e-01f));
  p = hn::MulAdd(p, r, constant(1.0f));
  const auto power = hn::ShiftLeft<23>(hn::ConvertTo(di, n));
  return hn::BitCast(d, hn::Add(hn::BitCast(di, p), power));
}

HWY_INLINE real cell_zero() { return hn::Zero(D()); }
HWY_INLINE real cell_one() { return constant(1.0f); }
HWY_INLINE real cell_exp(real x) {
  // Below the range the result is flushed to zero, above it goes to infinity.
  const real e = exp_scaled(x, 1.0f);
  const real low = hn::IfThenElse(hn::Lt(x, constant(-87.3f)), hn::Zero(D()), e);
  return hn::IfThenElse(hn::Gt(x, constant(87.3f)), hn::Inf(D()), low);
}
HWY_INLINE real cell_sigmoid(real x) {
  return reciprocal(hn::Add(constant(1.0f), exp_scaled(x, -1.0f)));
}
HWY_INLINE real cell_tanh(real x) {
  const real v = hn::Max(constant(-9.0f), hn::Min(constant(9.0f), x));
  const real y = hn::Mul(v, v);
  real p = hn::MulAdd(constant(1.335455209e-08f), y, constant(2.060900047e-05f));
  p = hn::MulAdd(p, y, constant(3.495583082e-03f));
  p = hn::MulAdd(p, y, constant(1.338102139e-01f));
  p = hn::MulAdd(p, y, constant(1.0f));
  real q = hn::MulAdd(constant(7.776512590e-07f), y, constant(3.285626606e-04f));
  q = hn::MulAdd(q, y, constant(2.587696298e-02f));
  q = hn::MulAdd(q, y, constant(4.671433698e-01f));
  q = hn::MulAdd(q, y, constant(1.0f));
  return hn::Mul(hn::Mul(v, p), reciprocal(q));
}
// min(x, 0) - log1p(exp(-|x|))
HWY_INLINE real cell_log_sigmoid(real x) {
  const real e = exp_scaled(hn::Abs(x), -1.0f);
  real p = hn::MulAdd(constant(3.326591935e-02f), e, constant(4.567359065e-01f));
  p = hn::MulAdd(p, e, constant(1.325097969e+00f));
  p = hn::MulAdd(p, e, constant(1.0f));
  real q = hn::MulAdd(constant(7.407217384e-03f), e, constant(1.928735855e-01f));
  q = hn::MulAdd(q, e, constant(1.035951748e+00f));
  q = hn::MulAdd(q, e, constant(1.825097962e+00f));
  q = hn::MulAdd(q, e, constant(1.0f));
  return hn::NegMulAdd(hn::Mul(e, p), reciprocal(q), hn::Min(hn::Zero(D()), x));
}
HWY_INLINE real cell_max(real a, real b) { return hn::IfThenElse(hn::Gt(a, b), a, b); }
HWY_INLINE real cell_if_greater(real a, real b, real x, real y) {
  return hn::IfThenElse(hn::Gt(a, b), x, y);
}
HWY_INLINE real cell_if_equal(real a, real b, real x, real y) {
  return hn::IfThenElse(hn::Eq(a, b), x, y);
}

}  // namespace f32

namespace f64 {

using D = hn::ScalableTag<double>;
using real = hn::Vec<D>;

HWY_INLINE real constant(double x) { return hn::Set(D(), x); }
HWY_INLINE real cell_zero() { return hn::Zero(D()); }
HWY_INLINE real cell_one() { return constant(1.0); }
HWY_INLINE real cell_exp(real x) { return hn::Exp(D(), x); }
HWY_INLINE real cell_sigmoid(real x) {
  return hn::Div(cell_one(), hn::Add(cell_one(), hn::Exp(D(), hn::Neg(x))));
}
HWY_INLINE real cell_tanh(real x) { return hn::Tanh(D(), x); }
HWY_INLINE real cell_log_sigmoid(real x) {
  const real e = hn::Exp(D(), hn::Neg(hn::Abs(x)));
  return hn::Sub(hn::Min(hn::Zero(D()), x), hn::Log1p(D(), e));
}
HWY_INLINE real cell_max(real a, real b) { return hn::IfThenElse(hn::Gt(a, b), a, b); }
HWY_INLINE real cell_if_greater(real a, real b, real x, real y) {
  return hn::IfThenElse(hn::Gt(a, b), x, y);
}
HWY_INLINE real cell_if_equal(real a, real b, real x, real y) {
  return hn::IfThenElse(hn::Eq(a, b), x, y);
}

}  // namespace f64
