// SPDX-License-Identifier: Apache-2.0
// The compile-time configuration of a fused kernel: one plain struct, the same for the solver's
// answer, the kernel's constants, the cache key and the log line. Read by the host and by the
// device's compilers, so it includes nothing.
#pragma once

namespace flashrnn::gpu {

enum FusedFamily : int {
  kDirect = 1,   // one CTA a (head, batch tile); a warp owns 16 units (forward of a tile of 4 and
                 // heads below 64: eight) and updates them in its registers
  kCluster = 2,  // one cluster a (head, batch tile); h, or partial gradients of h, over distributed
                 // shared memory
  kGlobal = 3    // several CTAs or clusters a (head, batch tile); exchange through L2
};

struct FusedConfig {
  int cell;   // the ABI's value
  int dtype;  // kBfloat16 or kFloat16
  int is_backward;
  int family;       // FusedFamily
  int head_dim;     // padded: a multiple of 16 (kDirect) or 32
  int columns;      // sequences of a batch tile
  int units;        // of one CTA
  int depth_warps;  // warps that share the depth of the product
  int min_ctas;     // CTAs that must fit an SM, as __launch_bounds__ takes it
  int cluster;      // CTAs of a thread block cluster; 1: none

  friend constexpr bool operator==(const FusedConfig& a, const FusedConfig& b) {
    return a.cell == b.cell && a.dtype == b.dtype && a.is_backward == b.is_backward &&
           a.family == b.family && a.head_dim == b.head_dim && a.columns == b.columns &&
           a.units == b.units && a.depth_warps == b.depth_warps && a.min_ctas == b.min_ctas &&
           a.cluster == b.cluster;
  }
};

// CTAs of one (head, batch tile).
constexpr int ctas_of_group(const FusedConfig& c) { return c.head_dim / c.units; }

}  // namespace flashrnn::gpu
