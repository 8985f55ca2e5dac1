// SPDX-License-Identifier: Apache-2.0
// The version of a card's driver, which its times depend on.
#pragma once

#include <string>

namespace flashrnn::bench {

// Of NVIDIA's kernel module, as it tells it in /proc ("" where there is none).
std::string nvidia_driver();
// Of the text there: its first word of numbers and dots.
std::string nvidia_driver_in(const std::string& text);

}  // namespace flashrnn::bench
