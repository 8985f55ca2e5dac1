// A tiling chosen twice: from text with a named fact, and from terms.
#include <cstdio>

#include "constrint/constrint.hpp"

namespace {

constexpr const char* kText = R"(
param HIDDEN = 768;
param SHARED_MEMORY = 227 * 1024;
var tile in [16, 32, 64, 128];
var warps in 1..16;
var split in 1..8;
let bytes = 2 * tile * HIDDEN / split;
HIDDEN % (tile * split) == 0;
bytes <= SHARED_MEMORY;
warps <= 8 | split > 1;
prefer tile largest, split smallest;
maximize tile * warps;
)";

void print(const constrint::Result& result) {
  std::printf("%s", constrint::to_string(result.status));
  for (const auto& [name, value] : result.solution.to_map()) {
    std::printf(" %s=%lld", name.c_str(), static_cast<long long>(value));
  }
  std::printf(" (%.0f us)\n", result.statistics.solve_microseconds);
}

}  // namespace

int main() {
  try {
    constrint::Model model = constrint::Model::parse(kText, "tiling");
    model.set_parameter("HIDDEN", 1024);
    print(model.solve());

    model.push();
    model.add("tile * warps > 5000;");
    print(model.solve());
    for (const constrint::Source& s : model.explain().clash) {
      std::printf("  clashes: %s\n", s.text.c_str());
    }
    model.pop();
    std::printf("%s solutions\n", model.count().text.c_str());

    constrint::Model built;
    const constrint::Term tile = built.variable("tile", {16, 32, 64, 128});
    const constrint::Term split = built.variable("split", 1, 8);
    built.require(1024 % (tile * split) == 0);
    built.require(2 * tile * 1024 / split <= 65536);
    built.prefer(tile, constrint::Prefer::largest);
    print(built.solve_first());
  } catch (const constrint::Error& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
  }
  return 0;
}
