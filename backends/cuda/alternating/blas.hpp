// SPDX-License-Identifier: Apache-2.0
// cuBLAS, loaded when a plan first asks for it: the library itself does not depend on it.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <mutex>
#include <string>

#include "gpu/params.hpp"

namespace flashrnn::cuda {

// Whether there is a usable cuBLAS: its name, or why not.
bool has_blas();
std::string blas_state();

// heads products of [rows, depth] weights (or their transpose) with [columns, depth] operands:
// out[head][column][row], all of them packed, row-major, weights and operands of `dtype`, sums and
// `out` in float32.
struct BlasProduct {
  int heads, rows, depth, columns;
  int dtype;           // gpu::kFloat32, kBfloat16 or kFloat16
  bool allow_tf32;     // float32 on tensor cores
  bool is_transposed;  // weights lie as [depth, rows]
  const void* weights;
  const void* operands;
  float* out;
};

// A handle of the current device. Products of one handle are enqueued by one thread at a time, and
// give the same bits every time.
class Blas {
 public:
  Blas();  // throws Error
  ~Blas();
  Blas(const Blas&) = delete;
  Blas& operator=(const Blas&) = delete;

  // Scratch that cuBLAS works best with on devices of this capability.
  static size_t scratch_bytes(int capability);

  // Enqueues on a stream, with scratch of the caller's instead of cuBLAS's own, for as long as it
  // lives.
  class Session {
   public:
    Session(const Blas& blas, cudaStream_t stream, void* scratch, size_t bytes);
    void multiply(const BlasProduct& product) const;

   private:
    std::lock_guard<std::mutex> lock_;
    void* handle_;
  };

 private:
  void* handle_ = nullptr;
  mutable std::mutex mutex_;
};

}  // namespace flashrnn::cuda
