// SPDX-License-Identifier: Apache-2.0
// oneDNN's LSTM. It has one head and computes the input projection itself: several heads are
// several calls in a row, and the projection's operations are counted as its own. It runs twice:
// with an input of D features, as networks have it, where half of its operations are one large
// product outside of the recurrence; and with an input of one feature, where nearly all of its work
// is the work that FlashRNN does.
#include <fmt/format.h>

#include "peer.hpp"

#if defined(FLASHRNN_BENCH_HAS_ONEDNN)

#include <omp.h>

#include <oneapi/dnnl/dnnl.hpp>
#include <unordered_map>

#include "host_array.hpp"

namespace flashrnn::bench {
namespace {

using dnnl::memory;
using Type = memory::data_type;
using Tag = memory::format_tag;
using Arguments = std::unordered_map<int, memory>;

// The number of threads is the process's: put it back, the library under test uses OpenMP too.
class ThreadCount {
 public:
  explicit ThreadCount(int threads) : before_(omp_get_max_threads()) {
    omp_set_num_threads(threads);
  }
  ~ThreadCount() { omp_set_num_threads(before_); }

 private:
  int before_;
};

constexpr auto kDirection = dnnl::rnn_direction::unidirectional_left2right;

// Version 3 dropped the operation descriptors of version 2.
template <typename Primitive, typename... Rest>
typename Primitive::primitive_desc describe_primitive(const dnnl::engine& engine,
                                                      dnnl::prop_kind kind, const Rest&... rest) {
#if DNNL_VERSION_MAJOR >= 3
  return {engine, kind, kDirection, rest...};
#else
  return {typename Primitive::desc(kind, kDirection, rest...), engine};
#endif
}

// What one head needs, on buffers of its own.
class Head {
 public:
  Head(const dnnl::engine& engine, dnnl::stream stream, const Problem& p, int64_t features,
       bool training)
      : engine_(engine), stream_(std::move(stream)) {
    const memory::dim t = p.time, b = p.batch, d = p.head_dim;
    const Type type = p.dtype == FLASHRNN_BFLOAT16 ? Type::bf16 : Type::f32;
    const memory::desc none;
    src_ = {{t, b, features}, type, Tag::tnc};
    dst_ = {{t, b, d}, type, Tag::tnc};
    bias_ = {{1, 1, 4, d}, Type::f32, Tag::ldgo};
    weights_layer_ = {{1, 1, features, 4, d}, type, Tag::any};
    weights_iter_ = {{1, 1, d, 4, d}, type, Tag::any};
    const auto kind =
        training ? dnnl::prop_kind::forward_training : dnnl::prop_kind::forward_inference;
    const auto forward = describe_primitive<dnnl::lstm_forward>(
        engine, kind, src_, none, none, weights_layer_, weights_iter_, bias_, dst_, none, none);
    forward_ = dnnl::lstm_forward(forward);
    arguments_ = {
        {DNNL_ARG_SRC_LAYER, filled(src_, type, 1.0, 1)},
        {DNNL_ARG_WEIGHTS_LAYER, weights(weights_layer_, forward.weights_layer_desc(), type, 2)},
        {DNNL_ARG_WEIGHTS_ITER, weights(weights_iter_, forward.weights_iter_desc(), type, 3)},
        {DNNL_ARG_BIAS, filled(bias_, Type::f32, 0.1, 4)},
        {DNNL_ARG_DST_LAYER, memory(dst_, engine)}};
    if (!training) return;
    arguments_[DNNL_ARG_WORKSPACE] = memory(forward.workspace_desc(), engine);
    prepare_backward(forward, type);
  }

  void forward() { forward_.execute(stream_, arguments_); }
  void backward() { backward_.execute(stream_, backward_arguments_); }

 private:
  void prepare_backward(const dnnl::lstm_forward::primitive_desc& forward, Type type) {
    const memory::desc none;
    const memory::desc diff_layer(weights_layer_.dims(), Type::f32, Tag::any);
    const memory::desc diff_iter(weights_iter_.dims(), Type::f32, Tag::any);
#if DNNL_VERSION_MAJOR >= 3
    const dnnl::lstm_backward::primitive_desc backward(
        engine_, dnnl::prop_kind::backward, kDirection, src_, none, none, weights_layer_,
        weights_iter_, bias_, dst_, none, none, src_, none, none, diff_layer, diff_iter, bias_,
        dst_, none, none, forward);
#else
    const dnnl::lstm_backward::primitive_desc backward(
        dnnl::lstm_backward::desc(dnnl::prop_kind::backward, kDirection, src_, none, none,
                                  weights_layer_, weights_iter_, bias_, dst_, none, none, src_,
                                  none, none, diff_layer, diff_iter, bias_, dst_, none, none),
        engine_, forward);
#endif
    backward_ = dnnl::lstm_backward(backward);
    backward_arguments_ = arguments_;
    backward_arguments_[DNNL_ARG_WEIGHTS_LAYER] =
        weights(weights_layer_, backward.weights_layer_desc(), type, 2);
    backward_arguments_[DNNL_ARG_WEIGHTS_ITER] =
        weights(weights_iter_, backward.weights_iter_desc(), type, 3);
    backward_arguments_[DNNL_ARG_DIFF_DST_LAYER] = filled(dst_, type, 1.0, 5);
    backward_arguments_[DNNL_ARG_DIFF_SRC_LAYER] = memory(src_, engine_);
    backward_arguments_[DNNL_ARG_DIFF_WEIGHTS_LAYER] =
        filled(backward.diff_weights_layer_desc(), Type::f32, 0.0, 6);
    backward_arguments_[DNNL_ARG_DIFF_WEIGHTS_ITER] =
        filled(backward.diff_weights_iter_desc(), Type::f32, 0.0, 7);
    backward_arguments_[DNNL_ARG_DIFF_BIAS] = filled(bias_, Type::f32, 0.0, 8);
  }

