// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "backend/backend.hpp"

namespace flashrnn::cuda {

// `ordinal` counts this backend's devices, `runtime_ordinal` all that the CUDA runtime sees.
std::shared_ptr<const Device> make_device(int ordinal, int runtime_ordinal);

}  // namespace flashrnn::cuda
