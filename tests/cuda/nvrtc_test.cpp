// SPDX-License-Identifier: Apache-2.0
// The run-time compiler needs no GPU, only its library.
#include "cuda/modules/nvrtc.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "api/error.hpp"
#include "cuda/modules/fused_image.hpp"
#include "cuda/modules/fused_text.hpp"

namespace flashrnn::cuda {
namespace {

namespace fs = std::filesystem;

class NvrtcTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!has_nvrtc()) GTEST_SKIP() << nvrtc_state();
  }
};

bool is_elf(const std::vector<char>& bytes) {
  return bytes.size() > 64 && std::memcmp(bytes.data(), "\177ELF", 4) == 0;
}

constexpr EmbeddedSource kTrivial[] = {
    {"folder/kernel.cu",
     "#include \"folder/number.hpp\"\n"
     "extern \"C\" __global__ void kernel(int* p) { *p = kNumber; }\n"},
    {"folder/number.hpp", "#pragma once\nconstexpr int kNumber = SOME_MACRO;\n"}};

TEST_F(NvrtcTest, CompilesForEveryArchitecture) {
  for (const char* architecture : {"sm_80", "sm_86", "sm_89", "sm_90a", "sm_100", "sm_120"}) {
    EXPECT_TRUE(is_elf(nvrtc_compile(kTrivial, architecture, {"-DSOME_MACRO=7"}))) << architecture;
  }
}

TEST_F(NvrtcTest, SaysWhatIsWrong) {
  try {
    nvrtc_compile(kTrivial, "sm_90a", {"-DSOME_MACRO=nonsense"});
    FAIL() << "nonsense was compiled";
  } catch (const Error& error) {
    EXPECT_EQ(error.status(), Status::kUnsupported);
    EXPECT_NE(std::string(error.what()).find("nonsense"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("folder/kernel.cu"), std::string::npos)
        << error.what();
  }
}

// A shape that no grid has goes through the compiler once and comes from the disk after that.
TEST_F(NvrtcTest, SpecialisesAFusedKernelOnce) {
  if (embedded_sources().empty()) GTEST_SKIP() << "this build has no fused kernels";
  std::string folder = (fs::temp_directory_path() / "flashrnn-nvrtc-XXXXXX").string();
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  ::setenv("FLASHRNN_CACHE_DIR", folder.c_str(), 1);
  for (const int is_backward : {0, 1}) {
    const gpu::FusedConfig config{3, 3, is_backward, gpu::kDirect, 16, 8, 16, 1, 2, 1};
    ASSERT_EQ(find_embedded(config, "sm_90a"), nullptr);
    const FusedImage first = find_image(config, "sm_90a");
    EXPECT_STREQ(first.origin, "compiled");
    const FusedImage second = find_image(config, "sm_90a");
    EXPECT_STREQ(second.origin, "disk cache");
    ASSERT_EQ(first.size, second.size);
    EXPECT_EQ(std::memcmp(first.data.get(), second.data.get(), first.size), 0);
    // The entry point's name is in the symbol table.
    const std::string bytes(static_cast<const char*>(first.data.get()), first.size);
    EXPECT_NE(bytes.find(fused_entry(config)), std::string::npos);
    EXPECT_STREQ(find_image(config, "sm_100").origin, "compiled")
        << "the architecture is part of the key";
  }
  ::unsetenv("FLASHRNN_CACHE_DIR");
  fs::remove_all(folder);
}

TEST(ImageKey, TellsConfigurationsApart) {
  const gpu::FusedConfig config{1, 2, 0, 1, 64, 8, 64, 1, 1, 1};
  const std::string key = image_key(config, "sm_90a");
  EXPECT_NE(key, image_key(config, "sm_100"));
  for (int gpu::FusedConfig::*field :
       {&gpu::FusedConfig::cell, &gpu::FusedConfig::dtype, &gpu::FusedConfig::is_backward,
        &gpu::FusedConfig::family, &gpu::FusedConfig::head_dim, &gpu::FusedConfig::columns,
        &gpu::FusedConfig::units, &gpu::FusedConfig::depth_warps, &gpu::FusedConfig::min_ctas,
        &gpu::FusedConfig::cluster}) {
    gpu::FusedConfig other = config;
    ++(other.*field);
    EXPECT_NE(key, image_key(other, "sm_90a"));
  }
}

}  // namespace
}  // namespace flashrnn::cuda
