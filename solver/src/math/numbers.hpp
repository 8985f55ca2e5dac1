// Number theory for 64-bit integers: what divisor reasoning stands on.
#ifndef CONSTRINT_MATH_NUMBERS_HPP
#define CONSTRINT_MATH_NUMBERS_HPP

#include <utility>
#include <vector>

#include "math/wide.hpp"

namespace constrint::detail {

i64 gcd64(i64 a, i64 b);  // non-negative; gcd64(0, a) == |a|
// Least common multiple of the magnitudes, or 0 where it exceeds 2^62.
i64 lcm64(i64 a, i64 b);
// x with a * x == 1 (mod m), for gcd(a, m) == 1 and m >= 1; 0 <= x < m.
i64 inverse_mod(i64 a, i64 m);
bool is_prime(u64 n);  // exact for all n below 2^63
// Prime factors with multiplicity, ascending; n >= 1.
std::vector<std::pair<u64, int>> factorise(u64 n);
// How many positive divisors n has.
u64 divisor_count(u64 n);
// The positive divisors of n within [lowest, highest], ascending. Stops and returns false once the
// list would exceed `most`.
bool divisors_between(u64 n, u64 lowest, u64 highest, std::size_t most, std::vector<i64>* out);
// Largest r with r^k <= a, for a >= 0 and k >= 1.
Int floor_root(Int a, Int k);

}  // namespace constrint::detail

#endif  // CONSTRINT_MATH_NUMBERS_HPP
