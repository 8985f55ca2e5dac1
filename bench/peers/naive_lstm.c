/* SPDX-License-Identifier: Apache-2.0 */
#include "naive_lstm.h"

#include <math.h>
#include <string.h>

static float sigmoid(float x) { return 1.0f / (1.0f + expf(-x)); }

void naive_lstm_forward(int64_t B, int64_t T, int64_t N, int64_t D, const float* wx, const float* r,
                        const float* bias, float* h, float* c) {
  memset(c, 0, sizeof(float) * (size_t)(B * N * D));
  for (int64_t t = 0; t < T; ++t) {
    for (int64_t b = 0; b < B; ++b) {
      for (int64_t n = 0; n < N; ++n) {
        const float* before = h + ((b * T + t - 1) * N + n) * D;
        for (int64_t i = 0; i < D; ++i) {
          float gate[4];
          for (int64_t g = 0; g < 4; ++g) {
            const float* row = r + ((g * N + n) * D + i) * D;
            float sum = wx[(((b * T + t) * 4 + g) * N + n) * D + i] + bias[(g * N + n) * D + i];
            if (t > 0) {
              for (int64_t j = 0; j < D; ++j) sum += row[j] * before[j];
            }
            gate[g] = sum;
          }
          float* cell = c + (b * N + n) * D + i;
          *cell = sigmoid(gate[1]) * *cell + sigmoid(gate[0]) * tanhf(gate[2]);
          h[((b * T + t) * N + n) * D + i] = sigmoid(gate[3]) * tanhf(*cell);
        }
      }
    }
  }
}
