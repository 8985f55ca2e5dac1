// SPDX-License-Identifier: Apache-2.0
// Without a GPU the cuda backend is refused with a reason that a reader can act on, and the CPU
// still works. Where there is a device, exit status 77: skipped.
#include <cstdio>
#include <cstring>
#include <string>

#include "flashrnn/flashrnn.h"

namespace {

int failures = 0;

void expect(bool holds, const char* what, const std::string& seen) {
  if (holds) return;
  std::fprintf(stderr, "%s\nseen: %s\n", what, seen.c_str());
  ++failures;
}

}  // namespace

int main() {
  flashrnn_device device = nullptr;
  const flashrnn_status status = flashrnn_device_open(FLASHRNN_BACKEND_CUDA, 0, &device);
  if (status == FLASHRNN_OK) {
    flashrnn_device_close(device);
    std::puts("skipped: there is a CUDA device here");
    return 77;
  }
  const std::string message = flashrnn_last_error_message();
  expect(status == FLASHRNN_DEVICE_UNAVAILABLE, "the status must be DEVICE_UNAVAILABLE",
         flashrnn_status_name(status));
  expect(message.find("driver") != std::string::npos ||
             message.find("compute capability") != std::string::npos,
         "the message must name the driver or the card", message);
  expect(message.find("not in this build") == std::string::npos, "the backend is in this build",
         message);

  char text[4096];
  expect(flashrnn_describe_backends(text, sizeof text, nullptr) == FLASHRNN_OK, "describe_backends",
         flashrnn_last_error_message());
  expect(
      std::strstr(text, "driver") != nullptr || std::strstr(text, "compute capability") != nullptr,
      "the list of backends must give the reason", text);

  expect(flashrnn_device_open(FLASHRNN_BACKEND_BEST, 0, &device) == FLASHRNN_OK,
         "the CPU must open", flashrnn_last_error_message());
  flashrnn_device_info info{};
  info.struct_size = sizeof info;
  expect(flashrnn_device_get_info(device, &info) == FLASHRNN_OK &&
             info.backend != FLASHRNN_BACKEND_CUDA,
         "the best device must be another", info.backend_name);
  flashrnn_device_close(device);
  std::printf("%s\n", message.c_str());
  return failures == 0 ? 0 : 1;
}
