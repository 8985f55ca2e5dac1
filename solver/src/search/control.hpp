// Limits and counters of one solve, shared by everything that searches.
#ifndef CONSTRINT_SEARCH_CONTROL_HPP
#define CONSTRINT_SEARCH_CONTROL_HPP

#include <atomic>
#include <chrono>

#include "constrint/constrint.hpp"

namespace constrint::detail {

using Clock = std::chrono::steady_clock;

class Control {
 public:
  explicit Control(const Options& options) : options_(options), start_(Clock::now()) {
    if (options.max_seconds > 0) {
      deadline_ = start_ + std::chrono::duration_cast<Clock::duration>(
                               std::chrono::duration<double>(std::min(options.max_seconds, 1e9)));
    }
  }
  Control(const Options& options, Clock::time_point deadline)
      : options_(options), start_(Clock::now()), deadline_(deadline) {}
  // Counts a node; false once a limit is met (and from then on).
  bool node() {
    ++nodes;
    if (options_.max_nodes != 0 && nodes > options_.max_nodes) out_ = true;
    check_clock();
    return !out_;
  }
  void check_clock() {
    if (options_.max_seconds > 0 && Clock::now() >= deadline_) out_ = true;
  }
  bool out() const { return out_; }
  const Options& options() const { return options_; }
  Clock::time_point deadline() const { return deadline_; }
  double microseconds() const {
    return std::chrono::duration<double, std::micro>(Clock::now() - start_).count();
  }

  std::uint64_t nodes = 0, failures = 0;

 private:
  const Options& options_;
  Clock::time_point start_, deadline_{};
  bool out_ = false;
};

}  // namespace constrint::detail

#endif  // CONSTRINT_SEARCH_CONTROL_HPP
