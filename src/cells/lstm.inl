// SPDX-License-Identifier: Apache-2.0
// Long short-term memory (Hochreiter & Schmidhuber 1997, with the forget gate of Gers et al. 2000).
// Slots i f z o, states h c, saved: the four activated gates.

struct lstm_slots {
  real v[4];
};
struct lstm_states {
  real v[2];
};
struct lstm_saved {
  real v[4];
};
struct lstm_step {
  lstm_states now;
  lstm_saved saved;
};
struct lstm_factors {
  real v[6];
};
struct lstm_gradient {
  lstm_slots slots;
  lstm_states old;
};

CELL_FUNCTION lstm_slots lstm_activate(lstm_slots g) {
  lstm_slots a;
  a.v[0] = cell_sigmoid(g.v[0]);
  a.v[1] = cell_sigmoid(g.v[1]);
  a.v[2] = cell_tanh(g.v[2]);
  a.v[3] = cell_sigmoid(g.v[3]);
  return a;
}

CELL_FUNCTION lstm_step lstm_update(lstm_slots a, lstm_states old) {
  lstm_step r;
  r.saved.v[0] = a.v[0];
  r.saved.v[1] = a.v[1];
  r.saved.v[2] = a.v[2];
  r.saved.v[3] = a.v[3];
  real c = a.v[1] * old.v[1] + a.v[0] * a.v[2];
  r.now.v[0] = a.v[3] * cell_tanh(c);
  r.now.v[1] = c;
  return r;
}

CELL_FUNCTION lstm_step lstm_forward(lstm_slots g, lstm_states old) {
  return lstm_update(lstm_activate(g), old);
}

// What the gradients are multiplied with, all that does not wait for them.
CELL_FUNCTION lstm_factors lstm_weigh(lstm_saved a, lstm_states old, lstm_states now) {
  lstm_factors w;
  real one = cell_one();
  real i = a.v[0];
  real f = a.v[1];
  real z = a.v[2];
  real o = a.v[3];
  real tanh_c = cell_tanh(now.v[1]);
  w.v[0] = o * (one - tanh_c * tanh_c);
  w.v[1] = z * (i * (one - i));
  w.v[2] = old.v[1] * (f * (one - f));
  w.v[3] = i * (one - z * z);
  w.v[4] = tanh_c * (o * (one - o));
  w.v[5] = f;
  return w;
}

CELL_FUNCTION lstm_gradient lstm_apply(lstm_factors w, lstm_states d) {
  lstm_gradient r;
  real dc = d.v[1] + d.v[0] * w.v[0];
  r.slots.v[0] = dc * w.v[1];
  r.slots.v[1] = dc * w.v[2];
  r.slots.v[2] = dc * w.v[3];
  r.slots.v[3] = d.v[0] * w.v[4];
  r.old.v[0] = cell_zero();
  r.old.v[1] = dc * w.v[5];
  return r;
}

CELL_FUNCTION lstm_gradient lstm_backward(lstm_saved a, lstm_states old, lstm_states now, lstm_states d) {
  return lstm_apply(lstm_weigh(a, old, now), d);
}
