// SPDX-License-Identifier: Apache-2.0
#include "cuda/modules/nvrtc.hpp"

#include <fmt/format.h>

#include "api/error.hpp"
#include "cuda/modules/optional_library.hpp"

namespace flashrnn::cuda {

namespace {

// As nvrtc.h declares them; a pointer and an enum of int.
using Program = void*;
constexpr int kSuccess = 0;

struct Nvrtc {
  int (*version)(int*, int*) = nullptr;
  const char* (*error_string)(int) = nullptr;
  int (*create)(Program*, const char*, const char*, int, const char* const*,
                const char* const*) = nullptr;
  int (*destroy)(Program*) = nullptr;
  int (*compile)(Program, int, const char* const*) = nullptr;
  int (*cubin_size)(Program, size_t*) = nullptr;
  int (*cubin)(Program, char*) = nullptr;
  int (*ptx_size)(Program, size_t*) = nullptr;
  int (*ptx)(Program, char*) = nullptr;
  int (*log_size)(Program, size_t*) = nullptr;
  int (*log)(Program, char*) = nullptr;
  int major = 0, minor = 0;
  std::string refusal;  // "": usable
};

Nvrtc load() {
  OptionalLibrary library({"libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so"});
  Nvrtc api;
  const auto find = [&](auto& function, const char* name) {
    library.find(function, name, "CUDA 12.0 or newer");
  };
  find(api.version, "nvrtcVersion");
  find(api.error_string, "nvrtcGetErrorString");
  find(api.create, "nvrtcCreateProgram");
  find(api.destroy, "nvrtcDestroyProgram");
  find(api.compile, "nvrtcCompileProgram");
  find(api.cubin_size, "nvrtcGetCUBINSize");
  find(api.cubin, "nvrtcGetCUBIN");
  find(api.ptx_size, "nvrtcGetPTXSize");
  find(api.ptx, "nvrtcGetPTX");
  find(api.log_size, "nvrtcGetProgramLogSize");
  find(api.log, "nvrtcGetProgramLog");
  api.refusal = library.refusal;
  if (api.refusal.empty() && api.version(&api.major, &api.minor) != kSuccess) {
    api.refusal = "nvrtcVersion failed";
  }
  return api;
}

const Nvrtc& nvrtc() {
  static const Nvrtc api = load();
  return api;
}

void check(int result, const char* call) {
  if (result != kSuccess) fail(Status::kDeviceError, "{}: {}", call, nvrtc().error_string(result));
}

struct OwnedProgram {
  Program program = nullptr;
  OwnedProgram() = default;
  OwnedProgram(const OwnedProgram&) = delete;
  OwnedProgram& operator=(const OwnedProgram&) = delete;
  ~OwnedProgram() {
    if (program != nullptr) (void)nvrtc().destroy(&program);
  }
};

std::string log_of(Program program) {
  size_t size = 0;
  if (nvrtc().log_size(program, &size) != kSuccess || size <= 1) return "no log";
  std::string text(size, '\0');
  if (nvrtc().log(program, text.data()) != kSuccess) return "no log";
  text.resize(size - 1);
  return text;
}

}  // namespace

bool has_nvrtc() { return nvrtc().refusal.empty(); }

std::string nvrtc_state() {
  return has_nvrtc() ? fmt::format("{}.{}", nvrtc().major, nvrtc().minor) : nvrtc().refusal;
}

std::vector<char> nvrtc_compile(std::span<const EmbeddedSource> sources,
                                const std::string& architecture,
                                const std::vector<std::string>& options) {
  if (!has_nvrtc()) fail(Status::kUnsupported, "no run-time compiler: {}", nvrtc().refusal);
  if (sources.empty()) fail(Status::kUnsupported, "this build has no device sources to compile");
  std::vector<const char*> texts;
  std::vector<const char*> names;
  for (const EmbeddedSource& source : sources.subspan(1)) {
    texts.push_back(source.text);
    names.push_back(source.include_name);
  }
  OwnedProgram owned;
  check(nvrtc().create(&owned.program, sources[0].text, sources[0].include_name,
                       static_cast<int>(texts.size()), texts.data(), names.data()),
        "nvrtcCreateProgram");
  std::vector<std::string> all = {"--gpu-architecture=" + architecture, "--std=c++20",
                                  // The geometry is shared with the host, without annotations.
                                  "--device-as-default-execution-space"};
  all.insert(all.end(), options.begin(), options.end());
  std::vector<const char*> arguments;
  for (const std::string& option : all) arguments.push_back(option.c_str());
  const int result =
      nvrtc().compile(owned.program, static_cast<int>(arguments.size()), arguments.data());
  if (result != kSuccess) {
    fail(Status::kUnsupported, "the run-time compiler says of {} for {}: {}: {}",
         sources[0].include_name, architecture, nvrtc().error_string(result),
         log_of(owned.program));
  }
  size_t size = 0;
  if (architecture.starts_with("compute_")) {
    check(nvrtc().ptx_size(owned.program, &size), "nvrtcGetPTXSize");
    std::vector<char> ptx(size);
    check(nvrtc().ptx(owned.program, ptx.data()), "nvrtcGetPTX");
    return ptx;
  }
  check(nvrtc().cubin_size(owned.program, &size), "nvrtcGetCUBINSize");
  std::vector<char> cubin(size);
  check(nvrtc().cubin(owned.program, cubin.data()), "nvrtcGetCUBIN");
  return cubin;
}

}  // namespace flashrnn::cuda
