// SPDX-License-Identifier: Apache-2.0
#include "driver.hpp"

#include <fstream>
#include <sstream>

namespace flashrnn::bench {

std::string nvidia_driver_in(const std::string& text) {
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    if (word[0] >= '0' && word[0] <= '9' && word.find('.') != std::string::npos &&
        word.find_first_not_of("0123456789.") == std::string::npos)
      return word;
  }
  return "";
}

std::string nvidia_driver() {
  std::ostringstream text;
  text << std::ifstream("/proc/driver/nvidia/version").rdbuf();
  return nvidia_driver_in(text.str());
}

}  // namespace flashrnn::bench
