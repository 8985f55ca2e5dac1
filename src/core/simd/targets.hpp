// SPDX-License-Identifier: Apache-2.0
// Which of Highway's instruction sets the kernels are compiled for. Included before any header of
// Highway.
//
// x86-64 gets its baseline, AVX2 with FMA, and AVX-512: what lies between them gains nothing here,
// and every set costs a compilation of every cell; the build's FLASHRNN_SIMD_TARGETS can ask for
// fewer. Sizeless vectors (SVE, RVV) cannot stand in the cells' structs.
#pragma once

#define HWY_DISABLED_TARGETS FLASHRNN_DISABLED_TARGETS
#include <hwy/detect_targets.h>

#if defined(HWY_AVX3_ZEN4)
#define FLASHRNN_DISABLED_ZEN4 HWY_AVX3_ZEN4
#else
#define FLASHRNN_DISABLED_ZEN4 0
#endif
#if defined(HWY_AVX3_SPR)
#define FLASHRNN_DISABLED_SPR HWY_AVX3_SPR
#else
#define FLASHRNN_DISABLED_SPR 0
#endif
#if defined(FLASHRNN_WITHOUT_AVX2)
#define FLASHRNN_DISABLED_AVX2 HWY_AVX2
#else
#define FLASHRNN_DISABLED_AVX2 0
#endif
#if defined(FLASHRNN_WITHOUT_AVX512)
#define FLASHRNN_DISABLED_AVX512 HWY_AVX3
#else
#define FLASHRNN_DISABLED_AVX512 0
#endif
#define FLASHRNN_DISABLED_TARGETS                                                         \
  (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL | FLASHRNN_DISABLED_ZEN4 | FLASHRNN_DISABLED_SPR |  \
   FLASHRNN_DISABLED_AVX2 | FLASHRNN_DISABLED_AVX512 | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | \
   HWY_SVE2_128 | HWY_RVV)
