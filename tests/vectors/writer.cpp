// SPDX-License-Identifier: Apache-2.0
#include "writer.hpp"

#include <bit>
#include <functional>
#include <numeric>
#include <stdexcept>

#include "dtype.hpp"

namespace flashrnn::test {

static_assert(std::endian::native == std::endian::little, "vectors.bin is little-endian");

VectorWriter::VectorWriter(const std::string& folder)
    : text_(folder + "/vectors.txt"), binary_(folder + "/vectors.bin", std::ios::binary) {
  if (!text_ || !binary_) throw std::runtime_error(folder + " cannot be written to");
  text_.precision(17);
  text_ << "flashrnn-vectors 1\n";
}

void VectorWriter::begin(const std::string& name, const flashrnn_problem& p) {
  text_ << "case " << name << "\n"
        << "set cell " << p.cell << "\nset mode " << p.mode << "\nset batch " << p.batch
        << "\nset time " << p.time << "\nset heads " << p.heads << "\nset head_dim " << p.head_dim
        << "\nset dtype " << p.dtype << "\nset weight_dtype " << p.weight_dtype
        << "\nset state_dtype " << p.state_dtype << "\nset flags " << p.flags
        << "\nset forward_clip " << p.forward_clip << "\nset recurrent_gradient_clip "
        << p.recurrent_gradient_clip << "\nset threads " << p.threads << "\n";
}

void VectorWriter::bound(const char* kind, double value) {
  text_ << "bound " << kind << " " << value << "\n";
}

void VectorWriter::tensor(const char* call, const char* role, const char* name,
                          flashrnn_dtype dtype, const std::vector<int64_t>& shape,
                          const std::vector<double>& values) {
  const int64_t count =
      std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<>());
  if (values.empty() && count > 0) return;
  if (values.size() != static_cast<size_t>(count))
    throw std::logic_error(std::string(name) + " has not the values of its shape");
  text_ << "tensor " << call << " " << role << " " << name << " " << dtype << " " << offset_;
  for (const int64_t size : shape) text_ << " " << size;
  text_ << "\n";

  std::vector<char> bytes((values.size() * size_of(dtype) + 7) / 8 * 8);
  for (size_t i = 0; i < values.size(); ++i)
    store(values[i], dtype, bytes.data() + i * size_of(dtype));
  binary_.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  offset_ += bytes.size();
}

void VectorWriter::end() { text_ << "end\n"; }

void VectorWriter::close() {
  text_.close();
  binary_.close();
  if (!text_ || !binary_) throw std::runtime_error("the vectors could not be written in full");
}

}  // namespace flashrnn::test
