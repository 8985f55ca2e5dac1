// The fused kernel's model has two halves without a rule in common, so each is walked alone; counts
// multiply and costs add. Only products of divisors are tried.
#include "hand_fused.hpp"

#include <algorithm>
#include <limits>

namespace bench {
namespace {

using Int = std::int64_t;

constexpr Int kHeadDim = 768, kBatch = 16, kGates = 4, kSms = 132, kShared = 227000;
constexpr Int kRegisters = 65536, kMaxThreads = 256, kBytes = 2, kPad = 8, kMmaRed = 16;

// How `tiles` may be shared out: over CTAs, warps of a CTA, and the loop of a warp.
template <typename Visit>
void SplitTiles(Int tiles, Int max_warps, const Visit& visit) {
  for (Int grid = 1; grid <= std::min(tiles, kSms); ++grid) {
    if (tiles % grid != 0) continue;
    const Int per_cta = tiles / grid;
    for (Int warps = 1; warps <= std::min(per_cta, max_warps); ++warps) {
      if (per_cta % warps == 0) visit(grid, warps, per_cta / warps);
    }
  }
}

struct Direction {
  Int out, red;
  bool whole_units;  // a CTA holds all gates of its units
};

struct Split {
  Int grid, warps, loop;
};

struct Tile {
  Int batch, out;
};

void Weights(const Direction& d, Tile mma, Split out, Split red, Int warp_batch, Int loop_batch,
             Int passes, FusedAnswer& answer) {
  const Int threads = 32 * out.warps * red.warps * warp_batch;
  const Int sum_words = 8 * out.loop * loop_batch;
  const Int cta_out = out.warps * out.loop * mma.out;
  const Int cta_red = red.warps * red.loop * kMmaRed;
  const Int cta_batch = warp_batch * loop_batch * mma.batch;
  if (sum_words > 255 || (d.whole_units && cta_out % kGates != 0)) return;
  for (Int shared_red = 0; shared_red < red.loop || shared_red == 0; ++shared_red) {
    const Int words = (red.loop - shared_red) * out.loop * mma.out * kMmaRed * kBytes;
    if (words % 128 != 0) continue;
    const Int used = words / 128 + sum_words + 40;
    if (words / 128 > 255 || used > 255 || used * threads > kRegisters) continue;
    const Int shared = red.warps * shared_red * kMmaRed * cta_out * kBytes +
                       (cta_red + kPad) * cta_batch * kBytes +
                       red.warps * (cta_out + kPad) * cta_batch * 4;
    if (shared > kShared) break;
    const Int cost = passes * (8 * out.loop * red.loop * loop_batch + 4 * shared_red * out.loop +
                               40 * red.grid + 10 * red.warps);
    ++answer.count;
    answer.best = std::min(answer.best, cost);
  }
}

FusedAnswer Solve(const Direction& d) {
  FusedAnswer answer{0, std::numeric_limits<Int>::max()};
  for (const Tile mma : {Tile{8, 32}, Tile{16, 16}, Tile{32, 8}}) {
    if (kBatch % mma.batch != 0 || d.out % mma.out != 0 || d.red % kMmaRed != 0) continue;
    const Int max_warps = kMaxThreads / 32;
    SplitTiles(d.out / mma.out, max_warps, [&](Int go, Int wo, Int lo) {
      SplitTiles(d.red / kMmaRed, max_warps / wo, [&](Int gr, Int wr, Int lr) {
        if (go * gr > kSms) return;
        const Int batch_tiles = kBatch / mma.batch;
        SplitTiles(batch_tiles, max_warps / (wo * wr), [&](Int gb, Int wb, Int rest) {
          if (go * gr * gb > kSms) return;
          for (Int loop_batch = 1; loop_batch <= std::min<Int>(4, rest); ++loop_batch) {
            if (rest % loop_batch != 0) continue;
            Weights(d, mma, {go, wo, lo}, {gr, wr, lr}, wb, loop_batch, rest / loop_batch, answer);
          }
        });
      });
    });
  }
  return answer;
}

}  // namespace

FusedAnswer SolveFusedByLoops() {
  const FusedAnswer forward = Solve({kGates * kHeadDim, kHeadDim, true});
  const FusedAnswer backward = Solve({kHeadDim, kGates * kHeadDim, false});
  return {forward.count * backward.count, forward.best + backward.best};
}

}  // namespace bench
