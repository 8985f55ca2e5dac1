// SPDX-License-Identifier: Apache-2.0
#include "trial.hpp"

#include <stdexcept>
#include <utility>

namespace flashrnn::test {

flashrnn_problem problem_of(const Case& c) {
  flashrnn_problem p{};
  p.struct_size = sizeof p;
  p.cell = c.cell;
  p.mode = c.mode;
  p.batch = c.batch;
  p.time = c.time;
  p.heads = c.heads;
  p.head_dim = c.head_dim;
  p.dtype = c.dtypes.tensor;
  p.weight_dtype = c.dtypes.weight;
  p.state_dtype = c.dtypes.state;
  if (c.reverse) p.flags |= FLASHRNN_REVERSE;
  if (c.lengths != FLASHRNN_DTYPE_DEFAULT) p.flags |= FLASHRNN_LENGTHS;
  if (c.resets) p.flags |= FLASHRNN_RESETS;
  if (c.cut_recurrent_gradient) p.flags |= FLASHRNN_CUT_RECURRENT_GRADIENT;
  p.forward_clip = c.forward_clip;
  p.recurrent_gradient_clip = c.recurrent_gradient_clip;
  p.threads = c.threads;
  return p;
}

bool may_refuse(flashrnn_backend backend, const Case& c) {
  return backend != FLASHRNN_BACKEND_CPU && c.dtypes.tensor == FLASHRNN_FLOAT64;
}

std::string& Plan::preferred_config() {
  static std::string config;
  return config;
}

std::atomic<int>& Plan::with_preferred() {
  static std::atomic<int> count{0};
  return count;
}

Plan::Plan(const Device& device, const Case& c, const std::string& config) {
  flashrnn_problem problem = problem_of(c);
  const std::string& wanted = config.empty() ? preferred_config() : config;
  if (!wanted.empty()) problem.config = wanted.c_str();
  flashrnn_status status = flashrnn_plan_create(device.handle(), &problem, &handle_);
  if (status == FLASHRNN_INFEASIBLE && config.empty() && !wanted.empty()) {
    problem.config = nullptr;
    status = flashrnn_plan_create(device.handle(), &problem, &handle_);
  } else if (config.empty() && !wanted.empty()) {
    ++with_preferred();
  }
  check(status, "flashrnn_plan_create");
  sizes_.struct_size = sizeof sizes_;
  check(flashrnn_plan_get_sizes(handle_, &sizes_), "flashrnn_plan_get_sizes");
}

Plan::~Plan() { flashrnn_plan_close(handle_); }

std::string Plan::describe() const {
  size_t length = 0;
  check(flashrnn_plan_describe(handle_, nullptr, 0, &length), "flashrnn_plan_describe");
  std::string text(length + 1, '\0');
  check(flashrnn_plan_describe(handle_, text.data(), text.size(), nullptr),
        "flashrnn_plan_describe");
  text.resize(length);
  return text;
}

Trial::Trial(const Device& device, const Case& c, const std::string& config)
    : Trial(device, c, draw_values(c), std::make_shared<const Plan>(device, c, config)) {}

Trial::Trial(const Device& device, const Case& c, const Values& v, std::shared_ptr<const Plan> plan)
    : device_(device), case_(c), plan_(std::move(plan)) {
  const oracle::CellShape shape = oracle::cell_shape(c.cell);
  const int64_t B = c.batch, T = c.time, N = c.heads, D = c.head_dim, S = shape.states;
  const flashrnn_dtype tensor = c.dtypes.tensor, weight = c.dtypes.weight, state = c.dtypes.state;
  wx_ = input(v.inputs.wx, {B, T, shape.input_gates, N, D}, tensor);
  r_ = input(v.inputs.r, {shape.recurrent_gates, N, D, D}, weight);
  if (c.bias) bias_ = input(v.inputs.bias, {shape.biases, N, D}, weight);
  if (c.initial_states) {
    if (c.last_in_place) {  // both input and output, so that it takes the stricter rules of an
                            // output
      initial_ = output({S, B, N, D}, state);
      initial_->write(v.inputs.initial_states);
    } else {
      initial_ = input(v.inputs.initial_states, {S, B, N, D}, state);
    }
  }
  if (c.lengths != FLASHRNN_DTYPE_DEFAULT) {
    lengths_ = input({v.inputs.lengths.begin(), v.inputs.lengths.end()}, {B}, c.lengths);
  }
  if (c.resets)
    resets_ = input({v.inputs.resets.begin(), v.inputs.resets.end()}, {T, B}, FLASHRNN_UINT8);
  h_ = output({B, T, N, D}, tensor);
  if (c.want_states) states_ = output({S, B, T, N, D}, tensor);
  if (!c.last_in_place || !c.initial_states) last_ = output({S, B, N, D}, state);
  forward_workspace_ = std::make_unique<GuardedMemory>(device, plan_->sizes().forward_workspace,
                                                       plan_->sizes().alignment);
  saved_ = std::make_unique<GuardedMemory>(device, plan_->sizes().saved, plan_->sizes().alignment);
  given_ = {wx_->read(), r_->read(), {}, {}, {}, {}};
  if (bias_) given_.bias = bias_->read();
  if (initial_) given_.initial_states = initial_->read();
  if (lengths_) {
    for (const double length : lengths_->read())
      given_.lengths.push_back(static_cast<int64_t>(length));
  }
  if (resets_) {
    for (const double reset : resets_->read()) given_.resets.push_back(static_cast<uint8_t>(reset));
  }
  if (!has_backward()) return;
  if ((c.given & kGiveH) != 0) d_h_ = input(v.gradients.d_h, {B, T, N, D}, tensor);
  if ((c.given & kGiveStates) != 0)
    d_states_ = input(v.gradients.d_states, {S, B, T, N, D}, tensor);
  if ((c.given & kGiveLast) != 0) d_last_ = input(v.gradients.d_last_states, {S, B, N, D}, state);
  if ((c.wanted & kWantWx) != 0) d_wx_ = output({B, T, shape.input_gates, N, D}, tensor);
  if ((c.wanted & kWantR) != 0) d_r_ = output({shape.recurrent_gates, N, D, D}, weight);
  if ((c.wanted & kWantBias) != 0) d_bias_ = output({shape.biases, N, D}, weight);
  if ((c.wanted & kWantInitial) != 0) d_initial_ = output({S, B, N, D}, state);
  backward_workspace_ = std::make_unique<GuardedMemory>(device, plan_->sizes().backward_workspace,
                                                        plan_->sizes().alignment);
}

Trial::Slot Trial::input(const std::vector<double>& values, std::vector<int64_t> shape,
                         flashrnn_dtype dtype) {
  auto tensor =
      std::make_unique<Tensor>(device_, std::move(shape), dtype, case_.input_layout, Role::kInput);
  tensor->write(values);
  return tensor;
}

Trial::Slot Trial::output(std::vector<int64_t> shape, flashrnn_dtype dtype) {
  return std::make_unique<Tensor>(device_, std::move(shape), dtype, case_.output_layout,
                                  Role::kOutput);
}

namespace {

flashrnn_tensor tensor_of(const std::unique_ptr<Tensor>& tensor) {
  return tensor ? tensor->tensor() : flashrnn_tensor{};
}

std::vector<double> values_of(const std::unique_ptr<Tensor>& tensor) {
  return tensor ? tensor->read() : std::vector<double>{};
}

}  // namespace

flashrnn_forward_args Trial::forward_args(uint32_t run_flags) const {
  flashrnn_forward_args args{};
  args.struct_size = sizeof args;
  args.wx = tensor_of(wx_);
  args.r = tensor_of(r_);
  args.bias = tensor_of(bias_);
  args.initial_states = tensor_of(initial_);
  args.lengths = tensor_of(lengths_);
  args.resets = tensor_of(resets_);
  args.h = tensor_of(h_);
  args.states = tensor_of(states_);
  args.last_states = tensor_of(last_ ? last_ : initial_);
  args.workspace = forward_workspace_->data();
  args.workspace_size = forward_workspace_->size();
  args.saved = saved_->data();
  args.saved_size = saved_->size();
  args.run_flags = run_flags;
  return args;
}

flashrnn_backward_args Trial::backward_args(uint32_t run_flags) const {
  flashrnn_backward_args args{};
  args.struct_size = sizeof args;
  if (case_.mode == FLASHRNN_MODE_RECOMPUTE) {
    args.wx = tensor_of(wx_);
    args.bias = tensor_of(bias_);
  }
  args.r = tensor_of(r_);
  args.initial_states = tensor_of(initial_);
  args.lengths = tensor_of(lengths_);
  args.resets = tensor_of(resets_);
  args.h = tensor_of(h_);
  args.d_h = tensor_of(d_h_);
  args.d_states = tensor_of(d_states_);
  args.d_last_states = tensor_of(d_last_);
  args.d_wx = tensor_of(d_wx_);
  args.d_r = tensor_of(d_r_);
  args.d_bias = tensor_of(d_bias_);
  args.d_initial_states = tensor_of(d_initial_);
  args.workspace = backward_workspace_->data();
  args.workspace_size = backward_workspace_->size();
  args.saved = saved_->data();
  args.saved_size = saved_->size();
  args.run_flags = run_flags;
  return args;
}

void Trial::poison_forward_outputs() {
  h_->poison();
  if (states_) states_->poison();
  if (last_) last_->poison();
  saved_->poison();
}

void Trial::poison_backward_outputs() {
  for (const Slot* slot : {&d_wx_, &d_r_, &d_bias_, &d_initial_}) {
    if (*slot) (*slot)->poison();
  }
}

void Trial::forward(uint32_t run_flags) {
  poison_forward_outputs();
  if (!last_) initial_->write(given_.initial_states);
  if ((run_flags & FLASHRNN_RUN_WEIGHTS_UNCHANGED) == 0) forward_workspace_->poison();
  const flashrnn_forward_args args = forward_args(run_flags);
  check(flashrnn_forward(plan_->handle(), &args), "flashrnn_forward");
}

void Trial::backward(uint32_t run_flags) {
  poison_backward_outputs();
  // Backward is given what forward was given.
  if (!last_) initial_->write(given_.initial_states);
  if ((run_flags & FLASHRNN_RUN_WEIGHTS_UNCHANGED) == 0) backward_workspace_->poison();
  const flashrnn_backward_args args = backward_args(run_flags);
  const std::vector<uint8_t> h = h_->bytes(), saved = saved_->read();
  check(flashrnn_backward(plan_->handle(), &args), "flashrnn_backward");
  if (h_->bytes() != h) throw std::runtime_error("flashrnn_backward wrote to h, which is an input");
  if (saved_->read() != saved)
    throw std::runtime_error("flashrnn_backward wrote to the saved memory");
}

oracle::Outputs Trial::outputs() const {
  return {values_of(h_), values_of(states_), values_of(last_ ? last_ : initial_)};
}

oracle::InputGradients Trial::gradients() const {
  return {values_of(d_wx_), values_of(d_r_), values_of(d_bias_), values_of(d_initial_)};
}

oracle::Inputs Trial::inputs() const { return given_; }

oracle::OutputGradients Trial::output_gradients() const {
  return {values_of(d_h_), values_of(d_states_), values_of(d_last_)};
}

oracle::Outputs Trial::expected_outputs() const {
  return oracle::forward(oracle_problem(case_), given_);
}

oracle::InputGradients Trial::expected_gradients() const {
  return oracle::backward(oracle_problem(case_), given_, output_gradients());
}

std::string Trial::touched() const {
  const std::pair<const char*, const Slot*> tensors[] = {{"wx", &wx_},
                                                         {"r", &r_},
                                                         {"bias", &bias_},
                                                         {"initial_states", &initial_},
                                                         {"lengths", &lengths_},
                                                         {"resets", &resets_},
                                                         {"d_h", &d_h_},
                                                         {"d_states", &d_states_},
                                                         {"d_last_states", &d_last_},
                                                         {"h", &h_},
                                                         {"states", &states_},
                                                         {"last_states", &last_},
                                                         {"d_wx", &d_wx_},
                                                         {"d_r", &d_r_},
                                                         {"d_bias", &d_bias_},
                                                         {"d_initial_states", &d_initial_}};
  for (const auto& [name, slot] : tensors) {
    if (*slot && !(*slot)->intact()) return name;
  }
  if (!forward_workspace_->guards_intact()) return "forward workspace";
  if (backward_workspace_ && !backward_workspace_->guards_intact()) return "backward workspace";
  return saved_->guards_intact() ? "" : "saved memory";
}

std::vector<const Tensor*> Trial::output_tensors() const {
  std::vector<const Tensor*> all;
  for (const Slot* slot :
       {&h_, &states_, last_ ? &last_ : &initial_, &d_wx_, &d_r_, &d_bias_, &d_initial_}) {
    if (*slot) all.push_back(slot->get());
  }
  return all;
}

std::vector<uint8_t> Trial::output_bytes() const {
  std::vector<uint8_t> all;
  for (const Tensor* tensor : output_tensors()) {
    const std::vector<uint8_t> bytes = tensor->bytes();
    all.insert(all.end(), bytes.begin(), bytes.end());
  }
  return all;
}

std::vector<const GuardedMemory*> Trial::written_memory() const {
  std::vector<const GuardedMemory*> all;
  for (const Tensor* tensor : output_tensors()) all.push_back(&tensor->memory());
  if (saved_) all.push_back(saved_.get());
  return all;
}

std::vector<uint8_t> Trial::writable_bytes() const {
  std::vector<uint8_t> all = output_bytes();
  for (const auto* memory : {&forward_workspace_, &backward_workspace_, &saved_}) {
    if (!*memory) continue;
    const std::vector<uint8_t> bytes = (*memory)->read();
    all.insert(all.end(), bytes.begin(), bytes.end());
  }
  return all;
}

}  // namespace flashrnn::test
