// The list of what is measured.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "peer.hpp"

namespace bench {

struct Case {
  std::string name;
  std::string group;  // space, wide, tiling, infeasible
  std::string file;   // models/<file>.constrint
  Parameters parameters;
  std::optional<std::uint64_t> expected;  // number of solutions
  std::vector<Task> tasks;
};

const std::vector<Case>& AllCases();

}  // namespace bench
