// The rules of a Space turned into steps, and the masks they make.
#ifndef CONSTRINT_ENUMERATE_EVALUATOR_HPP
#define CONSTRINT_ENUMERATE_EVALUATOR_HPP

#include "enumerate/sieve.hpp"
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
    for (int n : hoisted_[position]) run(n);
  }
  i64 scalar(int node) const { return scalars_[node]; }
  // A filter's bits of `in`; false where none is left.
  bool filter(int rule, const Word* in, Word* out) {
    Compiled64& c = compiled_[rule];
    if (c.table) {
      const Word* remembered = mask(rule);
      Word any = 0;
      for (int w = 0; w < c.axis->words; ++w) any |= out[w] = in[w] & remembered[w];
      return any != 0;
    }
    u64 number = 0;
    return dividend(c, &number) && divide(c, number, in, out);
  }
  // The place of the value that solves the rule for its target, or -1.
  int solve(int rule) const {
    const Compiled64& c = compiled_[rule];
    i64 value = 0;
    return c.inversion.solve(scalars_.data(), &value) ? c.place_of(value) : -1;
  }
  // Whether the rule holds with this value of its target.
  bool check(int rule, std::size_t index) {
    const Compiled64& c = compiled_[rule];
    scalars_[c.axis->leaf] = c.axis->values[index];
    for (int n : *c.probe) run(n);
    const i64 value = scalars_[c.node];
    return value >= c.low && value <= c.high && (c.plain || space_.engine->contains(c.node, value));
  }
  // What tells which values of a position are worth entering, before they are bound; or null.
  Sieve* sieve(int position) { return sieves_[position].get(); }
  // The mask of a rule for what is bound; points into the table, or into the rule's scratch.
  const Word* mask(int rule) {
    Compiled64& c = compiled_[rule];
    if (!c.table) {
      fill(c, c.scratch.data());
      return c.scratch.data();
    }
    std::size_t entry = c.offset;
    for (const auto& [position, stride] : c.strides) entry += stride * indices_[position];
    Word& filled = filled_[entry / 64];
    const Word bit = Word{1} << (entry % 64);
    if ((filled & bit) == 0) {
      fill(c, table_.get() + entry);
      filled |= bit;
    }
    return table_.get() + entry;
  }

 private:
  struct Compiled64 {
    // Terms, only where a table means that they run seldom.
    const std::vector<int>* scalars = nullptr;
    std::span<const Step> steps;
    // The terms of the steps, for one value of the target; null: not by bisection.
    const std::vector<int>* probe = nullptr;
    const Axis* axis = nullptr;
    int direction = 0;
    std::vector<Word> scratch;
    std::vector<std::pair<int, std::size_t>> strides;
    std::size_t offset = 0, count = 0;
    const i64* result = nullptr;
    i64 low = 0, high = 0;
    int node = -1;
    bool table = false, plain = true;
    const Filter* filter = nullptr;
    Divisors divisors;
    Inversion inversion;
    PlaceOf place_of;
  };

  void compile(std::size_t rule);
  void compile_columns(const Rule& rule, Compiled64* c);
  void fill(Compiled64& c, Word* out);
  // What the target of a filter must divide; false where the known factors do not.
  bool dividend(const Compiled64& c, u64* number) const;
  // The bits of `in` whose value divides the number and may be so large; false where none does.
  bool divide(const Compiled64& c, u64 number, const Word* in, Word* out) const;
  void bisect(Compiled64& c, Word* out);
  void sift(const Compiled64& c, const i64* values, std::size_t base, Word* word) const;
  void make_scalar_steps();
  void run(int node) const { scalar_steps_[node].run(scalar_steps_[node], 1); }

  const Space& space_;
  std::vector<i64> scalars_;               // per node
  std::vector<std::size_t> indices_;       // per position
  std::vector<Step> scalar_steps_;         // per node, of those that vary
  std::vector<std::vector<int>> hoisted_;  // per position: terms
  std::vector<Step> steps_;                // of all rules, and what they point to:
  std::vector<Operand64> operands_;
  std::unique_ptr<i64[]> columns_;
  std::size_t columns_used_ = 0;
  // Of the rule being compiled: the column of a term, and whether it hangs on the target alone.
  std::vector<const i64*> column_of_;
  std::vector<char> alone_;
  std::vector<Compiled64> compiled_;
  std::vector<std::unique_ptr<Sieve>> sieves_;  // per position, null where there is none
  struct Free {
    void operator()(void* p) const;
  };
  // Zeroed on first touch, so that a large table costs only what is used of it.
  std::unique_ptr<Word[], Free> table_;
  std::unique_ptr<Word[], Free> filled_;  // a bit for each word of the table
};

}  // namespace constrint::detail

#endif  // CONSTRINT_ENUMERATE_EVALUATOR_HPP
