// SPDX-License-Identifier: Apache-2.0
#include "golden.hpp"

#include <fstream>
#include <map>
#include <sstream>
#include <stdexcept>

namespace flashrnn::test {
namespace {

using Tensors = std::map<std::string, std::vector<double>>;
using Numbers = std::map<std::string, double>;

// "tensor name n0 n1 ..." has been read up to the name; `rest` holds the dimensions.
std::vector<double> read_values(std::istream& file, std::istringstream& rest) {
  size_t size = 1;
  for (size_t dim = 0; rest >> dim;) size *= dim;
  std::vector<double> values(size);
  std::string token;
  for (double& value : values) {
    if (!(file >> token)) throw std::runtime_error("golden file ends within a tensor");
    value = std::stod(token);
  }
  return values;
}

template <class Integer>
std::vector<Integer> whole(const std::vector<double>& values) {
  std::vector<Integer> result;
  result.reserve(values.size());
  for (const double value : values) result.push_back(static_cast<Integer>(value));
  return result;
}

GoldenCase make_case(const std::string& name, const Numbers& n, const Tensors& tensors) {
  const auto tensor = [&](const char* key) {
    const auto found = tensors.find(key);
    return found == tensors.end() ? std::vector<double>{} : found->second;
  };
  GoldenCase c;
  c.name = name;
  c.problem.batch = static_cast<int64_t>(n.at("batch"));
  c.problem.time = static_cast<int64_t>(n.at("time"));
  c.problem.heads = static_cast<int64_t>(n.at("heads"));
  c.problem.head_dim = static_cast<int64_t>(n.at("head_dim"));
  c.problem.reverse = n.at("reverse") != 0;
  c.problem.cut_recurrent_gradient = n.at("cut_recurrent_gradient") != 0;
  c.problem.forward_clip = n.at("forward_clip");
  c.problem.recurrent_gradient_clip = n.at("recurrent_gradient_clip");
  c.inputs = {tensor("wx"),
              tensor("r"),
              tensor("bias"),
              tensor("initial_states"),
              whole<int64_t>(tensor("lengths")),
              whole<uint8_t>(tensor("resets"))};
  c.gradients = {tensor("d_h"), tensor("d_states"), tensor("d_last_states")};
  c.expected_outputs = {tensor("h"), tensor("states"), tensor("last_states")};
  c.expected_gradients = {tensor("d_wx"), tensor("d_r"), tensor("d_bias"),
                          tensor("d_initial_states")};
  return c;
}

}  // namespace

std::vector<GoldenCase> read_golden(const std::string& folder, const std::string& cell) {
  std::string path = folder;
  path.append("/").append(cell).append(".golden");
  std::ifstream file(path);
  if (!file) throw std::runtime_error("no golden file " + path);
  std::vector<GoldenCase> cases;
  std::string line, name;
  Numbers numbers;
  Tensors tensors;
  while (std::getline(file, line)) {
    std::istringstream words(line);
    std::string key;
    if (!(words >> key) || key[0] == '#' || key == "cell") continue;
    if (key == "case") {
      words >> name;
      numbers.clear();
      tensors.clear();
    } else if (key == "tensor") {
      std::string tensor;
      words >> tensor;
      tensors[tensor] = read_values(file, words);
    } else if (key == "end") {
      cases.push_back(make_case(name, numbers, tensors));
    } else if (!(words >> numbers[key])) {
      throw std::runtime_error(path + ": cannot read a line");
    }
  }
  return cases;
}

}  // namespace flashrnn::test
