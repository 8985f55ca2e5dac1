// SPDX-License-Identifier: Apache-2.0
#include "run_one.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <limits>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "flashrnn/flashrnn.h"

namespace flashrnn::test {
namespace {

[[noreturn]] void broken(const char* what) {
  std::fprintf(stderr, "broken promise: %s\nlast message: %s\n", what,
               flashrnn_last_error_message());
  std::abort();
}

// The input, read from the front; zeros once it is used up.
class Bytes {
 public:
  Bytes(const uint8_t* data, size_t size) : data_(data), size_(size) {}
  uint8_t byte() { return at_ < size_ ? data_[at_++] : 0; }
  template <class T>
  T value() {
    T result{};
    unsigned char bytes[sizeof(T)];
    for (size_t k = 0; k < sizeof(T); ++k) bytes[k] = byte();
    std::memcpy(&result, bytes, sizeof result);
    return result;
  }
  // Mostly a usual value, now and then a strange one.
  int64_t size(int64_t usual) {
    const uint8_t kind = byte();
    if (kind < 0xe0) return 1 + kind % usual;
    static constexpr int64_t kStrange[] = {0,
                                           -1,
                                           1 << 20,
                                           int64_t{1} << 31,
                                           int64_t{1} << 40,
                                           std::numeric_limits<int64_t>::max(),
                                           std::numeric_limits<int64_t>::min()};
    return kind < 0xf8 ? kStrange[kind % 7] : value<int64_t>();
  }
  int32_t choice(int32_t count) {
    const uint8_t kind = byte();
    return kind < 0xf0 ? kind % count : kind < 0xf8 ? kind - 0xf4 : value<int32_t>();
  }
  double clip() {
    const uint8_t kind = byte();
    return kind < 0x80 ? 0.0 : kind < 0xf0 ? kind / 256.0 : value<double>();
  }

 private:
  const uint8_t* data_;
  size_t size_, at_ = 0;
};

flashrnn_device device() {
  static const flashrnn_device handle = [] {
    flashrnn_device opened = nullptr;
    if (flashrnn_device_open(FLASHRNN_BACKEND_CPU, 0, &opened) != FLASHRNN_OK)
      broken("the CPU opens");
    return opened;
  }();
  return handle;
}

void expect_documented(flashrnn_status status) {
  if (status < FLASHRNN_OK || status >= FLASHRNN_INTERNAL)
    broken("a documented status, and no fault of the library");
  if (status != FLASHRNN_OK && flashrnn_last_error_message()[0] == '\0')
    broken("a failure has a message");
}

// Strides of the fuzzer's choice, and memory that holds just what they reach.
class Operand {
 public:
  Operand(Bytes& in, const std::vector<int64_t>& shape, flashrnn_dtype dtype, bool optional) {
    size_ = flashrnn_dtype_size(dtype);
    const uint8_t kind = in.byte();
    if (optional && kind % 5 == 0) return;
    tensor_.dtype = kind % 3 == 0 ? 0 : kind > 0xf8 ? in.value<int32_t>() : dtype;
    if (kind > 0xfc) tensor_.reserved = in.byte();
    std::vector<int64_t> packed(shape.size());
    int64_t stride = 1;
    for (size_t k = shape.size(); k-- > 0;) {
      packed[k] = stride;
      stride *= std::max<int64_t>(shape[k], 1);
    }
    if (kind % 4 != 0) {
      for (size_t k = 0; k < shape.size(); ++k) {
        const uint8_t way = in.byte();
        tensor_.stride[k] = way < 0x60   ? packed[k]
                            : way < 0xa0 ? -packed[k]
                            : way < 0xc0 ? packed[k] * 2
                            : way < 0xe0 ? 0
                            : way < 0xf4 ? static_cast<int8_t>(in.byte())
                                         : in.value<int64_t>();
      }
    }
    // What a call that accepts this may reach. Beyond a megabyte nothing is run.
    const bool is_packed = std::all_of(tensor_.stride, tensor_.stride + FLASHRNN_MAX_AXES,
                                       [](int64_t s) { return s == 0; });
    __int128 low = 0, high = 0;
    for (size_t k = 0; k < shape.size(); ++k) {
      const __int128 span = static_cast<__int128>(is_packed ? packed[k] : tensor_.stride[k]) *
                            std::max<int64_t>(shape[k] - 1, 0);
      (span < 0 ? low : high) += span;
    }
    fits_ = high - low < (1 << 18);
    if (!fits_) return;
    bytes_.assign(static_cast<size_t>(high - low + 1) * size_, 0);
    for (uint8_t& byte : bytes_)
      byte = static_cast<uint8_t>(0x30 + in.byte() % 16);  // small numbers of any dtype
    tensor_.data = bytes_.data() + static_cast<size_t>(-low) * size_;
    if (kind == 0xf7 && size_ > 1) tensor_.data = static_cast<char*>(tensor_.data) + 1;
  }
  bool fits() const { return fits_; }
  const flashrnn_tensor& tensor() const { return tensor_; }
  flashrnn_tensor& tensor() { return tensor_; }
  std::vector<uint8_t>& bytes() { return bytes_; }
  const std::vector<uint8_t>& bytes() const { return bytes_; }

