/* SPDX-License-Identifier: Apache-2.0 */
/* The header alone, compiled as strict C99. */
#include "flashrnn/flashrnn.h"
#include "flashrnn/flashrnn.h" /* twice does no harm */

int flashrnn_header_is_c99(void);
int flashrnn_header_is_c99(void) { return FLASHRNN_OK; }
