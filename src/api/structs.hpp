// SPDX-License-Identifier: Apache-2.0
// Reading and writing the ABI's structs across versions, and texts into the caller's buffer.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>

#include "api/error.hpp"

namespace flashrnn {

// The caller's struct as this version knows it: a shorter one (of an older version, never shorter
// than the first) is filled up with zeros, a longer one is taken when what this version does not
// know is zero.
template <typename Struct>
Struct read_struct(const Struct* in, const char* name, size_t first_size) {
  require(in != nullptr, "{} is NULL: must point to a struct", name);
  const size_t size = in->struct_size;
  require(size >= first_size, "{}.struct_size is {}: must be at least {}", name, size, first_size);
  require(size <= 65536, "{}.struct_size is {}: must be at most 65536", name, size);
  const auto* bytes = reinterpret_cast<const unsigned char*>(in);
  for (size_t i = sizeof(Struct); i < size; ++i) {
    require(bytes[i] == 0,
            "{} has a value at byte {}: this version knows {} bytes, the rest must be zero", name,
            i, sizeof(Struct));
  }
  Struct out{};
  std::memcpy(&out, in, std::min(size, sizeof(Struct)));
  out.struct_size = sizeof(Struct);
  return out;
}

// Checks an output struct before anything is done; returns how many bytes write_struct will write.
template <typename Struct>
size_t output_size(const Struct* out, const char* name, size_t first_size) {
  require(out != nullptr, "{} is NULL: must point to a struct", name);
  require(out->struct_size >= first_size, "{}.struct_size is {}: must be at least {}", name,
          out->struct_size, first_size);
  return std::min(out->struct_size, sizeof(Struct));
}

template <typename Struct>
void write_struct(void* out, Struct value, size_t struct_size, size_t writable) {
  value.struct_size = struct_size;
  std::memcpy(out, &value, writable);
}

inline void write_text(const std::string& text, char* out, size_t capacity, size_t* length) {
  require(out != nullptr || capacity == 0, "text is NULL with capacity {}: must be 0 then",
          capacity);
  if (length != nullptr) *length = text.size();
  if (out == nullptr) {
    require(length != nullptr, "text and length are both NULL: one must be given");
    return;
  }
  require(text.size() < capacity, "capacity is {}: the text needs {}", capacity, text.size() + 1);
  std::memcpy(out, text.c_str(), text.size() + 1);
}

}  // namespace flashrnn
