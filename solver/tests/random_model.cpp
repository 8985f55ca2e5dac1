#include "random_model.hpp"

#include <algorithm>

namespace constrint::test {
namespace {

std::int64_t floor_div(std::int64_t a, std::int64_t b) {
  std::int64_t q = a / b;
  if (a % b != 0 && (a < 0) != (b < 0)) --q;
  return q;
}

using Binary = Maybe (*)(std::int64_t, std::int64_t);

Tree combine(Tree a, Tree b, const std::string& open, const std::string& middle,
             const std::string& close, Binary f) {
  return {open + a.text + middle + b.text + close, [a, b, f](const Values& v) -> Maybe {
            const Maybe x = a.value(v), y = b.value(v);
            if (!x || !y) return std::nullopt;
            return f(*x, *y);
          }};
}

}  // namespace

Tree Generator::term(int depth) {
  if (depth == 0 || below(4) == 0) {
    if (below(3) == 0) {
      const std::int64_t c = below(13) - 4;
      return {c < 0 ? "(" + std::to_string(c) + ")" : std::to_string(c),
              [c](const Values&) -> Maybe { return c; }};
    }
    const int i = below(variables_);
    return {"v" + std::to_string(i),
            [i](const Values& v) -> Maybe { return v[static_cast<std::size_t>(i)]; }};
  }
  const auto a = [&] { return term(depth - 1); };
  switch (below(13)) {
    case 0:
    case 1:
      return combine(a(), a(), "(", " + ", ")", [](auto x, auto y) -> Maybe { return x + y; });
    case 2:
      return combine(a(), a(), "(", " - ", ")", [](auto x, auto y) -> Maybe { return x - y; });
    case 3:
    case 4:
    case 5:
      return combine(a(), a(), "(", " * ", ")", [](auto x, auto y) -> Maybe { return x * y; });
    case 6:
      return combine(a(), a(), "(", " / ", ")", [](auto x, auto y) -> Maybe {
        if (y == 0 || x % y != 0) return std::nullopt;
        return x / y;
      });
    case 7:
      return combine(a(), a(), "(", " // ", ")", [](auto x, auto y) -> Maybe {
        if (y == 0) return std::nullopt;
        return floor_div(x, y);
      });
    case 8:
      return combine(a(), a(), "(", " % ", ")", [](auto x, auto y) -> Maybe {
        if (y == 0) return std::nullopt;
        return x - y * floor_div(x, y);
      });
    case 9:
      return combine(a(), a(), "min(", ", ", ")",
                     [](auto x, auto y) -> Maybe { return std::min(x, y); });
    case 10:
      return combine(a(), a(), "max(", ", ", ")",
                     [](auto x, auto y) -> Maybe { return std::max(x, y); });
    case 11:
      return combine(a(), a(), "ceil(", " / ", ")", [](auto x, auto y) -> Maybe {
        if (y == 0) return std::nullopt;
        return -floor_div(-x, y);
      });
    default: {
      const Tree t = a();
      if (below(2) == 0) {
        return {"abs(" + t.text + ")", [t](const Values& v) -> Maybe {
                  const Maybe x = t.value(v);
                  return x ? Maybe(*x < 0 ? -*x : *x) : x;
                }};
      }
      const int k = below(4);
      return {"(" + t.text + " ^ " + std::to_string(k) + ")", [t, k](const Values& v) -> Maybe {
                const Maybe x = t.value(v);
                if (!x) return x;
                std::int64_t r = 1;
                for (int i = 0; i < k; ++i) r *= *x;
                return r;
              }};
    }
  }
}

Tree Generator::condition(int depth) {
  if (depth == 0 || below(3) != 0) {
    static const struct {
      const char* text;
      Binary f;
    } comparisons[] = {
        {" == ", [](auto x, auto y) -> Maybe { return x == y; }},
        {" != ", [](auto x, auto y) -> Maybe { return x != y; }},
        {" <= ", [](auto x, auto y) -> Maybe { return x <= y; }},
        {" >= ", [](auto x, auto y) -> Maybe { return x >= y; }},
        {" < ", [](auto x, auto y) -> Maybe { return x < y; }},
    };
    Tree t;
    if (below(4) == 0) {
      t = combine(term(2), term(1), "((", ") % (", ") == 0)",
                  [](auto x, auto y) -> Maybe { return y != 0 && x % y == 0; });
    } else {
      const auto& c = comparisons[below(5)];
      t = combine(term(2), term(2), "(", c.text, ")", c.f);
    }
    return {t.text, [t](const Values& v) -> Maybe { return t.value(v).value_or(0); }};
  }
  switch (below(5)) {
    case 0:
      return combine(condition(depth - 1), condition(depth - 1), "(", " & ", ")",
                     [](auto x, auto y) -> Maybe { return x && y; });
    case 1:
      return combine(condition(depth - 1), condition(depth - 1), "(", " | ", ")",
                     [](auto x, auto y) -> Maybe { return x || y; });
    case 2:
      return combine(condition(depth - 1), condition(depth - 1), "(", " -> ", ")",
                     [](auto x, auto y) -> Maybe { return !x || y; });
    case 3:
      return combine(condition(depth - 1), condition(depth - 1), "(", " <-> ", ")",
                     [](auto x, auto y) -> Maybe { return (x != 0) == (y != 0); });
    default: {
      const Tree t = condition(depth - 1);
      return {"(!" + t.text + ")", [t](const Values& v) -> Maybe { return *t.value(v) == 0; }};
    }
  }
}

RandomModel Generator::model(int variables, int constraints) {
  variables_ = variables;
  RandomModel m;
  for (int i = 0; i < variables; ++i) {
    Values domain;
    std::string text;
    switch (below(3)) {
      case 0: {
        const int low = below(9) - 4, size = 1 + below(6);
        for (int v = low; v < low + size; ++v) domain.push_back(v);
        text = std::to_string(low) + ".." + std::to_string(low + size - 1);
        break;
      }
      case 1: {
        const int low = below(7) - 3, step = 2 + below(3), size = 1 + below(5);
        for (int k = 0; k < size; ++k) domain.push_back(low + k * step);
        text = std::to_string(low) + ".." + std::to_string(domain.back()) + " by " +
               std::to_string(step);
        break;
      }
      default: {
        for (int k = 1 + below(5); k > 0; --k) domain.push_back(below(20) - 6);
        std::sort(domain.begin(), domain.end());
        domain.erase(std::unique(domain.begin(), domain.end()), domain.end());
        text = "[";
        for (std::size_t k = 0; k < domain.size(); ++k) {
          text += (k == 0 ? "" : ", ") + std::to_string(domain[k]);
        }
        text += "]";
      }
    }
    m.text += "var v" + std::to_string(i) + " in " + text + ";\n";
    m.domains.push_back(domain);
  }
  for (int i = 0; i < constraints; ++i) {
    m.constraints.push_back(condition(2));
    m.text += m.constraints.back().text + ";\n";
  }
  return m;
}

std::vector<Values> RandomModel::solutions() const {
  std::vector<Values> found;
  Values v(domains.size());
  const std::function<void(std::size_t)> walk = [&](std::size_t i) {
    if (i == domains.size()) {
      if (holds(v)) found.push_back(v);
      return;
    }
    for (std::int64_t x : domains[i]) {
      v[i] = x;
      walk(i + 1);
    }
  };
  walk(0);
  return found;
}

}  // namespace constrint::test
