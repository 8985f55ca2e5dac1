/* SPDX-License-Identifier: Apache-2.0 */
/* Prints the size of every struct of the ABI and the offset of every field. layout.txt holds what
 * it has to print: a struct may grow at its end, and nothing else. A new struct or field needs its
 * line here. */
#include <stdio.h>

#include "flashrnn/flashrnn.h"

#define STRUCT(type) printf(#type " %lu\n", (unsigned long)sizeof(type))
#define FIELD(type, field)                                               \
  printf("  " #field " %lu %lu\n", (unsigned long)offsetof(type, field), \
         (unsigned long)sizeof(((type*)0)->field))

static void cell_info(void) {
  STRUCT(flashrnn_cell_info);
  FIELD(flashrnn_cell_info, struct_size);
  FIELD(flashrnn_cell_info, cell);
  FIELD(flashrnn_cell_info, input_gates);
  FIELD(flashrnn_cell_info, recurrent_gates);
  FIELD(flashrnn_cell_info, bias_gates);
  FIELD(flashrnn_cell_info, states);
  FIELD(flashrnn_cell_info, name);
  FIELD(flashrnn_cell_info, input_gate_names);
  FIELD(flashrnn_cell_info, recurrent_gate_names);
  FIELD(flashrnn_cell_info, bias_gate_names);
  FIELD(flashrnn_cell_info, state_names);
}

static void device_info(void) {
  STRUCT(flashrnn_device_info);
  FIELD(flashrnn_device_info, struct_size);
  FIELD(flashrnn_device_info, backend);
  FIELD(flashrnn_device_info, ordinal);
  FIELD(flashrnn_device_info, compute_units);
  FIELD(flashrnn_device_info, reserved);
  FIELD(flashrnn_device_info, memory_bytes);
  FIELD(flashrnn_device_info, name);
  FIELD(flashrnn_device_info, backend_name);
}

static void problem(void) {
  STRUCT(flashrnn_problem);
  FIELD(flashrnn_problem, struct_size);
  FIELD(flashrnn_problem, cell);
  FIELD(flashrnn_problem, mode);
  FIELD(flashrnn_problem, batch);
  FIELD(flashrnn_problem, time);
  FIELD(flashrnn_problem, heads);
  FIELD(flashrnn_problem, head_dim);
  FIELD(flashrnn_problem, dtype);
  FIELD(flashrnn_problem, weight_dtype);
  FIELD(flashrnn_problem, state_dtype);
  FIELD(flashrnn_problem, flags);
  FIELD(flashrnn_problem, forward_clip);
  FIELD(flashrnn_problem, recurrent_gradient_clip);
  FIELD(flashrnn_problem, threads);
  FIELD(flashrnn_problem, reserved);
  FIELD(flashrnn_problem, config);
  FIELD(flashrnn_problem, model_path);
}

static void plan_sizes(void) {
  STRUCT(flashrnn_plan_sizes);
  FIELD(flashrnn_plan_sizes, struct_size);
  FIELD(flashrnn_plan_sizes, forward_workspace);
  FIELD(flashrnn_plan_sizes, backward_workspace);
  FIELD(flashrnn_plan_sizes, step_workspace);
  FIELD(flashrnn_plan_sizes, saved);
  FIELD(flashrnn_plan_sizes, alignment);
}

static void tensor(void) {
  STRUCT(flashrnn_tensor);
  FIELD(flashrnn_tensor, data);
  FIELD(flashrnn_tensor, dtype);
  FIELD(flashrnn_tensor, reserved);
  FIELD(flashrnn_tensor, stride);
}

static void forward_args(void) {
  STRUCT(flashrnn_forward_args);
  FIELD(flashrnn_forward_args, struct_size);
  FIELD(flashrnn_forward_args, stream);
  FIELD(flashrnn_forward_args, wx);
  FIELD(flashrnn_forward_args, r);
  FIELD(flashrnn_forward_args, bias);
  FIELD(flashrnn_forward_args, initial_states);
  FIELD(flashrnn_forward_args, lengths);
  FIELD(flashrnn_forward_args, resets);
  FIELD(flashrnn_forward_args, h);
  FIELD(flashrnn_forward_args, states);
  FIELD(flashrnn_forward_args, last_states);
  FIELD(flashrnn_forward_args, workspace);
  FIELD(flashrnn_forward_args, workspace_size);
  FIELD(flashrnn_forward_args, saved);
  FIELD(flashrnn_forward_args, saved_size);
  FIELD(flashrnn_forward_args, run_flags);
  FIELD(flashrnn_forward_args, reserved);
}

