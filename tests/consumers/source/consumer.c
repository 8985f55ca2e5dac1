/* SPDX-License-Identifier: Apache-2.0 */
/* A user's C99 program: one LSTM unit with R = 0 and gates that are all zero but the candidate's,
 * so that its states are known: c = c/2 + tanh(1)/2, h = tanh(c)/2. */
#include <flashrnn/flashrnn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define STEPS 3

static void check(flashrnn_status status, const char* call) {
  if (status == FLASHRNN_OK) return;
  fprintf(stderr, "%s: %s: %s\n", call, flashrnn_status_name(status),
          flashrnn_last_error_message());
  exit(1);
}

int main(void) {
  flashrnn_device device = NULL;
  flashrnn_plan plan = NULL;
  flashrnn_problem problem = {0};
  flashrnn_plan_sizes sizes = {0};
  flashrnn_forward_args args = {0};
  float wx[STEPS][4] = {{0}};
  float r[4] = {0};
  float h[STEPS];
  void* workspace = NULL;
  double c = 0;
  int t;

  check(flashrnn_device_open(FLASHRNN_BACKEND_CPU, 0, &device), "device_open");
  problem.struct_size = sizeof problem;
  problem.cell = FLASHRNN_LSTM;
  problem.mode = FLASHRNN_MODE_INFERENCE;
  problem.batch = problem.heads = problem.head_dim = 1;
  problem.time = STEPS;
  check(flashrnn_plan_create(device, &problem, &plan), "plan_create");
  sizes.struct_size = sizeof sizes;
  check(flashrnn_plan_get_sizes(plan, &sizes), "plan_get_sizes");
  check(flashrnn_memory_allocate(device, sizes.forward_workspace, &workspace), "memory_allocate");

  for (t = 0; t < STEPS; ++t) wx[t][2] = 1;
  args.struct_size = sizeof args;
  args.wx.data = wx;
  args.r.data = r;
  args.h.data = h;
  args.workspace = workspace;
  args.workspace_size = sizes.forward_workspace;
  check(flashrnn_forward(plan, &args), "forward");

  for (t = 0; t < STEPS; ++t) {
    c = c / 2 + tanh(1) / 2;
    if (!(fabs(h[t] - tanh(c) / 2) < 1e-5)) {
      fprintf(stderr, "step %d: h is %g, and it should be %g\n", t, h[t], tanh(c) / 2);
      return 1;
    }
  }
  check(flashrnn_memory_free(device, workspace), "memory_free");
  check(flashrnn_plan_close(plan), "plan_close");
  check(flashrnn_device_close(device), "device_close");
  printf("C99 consumer: FlashRNN %d, h = %g %g %g\n", (int)flashrnn_version(), h[0], h[1], h[2]);
  return 0;
}
