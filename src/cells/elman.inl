// SPDX-License-Identifier: Apache-2.0
// Elman network (Elman 1990): h = tanh(g). Saved: the derivative, which, unlike h, keeps its relative accuracy when it is
// rounded to 16 bits near |h| = 1.

struct elman_slots {
  real v[1];
};
struct elman_states {
  real v[1];
};
struct elman_saved {
  real v[1];
};
struct elman_step {
  elman_states now;
  elman_saved saved;
};
struct elman_factors {
  real v[1];
};
struct elman_gradient {
  elman_slots slots;
  elman_states old;
};

CELL_FUNCTION elman_slots elman_activate(elman_slots g) {
  elman_slots a;
  a.v[0] = cell_tanh(g.v[0]);
  return a;
}

CELL_FUNCTION elman_step elman_update(elman_slots a, elman_states old) {
  elman_step r;
  real h = a.v[0];
  r.now.v[0] = h;
  r.saved.v[0] = cell_one() - h * h;
  return r;
}

CELL_FUNCTION elman_step elman_forward(elman_slots g, elman_states old) {
  return elman_update(elman_activate(g), old);
}

// What the gradients are multiplied with, all that does not wait for them.
CELL_FUNCTION elman_factors elman_weigh(elman_saved a, elman_states old, elman_states now) {
  elman_factors w;
  w.v[0] = a.v[0];
  return w;
}

CELL_FUNCTION elman_gradient elman_apply(elman_factors w, elman_states d) {
  elman_gradient r;
  r.slots.v[0] = d.v[0] * w.v[0];
  r.old.v[0] = cell_zero();
  return r;
}

CELL_FUNCTION elman_gradient elman_backward(elman_saved a, elman_states old, elman_states now, elman_states d) {
  return elman_apply(elman_weigh(a, old, now), d);
}
