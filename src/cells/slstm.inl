// SPDX-License-Identifier: Apache-2.0
// sLSTM (Beck et al. 2024, arXiv 2405.04517, equations 8 to 17): exponential input gate, normaliser n, stabiliser m. As in
// FlashRNN (arXiv 2412.07752) n is at least 1, a normaliser of exactly 0 marks a fresh state, whose m is not used, and the
// stabilised forget gate is at most 1, which it can only exceed on a fresh state.
// Slots i f z o, states h c n m.
//
// Saved: tanh z, sigmoid o, 1 - sigmoid f, and delta = i - (log sigmoid f + m), from which both stabilised gates follow: one of
// them is exactly 1 and the other exp(-|delta|). Which one survives the rounding of delta to 16 bits, unlike the gates.

struct slstm_slots {
  real v[4];
};
struct slstm_states {
  real v[4];
};
struct slstm_saved {
  real v[4];
};
struct slstm_step {
  slstm_states now;
  slstm_saved saved;
};
struct slstm_factors {
  real v[13];
};
struct slstm_gradient {
  slstm_slots slots;
  slstm_states old;
};

CELL_FUNCTION slstm_slots slstm_activate(slstm_slots g) {
  slstm_slots a;
  a.v[0] = g.v[0];
  a.v[1] = g.v[1];
  a.v[2] = cell_tanh(g.v[2]);
  a.v[3] = cell_sigmoid(g.v[3]);
  return a;
}

CELL_FUNCTION slstm_step slstm_update(slstm_slots a, slstm_states old) {
  slstm_step r;
  real zero = cell_zero();
  real one = cell_one();
  // log sigmoid f + m is most - less.
  real most = cell_if_greater(a.v[1], zero, zero, a.v[1]) + old.v[3];
  real less = cell_log1p_decay(a.v[1]);
  real delta = (a.v[0] - most) + less;
  // The stabilised gates, of which one is 1. NaN stays NaN.
  real e = cell_decay(delta);
  real i = cell_if_equal(old.v[2], zero, one, cell_if_greater(delta, zero, one, e));
  real f = cell_if_greater(zero, delta, one, e);
  real m = cell_if_equal(old.v[2], zero, a.v[0], cell_if_greater(delta, zero, a.v[0], most - less));
  real z = a.v[2];
  real o = a.v[3];
  real c = f * old.v[1] + i * z;
  real n = cell_max(f * old.v[2] + i, one);
  r.saved.v[0] = delta;
  r.saved.v[1] = cell_sigmoid(zero - a.v[1]);
  r.saved.v[2] = z;
  r.saved.v[3] = o;
  r.now.v[0] = cell_quotient(o * c, n);
  r.now.v[1] = c;
  r.now.v[2] = n;
  r.now.v[3] = m;
  return r;
}

CELL_FUNCTION slstm_step slstm_forward(slstm_slots g, slstm_states old) {
  return slstm_update(slstm_activate(g), old);
}

// What the gradients are multiplied with, all that does not wait for them.
CELL_FUNCTION slstm_factors slstm_weigh(slstm_saved a, slstm_states old, slstm_states now) {
  slstm_factors w;
  real zero = cell_zero();
  real one = cell_one();
  real delta = a.v[0];
  real z = a.v[2];
  real o = a.v[3];
  // The input gate sets m where the old state is fresh or where it is the larger; then i = 1, else f = 1.
  real by_input = cell_if_equal(old.v[2], zero, one, cell_if_greater(zero, delta, zero, one));
  real e = cell_decay(delta);
  real i = cell_if_equal(by_input, one, one, e);
  real f = cell_if_greater(delta, zero, e, one);
  // Where a fresh state's forget gate is held at 1 its derivative is 0.
  real is_held = cell_if_equal(by_input, one, cell_if_greater(zero, delta, one, zero), zero);
  real inverse = cell_quotient(one, now.v[2]);
  real ratio = now.v[1] * inverse;
  w.v[0] = o * inverse;
  w.v[1] = o * ratio * inverse;
  w.v[2] = now.v[2];
  w.v[3] = z * i;
  w.v[4] = i;
  w.v[5] = old.v[1] * f;
  w.v[6] = old.v[2] * f;
  w.v[7] = by_input;
  w.v[8] = a.v[1];
  w.v[9] = i * (one - z * z);
  w.v[10] = ratio * (o * (one - o));
  w.v[11] = f;
  w.v[12] = is_held;
  return w;
}

CELL_FUNCTION slstm_gradient slstm_apply(slstm_factors w, slstm_states d) {
  slstm_gradient r;
  real zero = cell_zero();
  real one = cell_one();
  real dc = d.v[1] + d.v[0] * w.v[0];
  // n is at least 1, and held there has no gradient.
  real dn = cell_if_greater(w.v[2], one, d.v[2] - d.v[0] * w.v[1], zero);
  real di = dc * w.v[3] + dn * w.v[4];
  real df = cell_if_equal(w.v[12], one, zero, dc * w.v[5] + dn * w.v[6]);
  real dm = d.v[3] - di - df;
  real dlf = df + cell_if_equal(w.v[7], one, zero, dm);
  r.slots.v[0] = di + cell_if_equal(w.v[7], one, dm, zero);
  r.slots.v[1] = dlf * w.v[8];
  r.slots.v[2] = dc * w.v[9];
  r.slots.v[3] = d.v[0] * w.v[10];
  r.old.v[0] = zero;
  r.old.v[1] = dc * w.v[11];
  r.old.v[2] = dn * w.v[11];
  r.old.v[3] = dlf;
  return r;
}

CELL_FUNCTION slstm_gradient slstm_backward(slstm_saved a, slstm_states old, slstm_states now, slstm_states d) {
  return slstm_apply(slstm_weigh(a, old, now), d);
}
