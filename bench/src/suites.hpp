// SPDX-License-Identifier: Apache-2.0
// Named sets of cases with the claims that they are to show.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "row.hpp"
#include "runner.hpp"

namespace flashrnn::bench {

struct SuiteCase : Case {
  bool peers = false;  // peers run this case too
};

struct Suite {
  std::vector<SuiteCase> cases;
  std::vector<Claim> claims;
};

struct SuiteName {
  std::string_view name, what;
};
const std::vector<SuiteName>& suite_names();

// peaks are those of one thread; cores is how many the process may use. Throws Error for an unknown
// name.
Suite make_suite(std::string_view name, const Peaks& peaks, int cores);

}  // namespace flashrnn::bench
