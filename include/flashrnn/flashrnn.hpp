// SPDX-License-Identifier: Apache-2.0
// FlashRNN for C++20: owners, exceptions and checked views over the C ABI of flashrnn.h, and
// nothing besides it.
//
// Axes      B batch, T time, N heads, D head dimension, S states (state 0 is h); Gi, Gr and Gb
// input,
//           recurrent and bias gates.
// Names     Enumerators are those of flashrnn.h: a second list here would have to follow it.
// Owners    Device, Stream, Event, Plan and Buffer close what they hold; they can be moved, not
//           copied. A Plan, Stream or Event may outlive its Device, a Buffer may not.
// Errors    Every failed call throws Error, which carries the status and the library's message.
// Views     Input and Output are made implicitly from contiguous ranges (std::vector, std::span,
//           Buffer), and then are packed in the order of axes that the argument states.
//           Input(range, {strides...}) and strided(pointer, {strides...}) take any other layout.
//           Ranges are checked against the plan's shape, which a bare pointer cannot be.
// Threads   As in flashrnn.h: a Plan is shared by any number, each with its own Memory and outputs.
#ifndef FLASHRNN_FLASHRNN_HPP_
#define FLASHRNN_FLASHRNN_HPP_

#include <flashrnn/device.hpp>
#include <flashrnn/tensor.hpp>
#include <string>

namespace flashrnn {

// What a plan is made for: Problem(FLASHRNN_LSTM).batch(8).time(100).heads(4, 64).reverse().
class Problem {
 public:
  explicit Problem(flashrnn_cell cell) {
    c_.struct_size = sizeof c_;
    c_.cell = cell;
    c_.batch = c_.heads = 1;
  }
  Problem& mode(flashrnn_mode mode) { return c_.mode = mode, *this; }
  Problem& batch(std::int64_t batch) { return c_.batch = batch, *this; }
  Problem& time(std::int64_t time) { return c_.time = time, *this; }
  Problem& heads(std::int64_t count, std::int64_t dim) {
    return c_.heads = count, c_.head_dim = dim, *this;
  }
  // wx, h, states and their gradients; r, bias and theirs; initial and last states and theirs.
  Problem& dtypes(flashrnn_dtype tensors, flashrnn_dtype weights = FLASHRNN_DTYPE_DEFAULT,
                  flashrnn_dtype states = FLASHRNN_DTYPE_DEFAULT) {
    c_.dtype = tensors;
    c_.weight_dtype = weights;
    c_.state_dtype = states;
    return *this;
  }
  Problem& reverse() { return flag(FLASHRNN_REVERSE); }
  Problem& lengths() { return flag(FLASHRNN_LENGTHS); }
  Problem& resets() { return flag(FLASHRNN_RESETS); }
  Problem& cut_recurrent_gradient() { return flag(FLASHRNN_CUT_RECURRENT_GRADIENT); }
  Problem& allow_tf32() { return flag(FLASHRNN_ALLOW_TF32); }
  Problem& forward_clip(double value) { return c_.forward_clip = value, *this; }
  Problem& recurrent_gradient_clip(double value) {
    return c_.recurrent_gradient_clip = value, *this;
  }
  Problem& threads(std::int32_t count) { return c_.threads = count, *this; }
  Problem& config(std::string config) { return config_ = std::move(config), *this; }
  Problem& model_path(std::string path) { return model_path_ = std::move(path), *this; }

  // The C struct; valid as long as this object.
  flashrnn_problem c() const {
    flashrnn_problem problem = c_;
    if (!config_.empty()) problem.config = config_.c_str();
    if (!model_path_.empty()) problem.model_path = model_path_.c_str();
    return problem;
  }

