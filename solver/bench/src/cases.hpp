// The list of what is measured.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "peer.hpp"

namespace bench {

struct Case {
  std::string name;
  std::string group;  // space, wide, tiling, plan, infeasible
  std::string file;   // models/<file>.constrint, or a shipped model's path in the repository
  Parameters parameters;
  std::optional<std::uint64_t> expected;  // number of solutions
  std::vector<Task> tasks;
  bool shipped = false;    // a model of the library around: only its parameters are given
  std::string added = {};  // statements after the model's
};

// The models that the library's backends ship, on the facts of devices and problems (plans.cpp).
std::vector<Case> PlanCases();

const std::vector<Case>& AllCases();

}  // namespace bench
