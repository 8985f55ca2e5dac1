// SPDX-License-Identifier: Apache-2.0
// flashrnn-info: asks the library for what it knows, and shows it as tables or as JSON.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "flashrnn/flashrnn.h"

namespace flashrnn::info {

using Json = nlohmann::ordered_json;

// {"version", "cells", "backends", "devices"}: all that does not depend on a problem.
Json gather_library();

// {"problem", "plan"} or {"problem", "status", "message"} where the library refused.
Json gather_plan(const std::string& problem, flashrnn_backend backend, int ordinal);

// What gather_library and gather_plan gave, for people.
std::string show_library(const Json& library);
std::string show_plan(const Json& plan, bool all_alternatives);

}  // namespace flashrnn::info
