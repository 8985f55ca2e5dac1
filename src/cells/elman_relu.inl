// SPDX-License-Identifier: Apache-2.0
// Elman network with a rectifier: h = max(g, 0) (Le, Jaitly & Hinton 2015). Saved: the derivative, 0 at g = 0.

struct elman_relu_slots {
  real v[1];
};
struct elman_relu_states {
  real v[1];
};
struct elman_relu_saved {
  real v[1];
};
struct elman_relu_step {
  elman_relu_states now;
  elman_relu_saved saved;
};
struct elman_relu_factors {
  real v[1];
};
struct elman_relu_gradient {
  elman_relu_slots slots;
  elman_relu_states old;
};

CELL_FUNCTION elman_relu_slots elman_relu_activate(elman_relu_slots g) { return g; }

CELL_FUNCTION elman_relu_step elman_relu_update(elman_relu_slots a, elman_relu_states old) {
  elman_relu_step r;
  r.now.v[0] = cell_max(a.v[0], cell_zero());
  r.saved.v[0] = cell_if_greater(a.v[0], cell_zero(), cell_one(), cell_zero());
  return r;
}

CELL_FUNCTION elman_relu_step elman_relu_forward(elman_relu_slots g, elman_relu_states old) {
  return elman_relu_update(elman_relu_activate(g), old);
}

// What the gradients are multiplied with, all that does not wait for them.
CELL_FUNCTION elman_relu_factors elman_relu_weigh(elman_relu_saved a, elman_relu_states old, elman_relu_states now) {
  elman_relu_factors w;
  w.v[0] = a.v[0];
  return w;
}

CELL_FUNCTION elman_relu_gradient elman_relu_apply(elman_relu_factors w, elman_relu_states d) {
  elman_relu_gradient r;
  r.slots.v[0] = d.v[0] * w.v[0];
  r.old.v[0] = cell_zero();
  return r;
}

CELL_FUNCTION elman_relu_gradient elman_relu_backward(elman_relu_saved a, elman_relu_states old, elman_relu_states now, elman_relu_states d) {
  return elman_relu_apply(elman_relu_weigh(a, old, now), d);
}
