// Loops for models/fused.constrint with its parameters as they stand in the file.
#pragma once

#include <cstdint>

namespace bench {

struct FusedAnswer {
  std::uint64_t count = 0;
  std::int64_t best = 0;  // least cost; meaningful when count is not zero
};

FusedAnswer SolveFusedByLoops();

}  // namespace bench
