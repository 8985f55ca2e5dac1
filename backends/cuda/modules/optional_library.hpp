// SPDX-License-Identifier: Apache-2.0
// A shared library that is used where it is there. Never unloaded: its own threads, or plans in
// static objects, may still run when the process ends.
#pragma once

#include <dlfcn.h>
#include <fmt/format.h>

#include <initializer_list>
#include <string>
#include <type_traits>

namespace flashrnn::cuda {

struct OptionalLibrary {
  std::string name;     // of the file that was found
  std::string refusal;  // "": all that was looked for is there

  explicit OptionalLibrary(std::initializer_list<const char*> names) {
    std::string all;
    for (const char* one : names) {
      handle_ = ::dlopen(one, RTLD_NOW | RTLD_LOCAL);
      name = one;
      if (handle_ != nullptr) return;
      all += (all.empty() ? "" : ", ") + name;
    }
    refusal = all + ": none is found";
  }

  // The symbol, by the name that it has there; `needs` says what has it.
  template <typename Function>
  void find(Function& function, const char* symbol, const char* needs) {
    if (handle_ == nullptr) return;
    function = reinterpret_cast<std::decay_t<Function>>(::dlsym(handle_, symbol));
    if (function == nullptr && refusal.empty())
      refusal = fmt::format("{} has no {}: must be of {}", name, symbol, needs);
  }

 private:
  void* handle_ = nullptr;
};

}  // namespace flashrnn::cuda
