// SPDX-License-Identifier: Apache-2.0
// Copies between [B, T, N, D] tensors of any strides.
#include <cstdint>

#include "cuda/general/elements.cuh"
#include "cuda/general/launch.hpp"

namespace flashrnn::cuda {

namespace {

struct Rows {
  Index count;
  int time, heads, length;

  __device__ Index offset(const View& view, Index row) const {
    const Index head = row % heads;
    const Index bt = row / heads;
    return bt / time * view.stride[0] + bt % time * view.stride[1] + head * view.stride[2];
  }
};

// A block of threads.y rows at a time; rows of 16-byte words, or of elements with conversion.
__global__ void copy_words(Rows rows, const __grid_constant__ View from,
                           const __grid_constant__ View to) {
  for (Index row = blockIdx.x * Index(blockDim.y) + threadIdx.y; row < rows.count;
       row += Index(gridDim.x) * blockDim.y) {
    const uint4* source = static_cast<const uint4*>(from.data) + rows.offset(from, row);
    uint4* target = static_cast<uint4*>(to.data) + rows.offset(to, row);
    for (int u = threadIdx.x; u < rows.length; u += blockDim.x) target[u] = source[u];
  }
}

__global__ void copy_elements(Rows rows, const __grid_constant__ View from,
                              const __grid_constant__ View to) {
  for (Index row = blockIdx.x * Index(blockDim.y) + threadIdx.y; row < rows.count;
       row += Index(gridDim.x) * blockDim.y) {
    const Index source = rows.offset(from, row);
    const Index target = rows.offset(to, row);
    for (int u = threadIdx.x; u < rows.length; u += blockDim.x) {
      store_any(to, target + u * to.stride[3], load_any(from, source + u * from.stride[3]));
    }
  }
}

int element_bytes(int dtype) { return dtype == gpu::kFloat32 ? 4 : 2; }

// In words of 16 bytes, if it consists of such.
bool as_words(const View& view, View* words) {
  const int per_word = 16 / element_bytes(view.dtype);
  *words = view;
  if (view.stride[3] != 1 || reinterpret_cast<std::uintptr_t>(view.data) % 16 != 0) return false;
  for (int axis = 0; axis < 3; ++axis) {
    if (view.stride[axis] % per_word != 0) return false;
    words->stride[axis] = view.stride[axis] / per_word;
  }
  return true;
}

}  // namespace

cudaError_t launch_copy_view(const Shape& shape, const View& from, const View& to,
                             cudaStream_t stream) {
  Rows rows{Index(shape.batch) * shape.time * shape.heads, shape.time, shape.heads, shape.units};
  if (rows.count == 0 || rows.length == 0) return cudaSuccess;
  View from_words, to_words;
  const int per_word = 16 / element_bytes(from.dtype);
  const bool is_words = from.dtype == to.dtype && shape.units % per_word == 0 &&
                        as_words(from, &from_words) && as_words(to, &to_words);
  if (is_words) rows.length /= per_word;
  unsigned width = 1;
  while (width < 256 && width < unsigned(rows.length)) width *= 2;
  const dim3 threads(width, 256 / width);
  const Index blocks = (rows.count + threads.y - 1) / threads.y;
  const unsigned grid = unsigned(blocks < 8192 ? blocks : 8192);
  if (is_words) {
    copy_words<<<grid, threads, 0, stream>>>(rows, from_words, to_words);
  } else {
    copy_elements<<<grid, threads, 0, stream>>>(rows, from, to);
  }
  return cudaPeekAtLastError();
}

}  // namespace flashrnn::cuda