 private:
  Problem& flag(int bit) { return c_.flags |= static_cast<std::uint32_t>(bit), *this; }
  flashrnn_problem c_{};
  std::string config_, model_path_;
};

// The arguments of the three kinds of run, for designated initialisers. Workspace and saved memory
// may be Plan::allocate's or any of the sizes and the alignment that Plan::sizes gives.
struct Forward {
  Input wx{};              // [B, T, Gi, N, D]
  Input r{};               // [Gr, N, D, D], the last axis that of h(t-1)
  Input bias{};            // [Gb, N, D]; absent: zero
  Input initial_states{};  // [S, B, N, D]; absent: zero
  Input lengths{};         // [B], int32 or int64
  Input resets{};          // [T, B], uint8
  Output h{};              // [B, T, N, D]
  Output states{};         // [S, B, T, N, D]; optional
  Output last_states{};    // [S, B, N, D]; optional; may be initial_states
  std::span<std::byte> workspace{};
  std::span<std::byte> saved{};
  flashrnn_stream stream = nullptr;
  // r and bias are those of this plan's last run of the same kind with this workspace.
  bool weights_unchanged = false;
};

struct Backward {
  Input wx{};                 // as in forward; recompute mode only
  Input r{};                  // as in forward
  Input bias{};               // as in forward; recompute mode only
  Input initial_states{};     // as in forward
  Input lengths{};            // as in forward
  Input resets{};             // as in forward
  Input h{};                  // [B, T, N, D], forward's output
  Input d_h{};                // [B, T, N, D]; optional
  Input d_states{};           // [S, B, T, N, D]; optional
  Input d_last_states{};      // [S, B, N, D]; optional
  Output d_wx{};              // [B, T, Gi, N, D]; optional, like all that follow
  Output d_r{};               // [Gr, N, D, D]
  Output d_bias{};            // [Gb, N, D]
  Output d_initial_states{};  // [S, B, N, D]
  std::span<std::byte> workspace{};
  std::span<const std::byte> saved{};
  flashrnn_stream stream = nullptr;
  bool weights_unchanged = false;
};

struct Step {
  Input wx{};           // [B, Gi, N, D]
  Input r{};            // [Gr, N, D, D]
  Input bias{};         // [Gb, N, D]; absent: zero
  Input states{};       // [S, B, N, D]; absent: zero
  Output new_states{};  // [S, B, N, D]; may be states
  Output h{};           // [B, N, D]; optional
  std::span<std::byte> workspace{};
  flashrnn_stream stream = nullptr;
  bool weights_unchanged = false;
};

// The memory of one run at a time of a plan: a workspace for each kind of call, and what forward
// saves for backward.
struct Memory {
  Buffer<std::byte> forward, backward, step, saved;
};

class Plan : public detail::Owner<flashrnn_plan, flashrnn_plan_close> {
 public:
  Plan(const Device& device, const Problem& problem) : p_(problem.c()) {
    check(flashrnn_plan_create(device.get(), &p_, &raw_));
    p_.config = p_.model_path = nullptr;  // these lived as long as problem only
    cell_ = cell_info(p_.cell);
  }
  flashrnn_plan_sizes sizes() const {
    flashrnn_plan_sizes sizes{};
    sizes.struct_size = sizeof sizes;
    check(flashrnn_plan_get_sizes(raw_, &sizes));
    return sizes;
  }
  Memory allocate(const Device& device) const {
    const flashrnn_plan_sizes s = sizes();
    return {Buffer<std::byte>(device, s.forward_workspace),
            Buffer<std::byte>(device, s.backward_workspace),
            Buffer<std::byte>(device, s.step_workspace), Buffer<std::byte>(device, s.saved)};
  }
  // JSON: problem, kernel, configuration, predicted time, and what was refused and why.
  std::string describe() const {
    return detail::text([this](char* t, std::size_t n, std::size_t* l) {
      return flashrnn_plan_describe(raw_, t, n, l);
    });
  }
  const flashrnn_cell_info& cell() const noexcept { return cell_; }

