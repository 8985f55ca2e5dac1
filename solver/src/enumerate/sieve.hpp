// Sixty-four values of a long axis at once: which of them an equation can be solved for. What is
// left is entered one by one as ever, so a sieve only has to be right about what it throws out.
#ifndef CONSTRINT_ENUMERATE_SIEVE_HPP
#define CONSTRINT_ENUMERATE_SIEVE_HPP

#include <memory>

#include "enumerate/space.hpp"
#include "enumerate/step.hpp"

namespace constrint::detail {

class Sieve {
 public:
  // For a rule with How::solve; inversion and place_of are its target's, scalars are per node and
  // current for all that does not hang on the rule's trigger. All must outlive this.
  Sieve(const Space& space, const Rule& rule, const Inversion& inversion, const PlaceOf& place_of,
        const i64* scalars);
  Sieve(const Sieve&) = delete;
  Sieve& operator=(const Sieve&) = delete;

  // The bits of word number w of the trigger's mask that may have a solution.
  Word operator()(int w, Word in);

 private:
  static constexpr std::size_t kBlock = 64;
  struct Column {
    Operand64 at;
    i64 coefficient;
  };

  Word solve(std::size_t count, Word in);
  static Word subtract(const Undo& undo, const std::vector<Column>& columns, std::size_t count,
                       i64* v);
  static Word divide(const std::vector<Column>& columns, std::size_t count, i64* v);

  const Axis& axis_;  // the trigger's
  const Inversion& inversion_;
  const PlaceOf& place_of_;
  std::vector<std::vector<Column>> columns_;  // beside the inversion's steps
  std::vector<Step> steps_;                   // of the terms that hang on the trigger
  std::vector<Operand64> operands_;
  std::unique_ptr<i64[]> buffer_;  // the trigger's values and each term's, a block of each
  std::uint64_t seen_ = 0, left_ = 0;
  bool pays_ = true;
};

}  // namespace constrint::detail

#endif  // CONSTRINT_ENUMERATE_SIEVE_HPP