 private:
  flashrnn_tensor tensor_{};
  size_t size_ = 0;
  bool fits_ = true;
  std::vector<uint8_t> bytes_;  // of its own allocation, so that AddressSanitizer guards its ends
};

struct AlignedBytes {
  explicit AlignedBytes(size_t wanted)
      : size(wanted), data(std::aligned_alloc(256, (wanted + 256) / 256 * 256)) {
    if (data == nullptr) broken("the machine has memory for a small problem");
    std::memset(data, 0xff, (wanted + 256) / 256 * 256);
  }
  ~AlignedBytes() { std::free(data); }
  AlignedBytes(const AlignedBytes&) = delete;
  AlignedBytes& operator=(const AlignedBytes&) = delete;
  size_t size;
  void* data;
};

flashrnn_problem read_problem(Bytes& in) {
  flashrnn_problem p{};
  p.struct_size = in.byte() < 0xf8 ? sizeof p : static_cast<size_t>(in.byte());
  p.cell = 1 + in.choice(6);
  p.mode = in.choice(4);
  p.batch = in.size(5);
  const int64_t time = in.size(6);
  p.time = time > 0 ? time - 1 : time;
  p.heads = in.size(3);
  p.head_dim = in.size(20);
  p.dtype = in.choice(5);
  const bool same = in.byte() < 0xc0;
  p.weight_dtype = same ? 0 : in.choice(5);
  p.state_dtype = same ? 0 : in.choice(5);
  p.flags = in.byte() < 0xf0 ? in.byte() & 31u : in.value<uint32_t>();
  p.forward_clip = in.clip();
  p.recurrent_gradient_clip = in.clip();
  p.threads = in.byte() < 0xf0 ? 1 + in.byte() % 2 : in.value<int32_t>();
  p.reserved = in.byte() > 0xfc ? in.byte() : 0;
  return p;
}

// No forced configuration, one that a CPU may allow, or any text.
std::string read_config(Bytes& in) {
  static const char* const kUsual[] = {"kernel=0",
                                       "kernel=1,isa=0",
                                       "isa=1",
                                       "isa=2",
                                       "batch_tile=1",
                                       "batch_tile=2",
                                       "batch_tile=4,kernel=1,isa=0",
                                       "product=1"};
  const uint8_t kind = in.byte();
  if (kind < 0x60) return "";
  if (kind < 0xf0) return kUsual[kind % std::size(kUsual)];
  std::string text(in.byte() % 40, ' ');
  for (char& letter : text) letter = static_cast<char>(in.byte());
  return text;
}

// What a run of this problem is given.
class Run {
 public:
  Run(Bytes& in, const flashrnn_problem& p, const flashrnn_plan_sizes& sizes)
      : forward_workspace(sizes.forward_workspace),
        backward_workspace(sizes.backward_workspace),
        saved(sizes.saved) {
    flashrnn_cell_info cell{};
    cell.struct_size = sizeof cell;
    flashrnn_get_cell_info(p.cell, &cell);
    const flashrnn_dtype dtype = p.dtype != 0 ? p.dtype : FLASHRNN_FLOAT32;
    const flashrnn_dtype weight = p.weight_dtype != 0 ? p.weight_dtype : dtype;
    const flashrnn_dtype state = p.state_dtype != 0 ? p.state_dtype : dtype;
    const int64_t B = p.batch, T = p.time, N = p.heads, D = p.head_dim, S = cell.states;
    const bool is_inference = p.mode == FLASHRNN_MODE_INFERENCE;
    const auto make = [&](const std::vector<int64_t>& shape, flashrnn_dtype of, bool optional) {
      all.push_back(std::make_unique<Operand>(in, shape, of, optional));
      return all.back().get();
    };
    wx = make({B, T, cell.input_gates, N, D}, dtype, false);
    r = make({cell.recurrent_gates, N, D, D}, weight, false);
    bias = make({cell.bias_gates, N, D}, weight, true);
    initial = make({S, B, N, D}, state, true);
    lengths = make({B}, FLASHRNN_INT32, (p.flags & FLASHRNN_LENGTHS) == 0);
    if ((p.flags & FLASHRNN_LENGTHS) == 0 && in.byte() < 0xf0) lengths->tensor().data = nullptr;
    // Its memory is for 32 bits. Mostly in range.
    if (lengths->tensor().dtype == FLASHRNN_INT64) lengths->tensor().dtype = FLASHRNN_INT32;
    for (size_t k = 0; k < lengths->bytes().size() / 4; ++k) {
      const int32_t length =
          in.byte() < 0xf0 ? static_cast<int32_t>(in.byte() % (T + 1)) : in.value<int32_t>();
      std::memcpy(&lengths->bytes()[4 * k], &length, 4);
    }
    resets = make({T, B}, FLASHRNN_UINT8, (p.flags & FLASHRNN_RESETS) == 0);
    if ((p.flags & FLASHRNN_RESETS) == 0 && in.byte() < 0xf0) resets->tensor().data = nullptr;
    for (uint8_t& reset : resets->bytes()) reset = in.byte() > 0xc0;
    h = make({B, T, N, D}, dtype, is_inference);
    states = make({S, B, T, N, D}, dtype, true);
    last = make({S, B, N, D}, state, true);
    d_h = make({B, T, N, D}, dtype, true);
    d_states = make({S, B, T, N, D}, dtype, true);
    d_last = make({S, B, N, D}, state, true);
    d_wx = make({B, T, cell.input_gates, N, D}, dtype, true);
    d_r = make({cell.recurrent_gates, N, D, D}, weight, true);
    d_bias = make({cell.bias_gates, N, D}, weight, true);
    d_initial = make({S, B, N, D}, state, true);
    if (in.byte() > 0xf0) h->tensor().data = wx->tensor().data;  // an overlap
    if (in.byte() > 0xf0) d_wx->tensor().data = h->tensor().data;
    workspace_short = in.byte() > 0xf0 ? in.byte() : 0;
    run_flags = in.byte() > 0xf0 ? in.byte() : 0;
  }

