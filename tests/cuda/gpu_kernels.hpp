// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>

// Holds `blocks` multiprocessors, if each block has more than half of one's shared memory.
cudaError_t launch_hold(cudaStream_t stream, int blocks, long long nanoseconds, int shared_bytes);

// Raises *largest, in device memory, to the largest relative error of tanh.approx at so many points
// between 0 and `end`.
cudaError_t launch_measure_tanh(cudaStream_t stream, double end, int points, float* largest);

// Adds to *count, in device memory, the number of bytes in which a and b differ.
cudaError_t launch_count_differences(cudaStream_t stream, const void* a, const void* b,
                                     size_t bytes, unsigned long long* count);
