// SPDX-License-Identifier: Apache-2.0
// The one description of how a problem is run: the solver's answer, the kernel's parameters, the
// log line and the bench row are all this.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace flashrnn {

class KernelConfig {
 public:
  void set(std::string_view name, int64_t value);
  // Throws Error (invalid argument) for a name that is not there: a model of the user's may lack
  // it.
  int64_t get(std::string_view name) const;
  const int64_t* find(std::string_view name) const;

  const std::vector<std::pair<std::string, int64_t>>& values() const { return values_; }
  // "name=value,name=value", the form that problem.config takes.
  std::string to_string() const;
  // Throws Error (invalid argument) where text is not of that form.
  static KernelConfig parse(std::string_view text);

  friend bool operator==(const KernelConfig&, const KernelConfig&) = default;

 private:
  std::vector<std::pair<std::string, int64_t>> values_;
};

}  // namespace flashrnn