  // In the layout that the primitive asks for, which may be an opaque one with a header of its own.
  memory weights(const memory::desc& any, const memory::desc& wanted, Type type, uint64_t seed) {
    const memory plain = filled({any.dims(), type, Tag::ldigo}, type, 0.1, seed);
    memory result(wanted, engine_);
    dnnl::reorder(plain, result).execute(stream_, const_cast<memory&>(plain), result);
    stream_.wait();
    return result;
  }

  // Whatever the blocking, all elements are alike: random bytes of the right type will do.
  memory filled(const memory::desc& desc, Type type, double scale, uint64_t seed) {
    memory result(desc, engine_);
    const flashrnn_dtype dtype = type == Type::bf16 ? FLASHRNN_BFLOAT16 : FLASHRNN_FLOAT32;
    const size_t count = desc.get_size() / flashrnn_dtype_size(dtype);
    const std::vector<std::byte> bytes = encode(random_values(count, scale, seed), dtype);
    std::copy(bytes.begin(), bytes.end(), static_cast<std::byte*>(result.get_data_handle()));
    return result;
  }

  dnnl::engine engine_;
  dnnl::stream stream_;
  memory::desc src_, dst_, bias_, weights_layer_, weights_iter_;
  dnnl::primitive forward_, backward_;
  Arguments arguments_, backward_arguments_;
};

class OneDnn : public Peer {
 public:
  explicit OneDnn(bool one_feature) : one_feature_(one_feature) {}

  PeerStatus status() const override {
    const dnnl::version_t* version = dnnl::version();
    return {one_feature_ ? "oneDNN I=1" : "oneDNN",
            fmt::format("oneDNN {}.{}.{}", version->major, version->minor, version->patch), ""};
  }

  void run(const Case& one, int threads, const TimingOptions& options, Row& row) override {
    const Problem& p = one.problem;
    const bool plain = p.flags == 0 && p.forward_clip == 0 && p.recurrent_gradient_clip == 0;
    if (p.cell != FLASHRNN_LSTM || !plain || one.call == Call::kStep) {
      throw Error("compared for a plain LSTM's forward and backward only");
    }
    const bool bf16_inference = p.dtype == FLASHRNN_BFLOAT16 && p.mode == FLASHRNN_MODE_INFERENCE;
    if (p.dtype != FLASHRNN_FLOAT32 && !bf16_inference) {
      throw Error("compared in fp32, and in bf16 for inference only");
    }
    if (p.mode == FLASHRNN_MODE_INFERENCE && one.call != Call::kForward) {
      throw Error("the mode is infer, but backward needs train");
    }
    const int64_t features = one_feature_ ? 1 : p.head_dim;
    const ThreadCount count(threads);
    const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
    dnnl::stream stream(engine);
    std::vector<Head> heads;
    for (int64_t n = 0; n < p.heads; ++n) {
      heads.emplace_back(engine, stream, p, features, p.mode != FLASHRNN_MODE_INFERENCE);
    }
    for (Head& head : heads) head.forward();
    stream.wait();
    const auto call = [&] {
      for (Head& head : heads) {
        if (one.call != Call::kBackward) head.forward();
        if (one.call != Call::kForward) head.backward();
      }
      stream.wait();
    };
    row.flops *= static_cast<double>(features + p.head_dim) / static_cast<double>(p.head_dim);
    row.note = fmt::format("input of {} feature{}, its projection counted{}", features,
                           features == 1 ? "" : "s", p.heads > 1 ? "; one call a head" : "");
    row.timing = measure([&](int calls) { return time_by_clock(call, calls); }, options);
  }

 private:
  bool one_feature_;
};

}  // namespace

std::unique_ptr<Peer> make_onednn_peer(bool one_feature) {
  return std::make_unique<OneDnn>(one_feature);
}

}  // namespace flashrnn::bench

#else

namespace flashrnn::bench {
namespace {

class NoOneDnn : public Peer {
 public:
  explicit NoOneDnn(bool one_feature) : one_feature_(one_feature) {}

  PeerStatus status() const override {
    return {one_feature_ ? "oneDNN I=1" : "oneDNN", "",
            "not built: oneDNN (libdnnl-dev) or OpenMP was not found when this was configured"};
  }
  void run(const Case&, int, const TimingOptions&, Row&) override {}

 private:
  bool one_feature_;
};

}  // namespace

std::unique_ptr<Peer> make_onednn_peer(bool one_feature) {
  return std::make_unique<NoOneDnn>(one_feature);
}

}  // namespace flashrnn::bench

#endif
