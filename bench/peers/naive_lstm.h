/* SPDX-License-Identifier: Apache-2.0 */
/* An LSTM's forward as one writes it down first: the floor that any library should leave far
 * behind. */
#ifndef FLASHRNN_BENCH_PEERS_NAIVE_LSTM_H_
#define FLASHRNN_BENCH_PEERS_NAIVE_LSTM_H_

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* wx [B, T, 4, N, D], r [4, N, D, D], bias [4, N, D], h [B, T, N, D], all packed; c is scratch of B
 * * N * D values. The initial states are zero. */
void naive_lstm_forward(int64_t B, int64_t T, int64_t N, int64_t D, const float* wx, const float* r,
                        const float* bias, float* h, float* c);

#ifdef __cplusplus
}
#endif

#endif /* FLASHRNN_BENCH_PEERS_NAIVE_LSTM_H_ */
