// SPDX-License-Identifier: Apache-2.0
// Gated recurrent unit (Cho et al. 2014) in the form that keeps R h of the candidate apart, as cuDNN and PyTorch do.
// Slots r u n g: n has no recurrent part, g no input part. State h. Saved: r, u, n and the slot g.

struct gru_slots {
  real v[4];
};
struct gru_states {
  real v[1];
};
struct gru_saved {
  real v[4];
};
struct gru_step {
  gru_states now;
  gru_saved saved;
};
struct gru_factors {
  real v[5];
};
struct gru_gradient {
  gru_slots slots;
  gru_states old;
};

CELL_FUNCTION gru_slots gru_activate(gru_slots g) {
  gru_slots a;
  a.v[0] = cell_sigmoid(g.v[0]);
  a.v[1] = cell_sigmoid(g.v[1]);
  a.v[2] = g.v[2];
  a.v[3] = g.v[3];
  return a;
}

CELL_FUNCTION gru_step gru_update(gru_slots a, gru_states old) {
  gru_step s;
  real r = a.v[0];
  real u = a.v[1];
  real n = cell_tanh(a.v[2] + r * a.v[3]);
  s.saved.v[0] = r;
  s.saved.v[1] = u;
  s.saved.v[2] = n;
  s.saved.v[3] = a.v[3];
  s.now.v[0] = u * (old.v[0] - n) + n;
  return s;
}

CELL_FUNCTION gru_step gru_forward(gru_slots g, gru_states old) {
  return gru_update(gru_activate(g), old);
}

// What the gradients are multiplied with, all that does not wait for them.
CELL_FUNCTION gru_factors gru_weigh(gru_saved a, gru_states old, gru_states now) {
  gru_factors w;
  real one = cell_one();
  real r = a.v[0];
  real u = a.v[1];
  real n = a.v[2];
  w.v[0] = (one - u) * (one - n * n);
  w.v[1] = a.v[3] * (r * (one - r));
  w.v[2] = (old.v[0] - n) * (u * (one - u));
  w.v[3] = r;
  w.v[4] = u;
  return w;
}

CELL_FUNCTION gru_gradient gru_apply(gru_factors w, gru_states d) {
  gru_gradient r;
  real dn = d.v[0] * w.v[0];
  r.slots.v[0] = dn * w.v[1];
  r.slots.v[1] = d.v[0] * w.v[2];
  r.slots.v[2] = dn;
  r.slots.v[3] = dn * w.v[3];
  r.old.v[0] = d.v[0] * w.v[4];
  return r;
}

CELL_FUNCTION gru_gradient gru_backward(gru_saved a, gru_states old, gru_states now, gru_states d) {
  return gru_apply(gru_weigh(a, old, now), d);
}
