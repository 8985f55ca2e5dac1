// SPDX-License-Identifier: Apache-2.0
// A folder of compiled kernels that processes share. Nothing here throws: a cache that cannot be
// read or written is a cache that has nothing.
//
// A file is "FRNNK01\n", the lengths of key and image and the FNV-1a hash of both as three
// little-endian 64-bit numbers, the key, the image. It appears under its name by renaming a
// finished, flushed file, so readers see all of it or nothing; the hash finds what a crash or a bad
// disk left, and the key itself what two keys of one name would mix up.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace flashrnn::cuda {

class DiskCache {
 public:
  // "": no cache.
  explicit DiskCache(std::string folder) : folder_(std::move(folder)) {}

  // $FLASHRNN_CACHE_DIR (set but empty: none), else $XDG_CACHE_HOME/flashrnn, else
  // $HOME/.cache/flashrnn.
  static std::string default_folder();

  const std::string& folder() const { return folder_; }
  std::string path_of(std::string_view key) const;

  std::optional<std::vector<char>> load(std::string_view key) const;
  // Returns why nothing was stored, "" when it was.
  std::string store(std::string_view key, const std::vector<char>& image) const;

 private:
  std::string folder_;
};

}  // namespace flashrnn::cuda