  bool fits() const {
    return std::all_of(all.begin(), all.end(), [](const auto& operand) { return operand->fits(); });
  }
  // All bytes of all tensors.
  std::vector<uint8_t> bytes() const {
    std::vector<uint8_t> result;
    for (const auto& operand : all)
      result.insert(result.end(), operand->bytes().begin(), operand->bytes().end());
    return result;
  }

  flashrnn_status forward(flashrnn_plan plan) const {
    flashrnn_forward_args args{};
    args.struct_size = sizeof args;
    args.wx = wx->tensor(), args.r = r->tensor(), args.bias = bias->tensor();
    args.initial_states = initial->tensor(), args.lengths = lengths->tensor(),
    args.resets = resets->tensor();
    args.h = h->tensor(), args.states = states->tensor(), args.last_states = last->tensor();
    args.workspace = forward_workspace.data;
    args.workspace_size =
        forward_workspace.size - std::min(forward_workspace.size, workspace_short);
    args.saved = saved.data, args.saved_size = saved.size;
    args.run_flags = run_flags & ~1u;
    return flashrnn_forward(plan, &args);
  }
  flashrnn_status backward(flashrnn_plan plan) const {
    flashrnn_backward_args args{};
    args.struct_size = sizeof args;
    args.wx = wx->tensor(), args.r = r->tensor(), args.bias = bias->tensor();
    args.initial_states = initial->tensor(), args.lengths = lengths->tensor(),
    args.resets = resets->tensor();
    args.h = h->tensor(), args.d_h = d_h->tensor(), args.d_states = d_states->tensor();
    args.d_last_states = d_last->tensor(), args.d_wx = d_wx->tensor(), args.d_r = d_r->tensor();
    args.d_bias = d_bias->tensor(), args.d_initial_states = d_initial->tensor();
    args.workspace = backward_workspace.data, args.workspace_size = backward_workspace.size;
    args.saved = saved.data, args.saved_size = saved.size;
    return flashrnn_backward(plan, &args);
  }

