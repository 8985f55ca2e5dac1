#include "sink.hpp"

#include <algorithm>

namespace bench {

void Sink::operator()(const std::int64_t* row, std::size_t width) {
  ++count_;
  if (mode_ == Mode::kList) {
    Keep(row, width);
    return;
  }
  constexpr std::uint64_t kSpread = 0x9E3779B97F4A7C15u;
  std::uint64_t mix = kSpread;
  for (std::size_t i = 0; i < width; ++i) {
    mix += static_cast<std::uint64_t>(row[i]) * (kSpread * (2 * i + 1));
  }
  mix ^= mix >> 31;
  fingerprint_ += mix * 0xBF58476D1CE4E5B9u;
}

void Sink::Keep(const std::int64_t* row, std::size_t width) {
  if (used_ + width > kBlockValues) {
    blocks_.push_back(std::make_unique_for_overwrite<std::int64_t[]>(kBlockValues));
    used_ = 0;
  }
  std::copy_n(row, width, blocks_.back().get() + used_);
  used_ += width;
}

}  // namespace bench
