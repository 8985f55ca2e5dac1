// Random models with a meaning of their own: each node knows how to write itself in the language
// and how to work out its value, apart from anything in the library.
#ifndef CONSTRINT_TESTS_RANDOM_MODEL_HPP
#define CONSTRINT_TESTS_RANDOM_MODEL_HPP

#include <cstdint>
#include <functional>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace constrint::test {

using Values = std::vector<std::int64_t>;
using Maybe = std::optional<std::int64_t>;

struct Tree {
  std::string text;
  std::function<Maybe(const Values&)> value;  // nullopt: undefined
};

struct RandomModel {
  std::string text;
  std::vector<Values> domains;
  std::vector<Tree> constraints;

  bool holds(const Values& v) const {
    for (const Tree& c : constraints) {
      const Maybe m = c.value(v);
      if (!m || *m == 0) return false;
    }
    return true;
  }
  // All solutions in lexicographic order.
  std::vector<Values> solutions() const;
};

class Generator {
 public:
  explicit Generator(std::uint64_t seed) : random_(seed) {}
  RandomModel model(int variables, int constraints);

 private:
  int below(int n) { return static_cast<int>(random_() % static_cast<std::uint64_t>(n)); }
  Tree term(int depth);
  Tree condition(int depth);

  std::mt19937_64 random_;
  int variables_ = 0;
};

}  // namespace constrint::test

#endif  // CONSTRINT_TESTS_RANDOM_MODEL_HPP