 private:
  std::vector<std::unique_ptr<Operand>> all;
  Operand *wx, *r, *bias, *initial, *lengths, *resets, *h, *states, *last;
  Operand *d_h, *d_states, *d_last, *d_wx, *d_r, *d_bias, *d_initial;
  AlignedBytes forward_workspace, backward_workspace, saved;
  size_t workspace_short = 0;
  uint32_t run_flags = 0;
};

Reached run_plan(Bytes& in, const flashrnn_problem& problem, flashrnn_plan plan) {
  flashrnn_plan_sizes sizes{};
  sizes.struct_size = sizeof sizes;
  if (flashrnn_plan_get_sizes(plan, &sizes) != FLASHRNN_OK) broken("a plan has sizes");
  // Whatever was accepted has sizes that are sizes; only what is small is run.
  const __int128 elements =
      static_cast<__int128>(problem.batch) * (problem.time + 1) * problem.heads * problem.head_dim;
  const __int128 weights =
      static_cast<__int128>(problem.heads) * problem.head_dim * problem.head_dim;
  if (elements > 4096 || weights > 4096 || sizes.alignment > 256) return Reached::kPlanned;
  if (sizes.forward_workspace + sizes.backward_workspace + sizes.saved > (size_t{1} << 26)) {
    return Reached::kPlanned;
  }
  const Run run(in, problem, sizes);
  if (!run.fits()) return Reached::kPlanned;
  const std::vector<uint8_t> before = run.bytes();
  flashrnn_status status = run.forward(plan);
  expect_documented(status);
  if (status != FLASHRNN_OK) {
    if (run.bytes() != before) broken("a refused forward writes nothing");
    return Reached::kPlanned;
  }
  const std::vector<uint8_t> between = run.bytes();
  status = run.backward(plan);
  expect_documented(status);
  if (status != FLASHRNN_OK && run.bytes() != between) broken("a refused backward writes nothing");
  return status == FLASHRNN_OK ? Reached::kBackward : Reached::kForward;
}

}  // namespace

Reached run_one(const uint8_t* data, size_t size) {
  Bytes in(data, size);
  flashrnn_problem problem = read_problem(in);
  const std::string config = read_config(in);
  if (!config.empty()) problem.config = config.c_str();
  // A struct may tell that it is longer than what is known of it: the library reads all of it, up
  // to the largest size that it takes.
  std::vector<std::max_align_t> memory(65536 / sizeof(std::max_align_t));
  const auto* given = new (memory.data()) flashrnn_problem(problem);
  flashrnn_plan plan = nullptr;
  const flashrnn_status status = flashrnn_plan_create(device(), given, &plan);
  expect_documented(status);
  if (status != FLASHRNN_OK) {
    if (plan != nullptr) broken("a refused plan_create writes nothing");
    return Reached::kRefused;
  }
  const Reached reached = run_plan(in, problem, plan);
  if (flashrnn_plan_close(plan) != FLASHRNN_OK) broken("a plan closes");
  return reached;
}

}  // namespace flashrnn::test
