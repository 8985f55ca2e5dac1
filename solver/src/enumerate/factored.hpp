// Listing a model whose constraints fall into independent parts: each part is listed by itself and
// the lists are multiplied, which costs a copy for each solution and nothing else.
#ifndef CONSTRINT_ENUMERATE_FACTORED_HPP
#define CONSTRINT_ENUMERATE_FACTORED_HPP

#include "enumerate/walk.hpp"

namespace constrint::detail {

// Rows of one part: its own columns, zero in all others, so that rows of different parts are joined
// by `or`.
struct PartRows {
  std::vector<i64> values;
  std::size_t count = 0;
};

// The parts that are kept; every row of the remaining one is combined with all of them.
class Factors {
 public:
  using Block = std::unique_ptr<i64[]>;
  // out: each of `count` rows of `from` or-ed with row.
  using Join = void (*)(const i64* row, const i64* from, std::size_t count, std::size_t width,
                        i64* out);
  Factors(std::size_t width, std::vector<PartRows> parts, std::vector<char> own);
  // Hands out row x parts, in blocks; false where flush stopped it.
  bool expand(const i64* rows, std::size_t count, const Lister::Flush& flush, Block* block) const;

 private:
  bool combine(std::size_t part, const i64* row, const Lister::Flush& flush, Block* block,
               std::size_t* rows) const;

  std::size_t width_, block_rows_;
  Join join_;
  std::vector<PartRows> parts_;  // the last one innermost
  std::vector<char> own_;        // columns that the expanded rows keep
};

// The space to list, and what its rows are to be multiplied with.
struct Factored {
  Space space;
  std::optional<Factors> factors;
};

// How to list the model part by part; nothing where it has but one, or where that does not pay.
// *infeasible: a part has no solution.
std::optional<Factored> factor_space(const ModelData& model, const Prepared& prepared,
                                     const Reach& reach, Control* control, bool* infeasible);

// The open variables of one component, or of all (-1).
std::vector<int> leaves_of(const Prepared& prepared, int component);
std::vector<Live> live_of(const Prepared& prepared, int component);

}  // namespace constrint::detail

#endif  // CONSTRINT_ENUMERATE_FACTORED_HPP
