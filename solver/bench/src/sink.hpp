// Where every enumerator in this process puts its solutions, so that all of them do the same work
// for a solution: either keep it, or hand it to a visitor that looks at every value.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace bench {

class Sink {
 public:
  enum class Mode {
    kList,   // copy each row into memory: what a caller who wants the whole space asks for
    kVisit,  // fold each row into a fingerprint and forget it
  };

  explicit Sink(Mode mode) : mode_(mode) {}

  // `row` holds one value per variable in the model's order of declaration; rows come in any order.
  // Defined out of line: inlined into hand-written loops it lets the compiler fold whole rows
  // away, and the loops would no longer deliver anything.
  void operator()(const std::int64_t* row, std::size_t width);

  std::uint64_t count() const { return count_; }

  // A sum over rows, so equal for equal sets whatever their order. Zero in list mode.
  std::uint64_t fingerprint() const { return fingerprint_; }

 private:
  // Blocks instead of one growing vector: growth by copying would be charged to the solver.
  static constexpr std::size_t kBlockValues = std::size_t{1} << 16;

  void Keep(const std::int64_t* row, std::size_t width);

  Mode mode_;
  std::uint64_t count_ = 0;
  std::uint64_t fingerprint_ = 0;
  std::size_t used_ = kBlockValues;
  std::vector<std::unique_ptr<std::int64_t[]>> blocks_;
};

}  // namespace bench
