// A minimal set of clashing constraints.
#ifndef CONSTRINT_API_EXPLAIN_HPP
#define CONSTRINT_API_EXPLAIN_HPP

#include "model/data.hpp"

namespace constrint::detail {

Explanation explain(const ModelData& model, const Options& options);

}  // namespace constrint::detail

#endif  // CONSTRINT_API_EXPLAIN_HPP
