// Loops for the wide models: what divides a constant is listed once by trial division up to its
// root, and only such numbers are tried.
#include "hand_wide.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

namespace bench {
namespace {

using Int = std::int64_t;

constexpr Int kHighlyComposite = 2095133040;  // 1,600 divisors
constexpr Int kTop = 2147483646;

std::vector<Int> Divisors(Int n) {
  std::vector<Int> small;
  std::vector<Int> large;
  for (Int d = 1; d * d <= n; ++d) {
    if (n % d != 0) continue;
    small.push_back(d);
    if (d * d != n) large.push_back(n / d);
  }
  small.insert(small.end(), large.rbegin(), large.rend());
  return small;
}

void Product3(Int n, Int top, Sink& sink) {
  const std::vector<Int> divisors = Divisors(n);
  for (const Int x : divisors) {
    if (x * x * x > n) break;
    const Int rest = n / x;
    for (auto y = std::ranges::lower_bound(divisors, x); y != divisors.end(); ++y) {
      if (*y * *y > rest) break;
      if (rest % *y != 0 || rest / *y > top) continue;
      const Int row[] = {x, *y, rest / *y};
      sink(row, 3);
    }
  }
}

}  // namespace

void WideProduct3(Sink& sink) { Product3(kHighlyComposite, kTop, sink); }
void WideProduct3Large(Sink& sink) { Product3(963761198400, kTop, sink); }

void WideChain2(Sink& sink) {
  const std::vector<Int> divisors = Divisors(kHighlyComposite);
  for (const Int a : divisors) {
    for (const Int b : divisors) {
      if (b > a) break;
      if (a % b != 0) continue;
      const Int row[] = {a, b};
      sink(row, 2);
    }
  }
}

void WideFour(Sink& sink) {
  const std::vector<Int> divisors = Divisors(kHighlyComposite);
  const auto upwards = [&](Int from) { return std::ranges::lower_bound(divisors, from); };
  for (const Int a : divisors) {
    if (a * a * a * a > kHighlyComposite) break;
    const Int after_a = kHighlyComposite / a;
    for (auto b = upwards(a); b != divisors.end() && *b * *b * *b <= after_a; ++b) {
      if (after_a % *b != 0) continue;
      const Int after_b = after_a / *b;
      for (auto c = upwards(*b); c != divisors.end() && *c * *c <= after_b; ++c) {
        if (after_b % *c != 0) continue;
        const Int d = after_b / *c;
        if (a + *b + *c + d > 1000) continue;
        const Int row[] = {a, *b, *c, d};
        sink(row, 4);
      }
    }
  }
}

void WideSemiprime(Sink& sink) {
  constexpr Int kProduct = 2146654199;
  for (Int x = 2; x * x <= kProduct; ++x) {
    if (kProduct % x != 0) continue;
    const Int row[] = {x, kProduct / x};
    sink(row, 2);
  }
}

void WideTiling(Sink& sink) {
  constexpr Int kElements = 2075673600;
  for (Int block = 32; block <= 1024; block += 32) {
    if (kElements % block != 0) continue;
    for (Int item = 1; block * item * 4 <= 49152; ++item) {
      if (kElements / block % item != 0) continue;
      const Int row[] = {kElements / block / item, block, item};
      sink(row, 3);
    }
  }
}

void WideRemainders(Sink& sink) {
  Int x = 5;
  while (x % 1009 != 17) x += 2003;
  for (; x <= kTop; x += Int{1009} * 2003) sink(&x, 1);
}

void WideRest(Sink& sink) {
  for (const Int x : Divisors(kHighlyComposite)) {
    if (x > 7) sink(&x, 1);
  }
}

void WideSquares(Sink& sink) {
  constexpr Int kSum = 1310159825;
  for (Int x = 1; 2 * x * x <= kSum; ++x) {
    const Int square = kSum - x * x;
    const Int y = static_cast<Int>(std::llround(std::sqrt(static_cast<double>(square))));
    if (y * y != square) continue;
    const Int row[] = {x, y};
    sink(row, 2);
  }
}

void WideMultiples(Sink& sink) {
  constexpr Int kLeast = Int{7} * 11 * 13 * 17 * 19 * 1024;
  for (Int m = kLeast; m <= kTop; m += kLeast) sink(&m, 1);
}

void WideLinked(Sink& sink) {
  for (Int y = 1; y * y <= kHighlyComposite; ++y) {
    if (kHighlyComposite % (y * y) != 0) continue;
    const Int rest = kHighlyComposite / (y * y);
    for (Int x = 1; x * x <= rest; ++x) {
      if (rest % x != 0) continue;
      const Int row[] = {x, y, rest / x, x * y, y * (rest / x)};
      sink(row, 5);
    }
  }
}

}  // namespace bench
