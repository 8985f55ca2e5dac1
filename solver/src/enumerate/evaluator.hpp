// The rules of a Space turned into steps, and the masks they make.
#ifndef CONSTRINT_ENUMERATE_EVALUATOR_HPP
#define CONSTRINT_ENUMERATE_EVALUATOR_HPP

#include "enumerate/space.hpp"
#include "enumerate/step.hpp"

namespace constrint::detail {

class Evaluator {
 public:
  explicit Evaluator(const Space& space);
  Evaluator(const Evaluator&) = delete;
  Evaluator& operator=(const Evaluator&) = delete;

  // Also evaluates the terms that become known with this variable and are needed further in.
  void bind(int position, std::size_t index) {
    const Axis& axis = space_.axes[position];
    indices_[position] = index;
    scalars_[axis.leaf] = axis.values[index];
    for (const Step& step : hoisted_[position]) step.run(step, 1);
  }
  i64 scalar(int node) const { return scalars_[node]; }
  // The mask of a rule for what is bound; points into the table, or into the rule's scratch.
  const Word* mask(int rule) {
    Compiled64& c = compiled_[rule];
    if (!c.table) {
      fill(c, c.scratch.data());
      return c.scratch.data();
    }
    std::size_t entry = c.offset;
    for (const auto& [position, stride] : c.strides) entry += stride * indices_[position];
    if (!filled_[entry]) {
      fill(c, table_.get() + entry);
      filled_[entry] = 1;
    }
    return table_.get() + entry;
  }

 private:
  struct Compiled64 {
    std::vector<Step> scalar_steps;  // only where a table means that they run seldom
    std::vector<Step> steps;
    std::vector<Step> probe;  // the same for one value of the target; empty: not by bisection
    const Axis* axis = nullptr;
    int direction = 0;
    std::vector<i64> buffer;
    std::vector<Word> scratch;
    std::vector<std::pair<int, std::size_t>> strides;
    std::size_t offset = 0, count = 0;
    const i64* result = nullptr;
    i64 low = 0, high = 0;
    int node = -1;
    bool table = false, plain = true;
  };

  void compile(std::size_t rule);
  void fill(Compiled64& c, Word* out);
  void bisect(Compiled64& c, Word* out);
  void sift(const Compiled64& c, const i64* values, std::size_t base, Word* word) const;
  Step scalar_step(int node);

  const Space& space_;
  std::vector<i64> scalars_;                // per node
  std::vector<std::size_t> indices_;        // per position
  std::vector<std::vector<Step>> hoisted_;  // per position
  std::vector<Compiled64> compiled_;
  struct Free {
    void operator()(void* p) const;
  };
  // Zeroed on first touch, so that a large table costs only what is used of it.
  std::unique_ptr<Word[], Free> table_;
  std::unique_ptr<std::uint8_t[], Free> filled_;
};

}  // namespace constrint::detail

#endif  // CONSTRINT_ENUMERATE_EVALUATOR_HPP