static void backward_args(void) {
  STRUCT(flashrnn_backward_args);
  FIELD(flashrnn_backward_args, struct_size);
  FIELD(flashrnn_backward_args, stream);
  FIELD(flashrnn_backward_args, wx);
  FIELD(flashrnn_backward_args, r);
  FIELD(flashrnn_backward_args, bias);
  FIELD(flashrnn_backward_args, initial_states);
  FIELD(flashrnn_backward_args, lengths);
  FIELD(flashrnn_backward_args, resets);
  FIELD(flashrnn_backward_args, h);
  FIELD(flashrnn_backward_args, d_h);
  FIELD(flashrnn_backward_args, d_states);
  FIELD(flashrnn_backward_args, d_last_states);
  FIELD(flashrnn_backward_args, d_wx);
  FIELD(flashrnn_backward_args, d_r);
  FIELD(flashrnn_backward_args, d_bias);
  FIELD(flashrnn_backward_args, d_initial_states);
  FIELD(flashrnn_backward_args, workspace);
  FIELD(flashrnn_backward_args, workspace_size);
  FIELD(flashrnn_backward_args, saved);
  FIELD(flashrnn_backward_args, saved_size);
  FIELD(flashrnn_backward_args, run_flags);
  FIELD(flashrnn_backward_args, reserved);
}

static void step_args(void) {
  STRUCT(flashrnn_step_args);
  FIELD(flashrnn_step_args, struct_size);
  FIELD(flashrnn_step_args, stream);
  FIELD(flashrnn_step_args, wx);
  FIELD(flashrnn_step_args, r);
  FIELD(flashrnn_step_args, bias);
  FIELD(flashrnn_step_args, states);
  FIELD(flashrnn_step_args, new_states);
  FIELD(flashrnn_step_args, h);
  FIELD(flashrnn_step_args, workspace);
  FIELD(flashrnn_step_args, workspace_size);
  FIELD(flashrnn_step_args, run_flags);
  FIELD(flashrnn_step_args, reserved);
}

#define VALUE(name) printf(#name " %ld\n", (long)(name))

static void values(void) {
  VALUE(FLASHRNN_OK);
  VALUE(FLASHRNN_INVALID_ARGUMENT);
  VALUE(FLASHRNN_INVALID_HANDLE);
  VALUE(FLASHRNN_UNSUPPORTED);
  VALUE(FLASHRNN_OUT_OF_MEMORY);
  VALUE(FLASHRNN_DEVICE_UNAVAILABLE);
  VALUE(FLASHRNN_DEVICE_ERROR);
  VALUE(FLASHRNN_INFEASIBLE);
  VALUE(FLASHRNN_INTERNAL);
  VALUE(FLASHRNN_LOG_DEBUG);
  VALUE(FLASHRNN_LOG_INFO);
  VALUE(FLASHRNN_LOG_WARNING);
  VALUE(FLASHRNN_LOG_ERROR);
  VALUE(FLASHRNN_LOG_OFF);
  VALUE(FLASHRNN_DTYPE_DEFAULT);
  VALUE(FLASHRNN_FLOAT32);
  VALUE(FLASHRNN_BFLOAT16);
  VALUE(FLASHRNN_FLOAT16);
  VALUE(FLASHRNN_FLOAT64);
  VALUE(FLASHRNN_UINT8);
  VALUE(FLASHRNN_INT32);
  VALUE(FLASHRNN_INT64);
  VALUE(FLASHRNN_LSTM);
  VALUE(FLASHRNN_GRU);
  VALUE(FLASHRNN_ELMAN);
  VALUE(FLASHRNN_SLSTM);
  VALUE(FLASHRNN_ELMAN_RELU);
  VALUE(FLASHRNN_LIGHT_GRU);
  VALUE(FLASHRNN_BACKEND_BEST);
  VALUE(FLASHRNN_BACKEND_CPU);
  VALUE(FLASHRNN_BACKEND_CUDA);
  VALUE(FLASHRNN_BACKEND_HIP);
  VALUE(FLASHRNN_BACKEND_VULKAN);
  VALUE(FLASHRNN_COPY_HOST_TO_DEVICE);
  VALUE(FLASHRNN_COPY_DEVICE_TO_HOST);
  VALUE(FLASHRNN_COPY_DEVICE_TO_DEVICE);
  VALUE(FLASHRNN_MODE_DEFAULT);
  VALUE(FLASHRNN_MODE_TRAINING);
  VALUE(FLASHRNN_MODE_RECOMPUTE);
  VALUE(FLASHRNN_MODE_INFERENCE);
  VALUE(FLASHRNN_REVERSE);
  VALUE(FLASHRNN_LENGTHS);
  VALUE(FLASHRNN_RESETS);
  VALUE(FLASHRNN_CUT_RECURRENT_GRADIENT);
  VALUE(FLASHRNN_ALLOW_TF32);
  VALUE(FLASHRNN_RUN_WEIGHTS_UNCHANGED);
  VALUE(FLASHRNN_MAX_AXES);
}

int main(void) {
  values();
  cell_info();
  device_info();
  problem();
  plan_sizes();
  tensor();
  forward_args();
  backward_args();
  step_args();
  return 0;
}
