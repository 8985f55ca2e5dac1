// SPDX-License-Identifier: Apache-2.0
// A problem after its checks: no defaults left, every value in its range.
#pragma once

#include <cstdint>
#include <string>

#include "cells/traits.hpp"
#include "plan/dtype.hpp"

namespace flashrnn {

enum class Mode : int32_t { kTraining = 1, kRecompute = 2, kInference = 3 };

struct Problem {
  const CellTraits* cell = nullptr;
  Mode mode = Mode::kTraining;
  int64_t batch = 0;
  int64_t time = 0;
  int64_t heads = 0;
  int64_t head_dim = 0;
  DType dtype = DType::kFloat32;
  DType weight_dtype = DType::kFloat32;
  DType state_dtype = DType::kFloat32;
  bool reverse = false;
  bool lengths = false;
  bool resets = false;
  bool cut_recurrent_gradient = false;
  bool allow_tf32 = false;
  double forward_clip = 0;             // 0: none
  double recurrent_gradient_clip = 0;  // 0: none
  int threads = 0;                     // 0: no limit
  std::string forced_config;
  std::string model_path;

  bool double_precision() const { return dtype == DType::kFloat64; }
};

}  // namespace flashrnn
