// The loops over a Space: listing and counting.
#ifndef CONSTRINT_ENUMERATE_WALK_HPP
#define CONSTRINT_ENUMERATE_WALK_HPP

#include <algorithm>
#include <memory>
#include <unordered_map>

#include "enumerate/evaluator.hpp"

namespace constrint::detail {

// The masks of all loops as they stand, one evaluator, one place in the loops.
class Loops {
 public:
  Loops(const Space& space, Control* control);
  // False where a variable has no value left before anything is bound.
  bool start();

 protected:
  // Binds the position and narrows what it triggers; false where that empties a mask.
  bool enter(int position, std::size_t index);
  const Word* final_mask(int position) const {
    return masks_.data() + space_.stage_offset[position] +
           static_cast<std::size_t>((space_.stages[position] - 1) * space_.axes[position].words);
  }
  const Word* stage(int position, int number) const {
    return masks_.data() + space_.stage_offset[position] +
           static_cast<std::size_t>(number * space_.axes[position].words);
  }
  std::uint64_t bits(int position) const;
  // Calls visit(index) for what is left of a variable until it returns false.
  template <class Visit>
  bool each(int position, Visit visit) {
    if (space_.axes[position].solver >= 0)
      return visit(static_cast<std::size_t>(places_[position]));
    const Word* mask = final_mask(position);
    const int words = space_.axes[position].words;
    for (int w = 0; w < words; ++w) {
      for (Word rest = open(position, w, mask[w]); rest != 0; rest &= rest - 1) {
        const auto bit = static_cast<std::size_t>(__builtin_ctzll(rest));
        if (!visit(static_cast<std::size_t>(w) * 64 + bit)) return false;
      }
    }
    return true;
  }
  // What of a word of a mask is worth entering.
  Word open(int position, int w, Word mask) {
    Sieve* sieve = evaluator_.sieve(position);
    if (sieve == nullptr || mask == 0) return mask;
    if ((++sieved_ & 255) == 0) control_->check_clock();
    return (*sieve)(w, mask);
  }
  // Whether a limit was met. The clock is looked at now and then only: a value takes a few
  // nanoseconds where its masks are remembered, but a millisecond where a long axis is filled.
  bool late() {
    if ((++tried_ & 63) == 0) control_->check_clock();
    return control_->out();
  }
  // Whether positions from here on have a common completion; false as well where a limit was met.
  bool exists(int position);

  const Space& space_;
  Control* control_;
  std::uint64_t tried_ = 0;   // values
  std::uint64_t sieved_ = 0;  // words
  // One rule to apply on entering a position: out = in & mask, and an empty mask prunes; or the
  // target's value is computed or checked.
  struct Trigger {
    int rule;
    int words;
    const Word* in;
    Word* out;
    Rule::How how;
    int target;
  };
  bool apply(const Trigger& trigger);

  Evaluator evaluator_;
  std::vector<std::vector<Trigger>> triggers_;  // per position
  std::vector<Word> masks_;
  std::vector<std::size_t> indices_;
  std::vector<int> places_;  // of solved variables, once their solver was triggered
  int size_;
  int visible_;  // positions before the first hidden one
};

// Rows are handed over in blocks of about 32 KiB: enough to forget the call, little enough to stay
// in the first cache and to be had from the allocator without asking the system.
inline std::size_t block_rows(std::size_t width) {
  return std::clamp<std::size_t>(4096 / std::max<std::size_t>(width, 1), 16, 512);
}

// Lists solutions as rows; for a part of the outermost loop so that threads can share it.
class Lister : public Loops {
 public:
  Lister(const Space& space, Control* control, std::atomic<bool>* stop);
  // flush gets whole rows and says whether to go on.
  using Flush = std::function<bool(const i64* rows, std::size_t count)>;
  // first, last: indices into the outermost axis. False where flush or a limit stopped it.
  bool run(std::size_t first, std::size_t last, const Flush& flush);

 private:
  bool walk(int position);
  bool emit();
  bool innermost(int position);
  void bind_outputs(int position) {
    for (int c : axis_columns_[position]) {
      row_[c] = space_.axes[position].values[indices_[position]];
    }
    for (auto [column, node] : computed_columns_[position]) row_[column] = evaluator_.scalar(node);
  }
  bool interrupted();

  std::atomic<bool>* stop_;
  const Flush* flush_ = nullptr;
  std::size_t width_, block_rows_;
  std::vector<i64> row_;
  std::vector<std::vector<int>> axis_columns_;  // per position: columns it fills
  std::vector<std::vector<std::pair<int, int>>> computed_columns_;  // (column, node)
  std::vector<char> innermost_;   // per position: nothing but its values is left
  std::unique_ptr<i64[]> block_;  // not zeroed: a small space must not pay for a large block
  std::size_t rows_ = 0;
  std::uint64_t nodes_ = 0;
};

// Counts solutions: closed forms where no rule is left, remembered counts where the rest of the
// loops sees less than what is bound.
class Counter : public Loops {
 public:
  Counter(const Space& space, Control* control);
  // False where a limit was met.
  bool run(unsigned __int128* count);

 private:
  unsigned __int128 walk(int position);
  unsigned __int128 product(int position) const;
  void plan_memory();
  bool key(int position, std::string* out) const;

  struct Memory {
    bool use = false;
    std::vector<int> seen;                   // earlier positions that later rules look at
    std::vector<std::pair<int, int>> masks;  // (position, stage) narrowed by the others
    std::vector<int> places;                 // solved positions that others than seen decide
    std::unordered_map<std::string, unsigned __int128> counts;
    std::uint64_t asked = 0, found = 0;
  };
  std::vector<Memory> memory_;
};

}  // namespace constrint::detail

#endif  // CONSTRINT_ENUMERATE_WALK_HPP
