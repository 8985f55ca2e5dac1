// SPDX-License-Identifier: Apache-2.0
// Light gated recurrent unit (Ravanelli et al. 2018, equations 8 to 10, without the batch norm, which belongs to Wx):
// h = u h + (1 - u) max(n, 0). Slots u n. Saved: u and the rectified candidate.

struct light_gru_slots {
  real v[2];
};
struct light_gru_states {
  real v[1];
};
struct light_gru_saved {
  real v[2];
};
struct light_gru_step {
  light_gru_states now;
  light_gru_saved saved;
};
struct light_gru_factors {
  real v[3];
};
struct light_gru_gradient {
  light_gru_slots slots;
  light_gru_states old;
};

CELL_FUNCTION light_gru_slots light_gru_activate(light_gru_slots g) {
  light_gru_slots a;
  a.v[0] = cell_sigmoid(g.v[0]);
  a.v[1] = cell_max(g.v[1], cell_zero());
  return a;
}

CELL_FUNCTION light_gru_step light_gru_update(light_gru_slots a, light_gru_states old) {
  light_gru_step r;
  real u = a.v[0];
  real n = a.v[1];
  r.saved.v[0] = u;
  r.saved.v[1] = n;
  r.now.v[0] = u * (old.v[0] - n) + n;
  return r;
}

CELL_FUNCTION light_gru_step light_gru_forward(light_gru_slots g, light_gru_states old) {
  return light_gru_update(light_gru_activate(g), old);
}

// What the gradients are multiplied with, all that does not wait for them.
CELL_FUNCTION light_gru_factors light_gru_weigh(light_gru_saved a, light_gru_states old, light_gru_states now) {
  light_gru_factors w;
  real zero = cell_zero();
  real u = a.v[0];
  real n = a.v[1];
  real rest = cell_one() - u;
  w.v[0] = (old.v[0] - n) * (u * rest);
  w.v[1] = cell_if_greater(n, zero, rest, zero);
  w.v[2] = u;
  return w;
}

CELL_FUNCTION light_gru_gradient light_gru_apply(light_gru_factors w, light_gru_states d) {
  light_gru_gradient r;
  r.slots.v[0] = d.v[0] * w.v[0];
  // No gradient, whatever d is, where the rectifier has none.
  r.slots.v[1] = cell_if_greater(w.v[1], cell_zero(), d.v[0] * w.v[1], cell_zero());
  r.old.v[0] = d.v[0] * w.v[2];
  return r;
}

CELL_FUNCTION light_gru_gradient light_gru_backward(light_gru_saved a, light_gru_states old, light_gru_states now, light_gru_states d) {
  return light_gru_apply(light_gru_weigh(a, old, now), d);
}
