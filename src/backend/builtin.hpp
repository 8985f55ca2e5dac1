// SPDX-License-Identifier: Apache-2.0
// The backends that are linked into the library itself.
#pragma once

#include "backend/backend.hpp"

namespace flashrnn {

const Backend& cpu_backend();

}  // namespace flashrnn
