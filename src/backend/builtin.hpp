// SPDX-License-Identifier: Apache-2.0
// The backends that are linked into the library itself.
#pragma once

#include "backend/backend.hpp"

namespace flashrnn {

const Backend& cpu_backend();

// nullptr where the build has no CUDA; FLASHRNN_HAS_CUDA is defined for the files that include
// this.
#if defined(FLASHRNN_HAS_CUDA)
const Backend* cuda_backend();
#else
inline const Backend* cuda_backend() { return nullptr; }
#endif

}  // namespace flashrnn
