// SPDX-License-Identifier: Apache-2.0
// One element of any dtype, for what is not worth a vector: packing, first and last states.
#pragma once

#include "core/portable/scalar.hpp"

namespace flashrnn {

using portable::from_bfloat16;
using portable::load;
using portable::rounded_to;
using portable::store;
using portable::to_bfloat16;

// Calls body with a function from an index to the element as a Real, the dtype resolved once.
template <typename Real, typename Body>
void with_loader(const Tensor& tensor, const Body& body) {
  const std::byte* data = tensor.data;
  switch (tensor.dtype) {
    case DType::kFloat32:
      body([p = reinterpret_cast<const float*>(data)](int64_t i) {
        return static_cast<Real>(p[i]);
      });
      return;
    case DType::kBfloat16:
      body([p = reinterpret_cast<const uint16_t*>(data)](int64_t i) {
        return static_cast<Real>(portable::from_bfloat16(p[i]));
      });
      return;
    case DType::kFloat16:
      body([p = reinterpret_cast<const uint16_t*>(data)](int64_t i) {
        return static_cast<Real>(portable::from_float16(p[i]));
      });
      return;
    default:
      body([p = reinterpret_cast<const double*>(data)](int64_t i) {
        return static_cast<Real>(p[i]);
      });
  }
}

}  // namespace flashrnn
