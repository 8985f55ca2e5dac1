// SPDX-License-Identifier: Apache-2.0
#include "elements.hpp"

#include <cmath>
#include <stdexcept>
#include <string>

namespace flashrnn::oracle {
namespace {

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
double sigmoid_slope(double x) { return sigmoid(x) * sigmoid(-x); }
double tanh_slope(double x) { return 1 / (std::cosh(x) * std::cosh(x)); }

// The plain sum g = wx + rh + b of a gate, and its gradient, which all three terms share.
double sum(const ElementInput& in, int gate) { return in.wx[gate] + in.rh[gate] + in.bias[gate]; }
void give(ElementGradient* out, int gate, double gradient) {
  out->wx[gate] = out->rh[gate] = out->bias[gate] = gradient;
}

// ---- Elman: h = phi(g) ----

void elman_forward(const ElementInput& in, double* now) { now[0] = std::tanh(sum(in, 0)); }
void elman_backward(const ElementInput& in, const double* d_now, ElementGradient* out) {
  give(out, 0, d_now[0] * tanh_slope(sum(in, 0)));
}

void elman_relu_forward(const ElementInput& in, double* now) {
  now[0] = std::fmax(sum(in, 0), 0.0);
}
void elman_relu_backward(const ElementInput& in, const double* d_now, ElementGradient* out) {
  give(out, 0, sum(in, 0) > 0 ? d_now[0] : 0.0);
}

// ---- LSTM: c' = sigmoid(f) c + sigmoid(i) tanh(z), h = sigmoid(o) tanh(c') ----

void lstm_forward(const ElementInput& in, double* now) {
  const double c = sigmoid(sum(in, 1)) * in.old[1] + sigmoid(sum(in, 0)) * std::tanh(sum(in, 2));
  now[0] = sigmoid(sum(in, 3)) * std::tanh(c);
  now[1] = c;
}
void lstm_backward(const ElementInput& in, const double* d_now, ElementGradient* out) {
  const double i = sum(in, 0), f = sum(in, 1), z = sum(in, 2), o = sum(in, 3);
  double now[kMaxStates];
  lstm_forward(in, now);
  const double d_c = d_now[1] + d_now[0] * sigmoid(o) * tanh_slope(now[1]);
  give(out, 0, d_c * sigmoid_slope(i) * std::tanh(z));
  give(out, 1, d_c * sigmoid_slope(f) * in.old[1]);
  give(out, 2, d_c * sigmoid(i) * tanh_slope(z));
  give(out, 3, d_now[0] * sigmoid_slope(o) * std::tanh(now[1]));
  out->old[1] = d_c * sigmoid(f);
}

// ---- GRU: n = tanh(wx_n + b_n + r (rh_g + b_g)), h' = u h + (1 - u) n ----
// Input gates r u n, recurrent gates r u g, biases r u n g.

struct GruValues {
  double r, u, n, candidate;  // arguments of r, u and tanh, and R h + b of the candidate
};
GruValues gru_values(const ElementInput& in) {
  GruValues v;
  v.r = in.wx[0] + in.rh[0] + in.bias[0];
  v.u = in.wx[1] + in.rh[1] + in.bias[1];
  v.candidate = in.rh[2] + in.bias[3];
  v.n = in.wx[2] + in.bias[2] + sigmoid(v.r) * v.candidate;
  return v;
}
void gru_forward(const ElementInput& in, double* now) {
  const GruValues v = gru_values(in);
  now[0] = sigmoid(v.u) * in.old[0] + (1 - sigmoid(v.u)) * std::tanh(v.n);
}
void gru_backward(const ElementInput& in, const double* d_now, ElementGradient* out) {
  const GruValues v = gru_values(in);
  const double d_u = d_now[0] * (in.old[0] - std::tanh(v.n)) * sigmoid_slope(v.u);
  const double d_n = d_now[0] * sigmoid(-v.u) * tanh_slope(v.n);
  const double d_candidate = d_n * sigmoid(v.r);
  const double d_r = d_n * v.candidate * sigmoid_slope(v.r);
  out->wx[0] = out->rh[0] = out->bias[0] = d_r;
  out->wx[1] = out->rh[1] = out->bias[1] = d_u;
  out->wx[2] = out->bias[2] = d_n;
  out->rh[2] = out->bias[3] = d_candidate;
  out->old[0] = d_now[0] * sigmoid(v.u);
}

// ---- Light GRU: h' = u h + (1 - u) max(n, 0) ----

void light_gru_forward(const ElementInput& in, double* now) {
  const double u = sigmoid(sum(in, 0));
  now[0] = u * in.old[0] + (1 - u) * std::fmax(sum(in, 1), 0.0);
}
void light_gru_backward(const ElementInput& in, const double* d_now, ElementGradient* out) {
  const double u = sum(in, 0), n = sum(in, 1);
  give(out, 0, d_now[0] * (in.old[0] - std::fmax(n, 0.0)) * sigmoid_slope(u));
  give(out, 1, n > 0 ? d_now[0] * sigmoid(-u) : 0.0);
  out->old[0] = d_now[0] * sigmoid(u);
}

// ---- sLSTM: exponential input gate i' and forget gate f', held in range by the stabiliser m ----

double log_sigmoid(double x) {
  return x < 0 ? x - std::log1p(std::exp(x)) : -std::log1p(std::exp(-x));
}

struct SlstmValues {
  double lf, m, i, f, z, o, c, normaliser;  // normaliser: before it is held to 1 from below
  bool by_input;                            // m is the input gate
};
SlstmValues slstm_values(const ElementInput& in) {
  SlstmValues v;
  v.lf = log_sigmoid(sum(in, 1)) + in.old[3];
  v.by_input = in.old[2] == 0 || sum(in, 0) > v.lf;
  v.m = v.by_input ? sum(in, 0) : v.lf;
  v.i = std::exp(sum(in, 0) - v.m);
  v.f = std::fmin(std::exp(v.lf - v.m), 1.0);  // held only where the state is fresh
  v.z = std::tanh(sum(in, 2));
  v.o = sigmoid(sum(in, 3));
  v.c = v.f * in.old[1] + v.i * v.z;
  v.normaliser = v.f * in.old[2] + v.i;
  return v;
}
void slstm_forward(const ElementInput& in, double* now) {
  const SlstmValues v = slstm_values(in);
  now[1] = v.c;
  now[2] = std::fmax(v.normaliser, 1.0);
  now[3] = v.m;
  now[0] = v.o * now[1] / now[2];
}
void slstm_backward(const ElementInput& in, const double* d_now, ElementGradient* out) {
  const SlstmValues v = slstm_values(in);
  const double n = std::fmax(v.normaliser, 1.0);
  const double d_c = d_now[1] + d_now[0] * v.o / n;
  double d_normaliser = d_now[2] - d_now[0] * v.o * v.c / (n * n);
  if (!(v.normaliser > 1)) d_normaliser = 0;  // held at 1
  const double d_i_exponent = (d_c * v.z + d_normaliser) * v.i;
  const double d_f_exponent = v.lf > v.m ? 0 : (d_c * in.old[1] + d_normaliser * in.old[2]) * v.f;
  const double d_m = d_now[3] - d_i_exponent - d_f_exponent;
  const double d_lf = d_f_exponent + (v.by_input ? 0 : d_m);
  give(out, 0, d_i_exponent + (v.by_input ? d_m : 0));
  give(out, 1, d_lf * sigmoid(-sum(in, 1)));
  give(out, 2, d_c * v.i * tanh_slope(sum(in, 2)));
  give(out, 3, d_now[0] * v.c / n * sigmoid_slope(sum(in, 3)));
  out->old[1] = d_c * v.f;
  out->old[2] = d_normaliser * v.f;
  out->old[3] = d_lf;
}

}  // namespace

const Element& element_of(flashrnn_cell cell) {
  static const Element lstm{{4, 4, 4, 2}, lstm_forward, lstm_backward};
  static const Element gru{{3, 3, 4, 1}, gru_forward, gru_backward};
  static const Element elman{{1, 1, 1, 1}, elman_forward, elman_backward};
  static const Element slstm{{4, 4, 4, 4}, slstm_forward, slstm_backward};
  static const Element elman_relu{{1, 1, 1, 1}, elman_relu_forward, elman_relu_backward};
  static const Element light_gru{{2, 2, 2, 1}, light_gru_forward, light_gru_backward};
  switch (cell) {
    case FLASHRNN_LSTM:
      return lstm;
    case FLASHRNN_GRU:
      return gru;
    case FLASHRNN_ELMAN:
      return elman;
    case FLASHRNN_SLSTM:
      return slstm;
    case FLASHRNN_ELMAN_RELU:
      return elman_relu;
    case FLASHRNN_LIGHT_GRU:
      return light_gru;
    default:
      throw std::invalid_argument("the oracle does not know cell " + std::to_string(cell));
  }
}

CellShape cell_shape(flashrnn_cell cell) { return element_of(cell).shape; }

}  // namespace flashrnn::oracle
