// SPDX-License-Identifier: Apache-2.0
#include "cuda/modules/disk_cache.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>

namespace flashrnn::cuda {

namespace {

constexpr char kMagic[] = "FRNNK01\n";
constexpr size_t kMagicSize = sizeof(kMagic) - 1;
constexpr size_t kHeaderSize = kMagicSize + 3 * sizeof(uint64_t);

constexpr uintmax_t kLargestFile = uintmax_t{1} << 28;  // a kernel has a few hundred kilobytes
constexpr uint64_t kHashStart = 0xcbf29ce484222325;

// Finds damage, not malice: the folder is the user's own.
uint64_t hash(std::string_view bytes, uint64_t value) {
  for (const char c : bytes) value = (value ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return value;
}

uint64_t hash_of(std::string_view key, std::string_view image) {
  return hash(image, hash(key, kHashStart));
}

std::string packed(uint64_t value) {
  std::string bytes(sizeof value, '\0');
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(value >> (8 * i) & 0xff);
  return bytes;
}

uint64_t unpacked(const char* bytes) {
  uint64_t value = 0;
  for (size_t i = 0; i < sizeof value; ++i) {
    value |= uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
  }
  return value;
}

std::string reason(const char* call, const std::string& path) {
  return fmt::format("{}: {}: {}", path, call, std::strerror(errno));
}

// An open file that is closed, and removed unless it was kept.
class TemporaryFile {
 public:
  explicit TemporaryFile(std::string path)
      : path_(std::move(path)),
        file_(::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644)) {}
  ~TemporaryFile() {
    if (file_ < 0) return;
    close();
    if (!is_kept_) ::unlink(path_.c_str());
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  bool is_open() const { return file_ >= 0; }
  const std::string& path() const { return path_; }

  bool write(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t written = ::write(file_, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(written));
    }
    return true;
  }
  bool flush() { return ::fsync(file_) == 0; }
  bool rename_to(const std::string& path) {
    is_kept_ = ::rename(path_.c_str(), path.c_str()) == 0;
    return is_kept_;
  }

 private:
  void close() { (void)::close(file_); }

  std::string path_;
  int file_;
  bool is_kept_ = false;
};

// A rename survives a crash once the folder is flushed.
void flush_folder(const std::string& path) {
  const int folder = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return;
  (void)::fsync(folder);
  (void)::close(folder);
}

}  // namespace

std::string DiskCache::default_folder() {
  if (const char* given = std::getenv("FLASHRNN_CACHE_DIR")) return given;
  const char* base = std::getenv("XDG_CACHE_HOME");
  if (base != nullptr && *base != '\0') return std::string(base) + "/flashrnn";
  const char* home = std::getenv("HOME");
  return home != nullptr && *home != '\0' ? std::string(home) + "/.cache/flashrnn" : "";
}

std::string DiskCache::path_of(std::string_view key) const {
  return fmt::format("{}/{:016x}.kernel", folder_, hash(key, kHashStart));
}

std::optional<std::vector<char>> DiskCache::load(std::string_view key) const {
  if (folder_.empty()) return std::nullopt;
  const std::string path = path_of(key);
  std::error_code error;
  const uintmax_t size = std::filesystem::file_size(path, error);
  if (error || size > kLargestFile) return std::nullopt;
  std::string bytes(size, '\0');
  // Reads with istream's functions: those of its buffer would throw where the disk fails.
  std::ifstream file(path, std::ios::binary);
  if (!file.read(bytes.data(), static_cast<std::streamsize>(size))) return std::nullopt;
  if (bytes.size() < kHeaderSize || bytes.compare(0, kMagicSize, kMagic) != 0) return std::nullopt;
  const uint64_t key_size = unpacked(bytes.data() + kMagicSize);
  const uint64_t image_size = unpacked(bytes.data() + kMagicSize + sizeof(uint64_t));
  const uint64_t stored_hash = unpacked(bytes.data() + kMagicSize + 2 * sizeof(uint64_t));
  const size_t rest = bytes.size() - kHeaderSize;
  if (key_size > rest || image_size != rest - key_size) return std::nullopt;
  const std::string_view stored_key = std::string_view(bytes).substr(kHeaderSize, key_size);
  const std::string_view image = std::string_view(bytes).substr(kHeaderSize + key_size);
  if (stored_key != key || stored_hash != hash_of(stored_key, image)) return std::nullopt;
  return std::vector<char>(image.begin(), image.end());
}

std::string DiskCache::store(std::string_view key, const std::vector<char>& image) const {
  if (folder_.empty()) return "no folder is set";
  std::error_code error;
  std::filesystem::create_directories(folder_, error);
  if (error) return fmt::format("{}: {}", folder_, error.message());
  // Unique among threads by the counter, among processes by the number; a leftover of a process
  // that had the same number is only in the way of one name.
  static std::atomic<unsigned> counter{0};
  const std::string path = path_of(key);
  const std::string view(image.begin(), image.end());
  for (int attempt = 0; attempt < 100; ++attempt) {
    TemporaryFile file(fmt::format("{}.{}.{}.tmp", path, ::getpid(), counter++));
    if (!file.is_open()) {
      if (errno == EEXIST) continue;
      return reason("open", file.path());
    }
    if (!file.write(kMagic) || !file.write(packed(key.size())) ||
        !file.write(packed(image.size())) || !file.write(packed(hash_of(key, view))) ||
        !file.write(key) || !file.write(view)) {
      return reason("write", file.path());
    }
    if (!file.flush()) return reason("fsync", file.path());
    if (!file.rename_to(path)) return reason("rename", path);
    flush_folder(folder_);
    return "";
  }
  return fmt::format("{}: a hundred names for a temporary file are taken", path);
}

}  // namespace flashrnn::cuda