  void forward(const Forward& f) const {
    const auto [S, B, T, N, D, Gi, Gr, Gb] = axes();
    flashrnn_forward_args a{};
    a.struct_size = sizeof a;
    a.wx = f.wx.checked("wx", {B, T, Gi, N, D});
    a.r = f.r.checked("r", {Gr, N, D, D});
    a.bias = f.bias.checked("bias", {Gb, N, D});
    a.initial_states = f.initial_states.checked("initial_states", {S, B, N, D});
    a.lengths = f.lengths.checked("lengths", {B});
    a.resets = f.resets.checked("resets", {T, B});
    a.h = f.h.checked("h", {B, T, N, D});
    a.states = f.states.checked("states", {S, B, T, N, D});
    a.last_states = f.last_states.checked("last_states", {S, B, N, D});
    a.saved = f.saved.data();
    a.saved_size = f.saved.size();
    finish(a, f);
    check(flashrnn_forward(raw_, &a));
  }

  void backward(const Backward& b) const {
    const auto [S, B, T, N, D, Gi, Gr, Gb] = axes();
    flashrnn_backward_args a{};
    a.struct_size = sizeof a;
    a.wx = b.wx.checked("wx", {B, T, Gi, N, D});
    a.r = b.r.checked("r", {Gr, N, D, D});
    a.bias = b.bias.checked("bias", {Gb, N, D});
    a.initial_states = b.initial_states.checked("initial_states", {S, B, N, D});
    a.lengths = b.lengths.checked("lengths", {B});
    a.resets = b.resets.checked("resets", {T, B});
    a.h = b.h.checked("h", {B, T, N, D});
    a.d_h = b.d_h.checked("d_h", {B, T, N, D});
    a.d_states = b.d_states.checked("d_states", {S, B, T, N, D});
    a.d_last_states = b.d_last_states.checked("d_last_states", {S, B, N, D});
    a.d_wx = b.d_wx.checked("d_wx", {B, T, Gi, N, D});
    a.d_r = b.d_r.checked("d_r", {Gr, N, D, D});
    a.d_bias = b.d_bias.checked("d_bias", {Gb, N, D});
    a.d_initial_states = b.d_initial_states.checked("d_initial_states", {S, B, N, D});
    a.saved = b.saved.data();
    a.saved_size = b.saved.size();
    finish(a, b);
    check(flashrnn_backward(raw_, &a));
  }

  void step(const Step& s) const {
    const auto [S, B, T, N, D, Gi, Gr, Gb] = axes();
    flashrnn_step_args a{};
    a.struct_size = sizeof a;
    a.wx = s.wx.checked("wx", {B, Gi, N, D});
    a.r = s.r.checked("r", {Gr, N, D, D});
    a.bias = s.bias.checked("bias", {Gb, N, D});
    a.states = s.states.checked("states", {S, B, N, D});
    a.new_states = s.new_states.checked("new_states", {S, B, N, D});
    a.h = s.h.checked("h", {B, N, D});
    finish(a, s);
    check(flashrnn_step(raw_, &a));
  }

 private:
  struct Axes {
    std::int64_t S, B, T, N, D, Gi, Gr, Gb;
  };
  Axes axes() const {
    const flashrnn_cell_info& c = cell_;
    return {c.states,    p_.batch,      p_.time,           p_.heads,
            p_.head_dim, c.input_gates, c.recurrent_gates, c.bias_gates};
  }
  template <class Args, class Run>
  static void finish(Args& a, const Run& run) {
    a.stream = run.stream;
    a.workspace = run.workspace.data();
    a.workspace_size = run.workspace.size();
    a.run_flags = run.weights_unchanged ? std::uint32_t{FLASHRNN_RUN_WEIGHTS_UNCHANGED} : 0u;
  }

  flashrnn_problem p_;
  flashrnn_cell_info cell_{};
};

}  // namespace flashrnn

#endif  // FLASHRNN_FLASHRNN_HPP_
