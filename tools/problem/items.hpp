// SPDX-License-Identifier: Apache-2.0
// The items of the grammar, shared by the parser and the printer.
#pragma once

#include <string>
#include <string_view>

#include "problem_text.hpp"

namespace flashrnn::problem_text {

// "key=value", whichever way it was written: "b16" is {"b", "16"}, "fp32" is {"dtype", "fp32"}.
struct Item {
  std::string key;
  std::string value;
};

// Brings an item to its key and value; false when the text is none. message then says why.
bool normalise(std::string_view text, Item& item, std::string& message);

// Sets one field; "" or what is wrong, as "value and rule".
std::string apply(const Item& item, Problem& problem);

// Rules that join several items; "" or what is wrong.
std::string check_whole(const Problem& problem);

}  // namespace flashrnn::problem_text
