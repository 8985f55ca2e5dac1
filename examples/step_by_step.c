/* SPDX-License-Identifier: Apache-2.0 */
/* FlashRNN in C99, step by step: the best device, a plan, an LSTM of two heads forward and back. */
#include <flashrnn/flashrnn.h>
#include <stdio.h>
#include <stdlib.h>

enum { B = 2, T = 3, G = 4, N = 2, D = 4 }; /* batch, time, gates, heads, head dimension */

static flashrnn_device device;
static void* blocks[16]; /* of the device's memory, which is plain host memory on the CPU */
static int block_count;

static void check(flashrnn_status status) {
  if (status == FLASHRNN_OK) return;
  fprintf(stderr, "%s: %s\n", flashrnn_status_name(status), flashrnn_last_error_message());
  exit(1);
}
static void* memory(size_t size) {
  check(flashrnn_memory_allocate(device, size, &blocks[block_count]));
  return blocks[block_count++];
}
static flashrnn_tensor tensor(size_t count) { /* packed; filled with -0.5, -0.3, ..., 0.5, ... */
  flashrnn_tensor t = {.data = memory(count * sizeof(float))};
  float host[B * T * G * N * D];
  for (size_t i = 0; i < count; ++i) host[i] = 0.2f * (float)(i % 6) - 0.5f;
  check(flashrnn_memory_copy(device, NULL, t.data, host, count * sizeof(float),
                             FLASHRNN_COPY_HOST_TO_DEVICE));
  return t;
}
static void print(const char* name, flashrnn_tensor t, size_t count, size_t columns) {
  float host[B * T * G * N * D];
  check(flashrnn_memory_copy(device, NULL, host, t.data, count * sizeof(float),
                             FLASHRNN_COPY_DEVICE_TO_HOST));
  printf("%s\n", name);
  for (size_t i = 0; i < count; ++i) printf(" %8.5f%s", host[i], (i + 1) % columns ? "" : "\n");
}

int main(void) {
  flashrnn_device_info info = {.struct_size = sizeof info};
  check(flashrnn_device_open(FLASHRNN_BACKEND_BEST, 0, &device));
  check(flashrnn_device_get_info(device, &info));
  printf("device: %s (%s)\n", info.name, info.backend_name);

  /* What is left zero has its default: float32, training, no options. */
  flashrnn_problem problem = {.struct_size = sizeof problem, .cell = FLASHRNN_LSTM};
  problem.batch = B, problem.time = T, problem.heads = N, problem.head_dim = D;
  flashrnn_plan_sizes sizes = {.struct_size = sizeof sizes};
  flashrnn_plan plan;
  check(flashrnn_plan_create(device, &problem, &plan));
  check(flashrnn_plan_get_sizes(plan, &sizes));

  flashrnn_forward_args forward = {.struct_size = sizeof forward};
  forward.wx = tensor(B * T * G * N * D); /* the input times W, which is the caller's affair */
  forward.r = tensor(G * N * D * D);
  forward.h = tensor(B * T * N * D);
  forward.workspace = memory(forward.workspace_size = sizes.forward_workspace);
  forward.saved = memory(forward.saved_size = sizes.saved);
  check(flashrnn_forward(plan, &forward));

  flashrnn_backward_args backward = {.struct_size = sizeof backward};
  backward.r = forward.r, backward.h = forward.h;
  backward.d_h = tensor(B * T * N * D); /* the gradient of a loss with respect to h */
  backward.d_r = tensor(G * N * D * D); /* of the gradients, only this one is asked for */
  backward.workspace = memory(backward.workspace_size = sizes.backward_workspace);
  backward.saved = forward.saved, backward.saved_size = sizes.saved;
  check(flashrnn_backward(plan, &backward));

  print("h: a row per sequence and step", forward.h, B * T * N * D, N * D);
  print("d_r: a row per gate, head and unit", backward.d_r, G * N * D * D, D);
  check(flashrnn_plan_close(plan));
  while (block_count > 0) check(flashrnn_memory_free(device, blocks[--block_count]));
  check(flashrnn_device_close(device));
  return 0;
}
