// SPDX-License-Identifier: Apache-2.0
// Problems drawn at random, for as long as --random-seconds says. A failure's name has the seed:
// --random-seed=N begins there.
#include "random.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <exception>
#include <vector>

#include "compare.hpp"
#include "environment.hpp"

namespace flashrnn::test {
namespace {

constexpr double kMostProducts = 4e7;  // of one problem's forward: the oracle takes its time

// Small numbers often, round ones too.
int64_t draw_size(Random& random, int64_t most) {
  if (random.chance(0.3)) {
    int64_t power = 1;
    while (power * 2 <= most && random.chance(0.75)) power *= 2;
    return power;
  }
  return 1 + random.below(random.chance(0.5) ? most : (most + 3) / 4);
}

Case draw(uint64_t seed) {
  Random random(seed);
  const auto one_of = [&](const auto& list) {
    return list[static_cast<size_t>(random.below(static_cast<int64_t>(std::size(list))))];
  };
  const flashrnn_dtype dtypes[] = {FLASHRNN_FLOAT32, FLASHRNN_BFLOAT16, FLASHRNN_BFLOAT16,
                                   FLASHRNN_FLOAT16};
  Case c;
  c.cell = one_of(all_cells());
  c.dtypes.tensor = one_of(dtypes);
  c.dtypes.weight = random.chance(0.7) ? c.dtypes.tensor : one_of(dtypes);
  c.dtypes.state = random.chance(0.5) ? FLASHRNN_FLOAT32 : c.dtypes.tensor;
  // Half of them with rows of whole 16-byte pieces, which is what the fast ways take.
  const bool has_pieces = random.chance(0.5);
  const double mode = random.uniform(0, 1);
  c.mode = mode < 0.7   ? FLASHRNN_MODE_TRAINING
           : mode < 0.9 ? FLASHRNN_MODE_RECOMPUTE
                        : FLASHRNN_MODE_INFERENCE;
  do {
    c.batch = draw_size(random, 70);
    c.time = draw_size(random, 150);
    c.heads = draw_size(random, 6);
    c.head_dim = draw_size(random, 800);
    if (has_pieces) c.head_dim = (c.head_dim + 7) / 8 * 8;
  } while (static_cast<double>(c.batch * c.time * c.heads) *
               static_cast<double>(c.head_dim * c.head_dim) * 4 >
           kMostProducts);
  // Half of them as training mostly has them.
  const bool is_plain = random.chance(0.5);
  c.reverse = random.chance(0.3);
  c.bias = random.chance(0.8);
  c.initial_states = random.chance(0.6);
  c.want_states = !is_plain && random.chance(0.5);
  c.given = is_plain ? kGiveH | kGiveLast : static_cast<unsigned>(1 + random.below(7));
  c.seed = seed;
  if (is_plain) return c;
  if (!has_pieces) {
    c.input_layout = one_of(kLayouts);
    c.output_layout = one_of(kLayouts);
  }
  c.lengths = random.chance(0.3) ? FLASHRNN_INT32 : FLASHRNN_DTYPE_DEFAULT;
  c.resets = random.chance(0.3);
  c.forward_clip = random.chance(0.2) ? 0.25 : 0;
  c.recurrent_gradient_clip = random.chance(0.2) ? 0.5 : 0;
  c.cut_recurrent_gradient = random.chance(0.15);
  c.wanted = static_cast<unsigned>(1 + random.below(15));
  return c;
}

class RandomProblems : public BackendTest {};

TEST_F(RandomProblems, AgreeWithOracle) {
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  auto told = start;
  int count = 0;
  for (uint64_t seed = environment().random_seed;; ++seed) {
    const auto now = Clock::now();
    if (std::chrono::duration<double>(now - start).count() > environment().random_seconds) break;
    if (now - told > std::chrono::seconds(30)) {
      told = now;
      std::printf("%d problems\n", count);
      std::fflush(stdout);
    }
    const Case c = draw(seed);
    SCOPED_TRACE("--random-seed=" + std::to_string(seed) + " " + name_of(c));
    try {
      Trial trial(device(), c);
      expect_like_oracle(trial, true);
    } catch (const std::exception& error) {
      ADD_FAILURE() << error.what();  // here, where the trace still tells which problem it was
    }
    ++count;
    if (HasFailure()) break;
  }
  RecordProperty("problems", count);
  EXPECT_GT(count, 0);
}

}  // namespace
}  // namespace flashrnn::test
