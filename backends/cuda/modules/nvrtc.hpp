// SPDX-License-Identifier: Apache-2.0
// NVIDIA's run-time compiler, loaded on first use: neither the build nor the machine needs to have
// it.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "cuda/modules/embedded.hpp"

namespace flashrnn::cuda {

// Whether there is a compiler: "13.0", or why not.
bool has_nvrtc();
std::string nvrtc_state();

// The first source is compiled, the others are what it may include. Gives a cubin where
// architecture is an "sm_..."; throws Error (unsupported) with the compiler's log.
std::vector<char> nvrtc_compile(std::span<const EmbeddedSource> sources,
                                const std::string& architecture,
                                const std::vector<std::string>& options);

}  // namespace flashrnn::cuda
