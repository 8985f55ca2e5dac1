// SPDX-License-Identifier: Apache-2.0
// One direction of the recurrence as a product by cuBLAS and a kernel of elements for each step:
// for heads whose R is more than the chip holds, and for float32. R is read anew every step, so a
// step takes at least R's way through memory; but there is no largest head.
#pragma once

#include <memory>

#include "cuda/alternating/blas.hpp"
#include "cuda/alternating/launch.hpp"
#include "cuda/facts.hpp"

namespace flashrnn::cuda {

class Alternating {
 public:
  // For the current device. Throws Error where there is no cuBLAS.
  Alternating(const DeviceFacts& facts, int cell, const gpu::Shape& shape, bool is_backward,
              bool allow_tf32);

  // Of params.exchange, of which nothing needs to be filled, but that R is kept there from call to
  // call where weights are unchanged.
  int64_t workspace_bytes() const { return workspace_bytes_; }

  void forward(const ForwardParams& params, bool weights_unchanged, cudaStream_t stream) const;
  void backward(const BackwardParams& params, bool weights_unchanged, cudaStream_t stream) const;

 private:
  AlternatingMemory memory(void* workspace) const;
  BlasProduct product(const AlternatingMemory& memory) const;
  // cuBLAS's part of the workspace, the last one.
  void* scratch(void* workspace) const {
    return static_cast<char*>(workspace) + (workspace_bytes_ - scratch_bytes_);
  }
  size_t scratch_size() const { return static_cast<size_t>(scratch_bytes_); }

  int cell_, gates_;
  gpu::Shape shape_;
  bool is_backward_, allow_tf32_;
  int64_t scratch_bytes_, weight_bytes_, operand_bytes_, sum_bytes_, workspace_bytes_;
  std::shared_ptr<const Blas> blas_;
};

}  // namespace flashrnn::cuda
