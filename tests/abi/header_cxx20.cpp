// SPDX-License-Identifier: Apache-2.0
// The header alone, compiled as strict C++20.
#include <type_traits>

#include "flashrnn/flashrnn.h"
#include "flashrnn/flashrnn.h"  // twice does no harm

// Structs travel as bytes.
template <class... Structs>
constexpr bool kArePlain = (... &&
                            (std::is_trivial_v<Structs> && std::is_standard_layout_v<Structs>));
static_assert(
    kArePlain<flashrnn_cell_info, flashrnn_device_info, flashrnn_problem, flashrnn_plan_sizes,
              flashrnn_tensor, flashrnn_forward_args, flashrnn_backward_args, flashrnn_step_args>);
// Every enum travels as int32_t.
static_assert(std::is_same_v<flashrnn_status, int32_t> && std::is_same_v<flashrnn_dtype, int32_t> &&
              std::is_same_v<flashrnn_cell, int32_t> && std::is_same_v<flashrnn_mode, int32_t> &&
              std::is_same_v<flashrnn_backend, int32_t> &&
              std::is_same_v<flashrnn_log_level, int32_t>);
