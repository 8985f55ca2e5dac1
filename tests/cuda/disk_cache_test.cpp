// SPDX-License-Identifier: Apache-2.0
// The cache of compiled kernels gives back what was stored or nothing, whatever happened to its
// files and whoever else writes them.
#include "cuda/modules/disk_cache.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>

namespace flashrnn::cuda {
namespace {

namespace fs = std::filesystem;

// The exit status of `body`, run in a process of its own.
int status_of_child(const std::function<int()>& body) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(body());
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

std::vector<char> image_of(int seed, size_t size) {
  std::vector<char> image(size);
  unsigned value = static_cast<unsigned>(seed) * 2654435761u + 1;
  for (char& byte : image) {
    value = value * 1664525u + 1013904223u;
    byte = static_cast<char>(value >> 24);
  }
  return image;
}

class DiskCacheTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "flashrnn-cache-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { fs::remove_all(folder_); }

  DiskCache cache() const { return DiskCache((folder_ / "below" / "it").string()); }
  static std::string read(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  }
  static void write(const fs::path& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
  }

  fs::path folder_;
};

TEST_F(DiskCacheTest, GivesBackWhatWasStored) {
  EXPECT_FALSE(cache().load("key"));
  const auto image = image_of(1, 100'000);
  EXPECT_EQ(cache().store("key", image), "");
  EXPECT_EQ(cache().load("key"), image);
  EXPECT_FALSE(cache().load("another key"));
  const auto newer = image_of(2, 10);
  EXPECT_EQ(cache().store("key", newer), "");
  EXPECT_EQ(cache().load("key"), newer);
}

TEST_F(DiskCacheTest, LeavesNoTemporaryFiles) {
  EXPECT_EQ(cache().store("key", image_of(1, 1000)), "");
  EXPECT_EQ(std::distance(fs::directory_iterator(cache().folder()), {}), 1);
}

TEST_F(DiskCacheTest, TakesNoDamagedFile) {
  const auto image = image_of(3, 500);
  ASSERT_EQ(cache().store("key", image), "");
  const fs::path path = cache().path_of("key");
  const std::string whole = read(path);
  for (size_t i = 0; i < whole.size(); ++i) {
    std::string damaged = whole;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x10);
    write(path, damaged);
    ASSERT_FALSE(cache().load("key")) << "byte " << i << " differs";
  }
  for (size_t size = 0; size < whole.size(); ++size) {
    write(path, whole.substr(0, size));
    ASSERT_FALSE(cache().load("key")) << size << " bytes are left";
  }
  write(path, whole + "x");
  EXPECT_FALSE(cache().load("key"));
  write(path, whole);
  EXPECT_EQ(cache().load("key"), image);
}

TEST_F(DiskCacheTest, ReplacesADamagedFile) {
  fs::create_directories(cache().folder());
  write(cache().path_of("key"), "rubbish");
  EXPECT_FALSE(cache().load("key"));
  EXPECT_EQ(cache().store("key", image_of(4, 64)), "");
  EXPECT_EQ(cache().load("key"), image_of(4, 64));
}

// As if two keys had one hash.
TEST_F(DiskCacheTest, ChecksTheKeyItself) {
  ASSERT_EQ(cache().store("key", image_of(5, 64)), "");
  fs::copy_file(cache().path_of("key"), cache().path_of("other"));
  EXPECT_FALSE(cache().load("other"));
}

TEST_F(DiskCacheTest, SurvivesAFolderThatCannotBeMade) {
  write(folder_ / "file", "not a folder");
  const DiskCache cache((folder_ / "file" / "below").string());
  EXPECT_FALSE(cache.load("key"));
  EXPECT_NE(cache.store("key", image_of(6, 64)), "");
  const DiskCache none("");
  EXPECT_FALSE(none.load("key"));
  EXPECT_NE(none.store("key", image_of(6, 64)), "");
}

TEST_F(DiskCacheTest, SurvivesANameThatIsTaken) {
  fs::create_directories(fs::path(cache().path_of("key")) / "a folder that is not empty");
  EXPECT_NE(cache().store("key", image_of(6, 64)), "");
  EXPECT_FALSE(cache().load("key"));
  EXPECT_EQ(std::distance(fs::directory_iterator(cache().folder()), {}), 1)
      << "half a file is left";
}

TEST_F(DiskCacheTest, SurvivesAFolderThatMayOnlyBeRead) {
  ASSERT_EQ(cache().store("key", image_of(7, 64)), "");
  for (const fs::path& path : {folder_, folder_ / "below", folder_ / "below" / "it"}) {
    ASSERT_EQ(::chmod(path.c_str(), 0555), 0);
  }
  const int status = status_of_child([&] {
    constexpr uid_t kNobody = 65534;
    // Permissions do not bind root.
    if (::getuid() == 0 && ::setuid(kNobody) != 0) return 1;
    if (cache().store("new", image_of(8, 64)).empty()) return 2;
    if (cache().load("new")) return 3;
    return cache().load("key") == image_of(7, 64) ? 0 : 4;
  });
  EXPECT_EQ(status, 0);
  for (const fs::path& path : {folder_, folder_ / "below", folder_ / "below" / "it"}) {
    ASSERT_EQ(::chmod(path.c_str(), 0755), 0);
  }
}

// A limit on the size of files stops a write in its middle, as a full disk does.
TEST_F(DiskCacheTest, SurvivesAFullDisk) {
  const int status = status_of_child([&] {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{1000, 1000};
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return 1;
    if (cache().store("key", image_of(9, 5000)).empty()) return 2;
    return cache().load("key") ? 3 : 0;
  });
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(fs::is_empty(cache().folder())) << "half a file is left";
  EXPECT_EQ(cache().store("key", image_of(9, 5000)), "");
}

TEST_F(DiskCacheTest, IsSharedByProcesses) {
  constexpr int kProcesses = 6;
  constexpr int kRounds = 60;
  std::vector<pid_t> children;
  for (int process = 0; process < kProcesses; ++process) {
    const pid_t child = ::fork();
    if (child == 0) {
      // Every process writes its own image under two keys and reads what any of them wrote.
      for (int round = 0; round < kRounds; ++round) {
        const std::string key = round % 2 == 0 ? "even" : "odd";
        if (!cache().store(key, image_of(process, 20'000)).empty()) ::_exit(1);
        const auto found = cache().load(key);
        if (!found || found->size() != 20'000) ::_exit(2);
        bool is_known = false;
        for (int other = 0; other < kProcesses; ++other) {
          is_known = is_known || *found == image_of(other, 20'000);
        }
        if (!is_known) ::_exit(3);
      }
      ::_exit(0);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << WEXITSTATUS(status);
  }
  EXPECT_EQ(std::distance(fs::directory_iterator(cache().folder()), {}), 2);
}

TEST_F(DiskCacheTest, SurvivesAProcessThatIsKilled) {
  const pid_t child = ::fork();
  if (child == 0) {
    for (int round = 0;; ++round) (void)cache().store("key", image_of(round, 50'000));
  }
  while (!cache().load("key")) ::usleep(1000);
  for (int check = 0; check < 50; ++check) {
    ::usleep(500);
    EXPECT_TRUE(cache().load("key"));
  }
  ::kill(child, SIGKILL);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(cache().load("key"));
  EXPECT_EQ(cache().store("key", image_of(0, 10)), "");
  EXPECT_EQ(cache().load("key"), image_of(0, 10));
}

TEST_F(DiskCacheTest, FollowsTheEnvironment) {
  const int status = status_of_child([] {
    ::setenv("HOME", "/home/someone", 1);
    ::unsetenv("XDG_CACHE_HOME");
    ::unsetenv("FLASHRNN_CACHE_DIR");
    if (DiskCache::default_folder() != "/home/someone/.cache/flashrnn") return 1;
    ::setenv("XDG_CACHE_HOME", "/xdg", 1);
    if (DiskCache::default_folder() != "/xdg/flashrnn") return 2;
    ::setenv("FLASHRNN_CACHE_DIR", "/own", 1);
    if (DiskCache::default_folder() != "/own") return 3;
    ::setenv("FLASHRNN_CACHE_DIR", "", 1);
    return DiskCache::default_folder().empty() ? 0 : 4;
  });
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace flashrnn::cuda
