// SPDX-License-Identifier: Apache-2.0
#include "cuda/alternating/blas.hpp"

#include "api/error.hpp"
#include "cuda/modules/optional_library.hpp"
#include "gpu/params.hpp"

namespace flashrnn::cuda {

namespace {

// As cublas_v2.h, cublas_api.h and library_types.h declare them: pointers and enums of int.
using Handle = void*;
constexpr int kSuccess = 0, kAsIs = 0, kTransposed = 1, kDefaultAlgorithm = -1;
constexpr int kCompute32 = 68, kComputeFastTf32 = 77;

int data_type(int dtype) {
  switch (dtype) {
    case gpu::kFloat16:
      return 2;  // CUDA_R_16F
    case gpu::kBfloat16:
      return 14;  // CUDA_R_16BF
    default:
      return 0;  // CUDA_R_32F
  }
}

struct Api {
  int (*create)(Handle*) = nullptr;
  int (*destroy)(Handle) = nullptr;
  int (*set_stream)(Handle, cudaStream_t) = nullptr;
  int (*set_workspace)(Handle, void*, size_t) = nullptr;
  const char* (*status_string)(int) = nullptr;
  int (*gemm)(Handle, int, int, int, int, int, const void*, const void*, int, int, long long,
              const void*, int, int, long long, const void*, void*, int, int, long long, int, int,
              int) = nullptr;
  std::string name;
  std::string refusal;  // "": usable
};

Api load() {
  OptionalLibrary library({"libcublas.so.13", "libcublas.so.12"});
  Api api;
  const auto find = [&](auto& function, const char* name) {
    library.find(function, name, "CUDA 12.0 or newer");
  };
  find(api.create, "cublasCreate_v2");
  find(api.destroy, "cublasDestroy_v2");
  find(api.set_stream, "cublasSetStream_v2");
  find(api.set_workspace, "cublasSetWorkspace_v2");
  find(api.status_string, "cublasGetStatusString");
  find(api.gemm, "cublasGemmStridedBatchedEx");
  api.name = library.name;
  api.refusal = library.refusal;
  return api;
}

const Api& api() {
  static const Api instance = load();
  return instance;
}

void check(int status, const char* call) {
  if (status != kSuccess) fail(Status::kDeviceError, "{}: {}", call, api().status_string(status));
}

}  // namespace

bool has_blas() { return api().refusal.empty(); }

std::string blas_state() { return has_blas() ? api().name : api().refusal; }

Blas::Blas() {
  if (!has_blas()) fail(Status::kUnsupported, "no cuBLAS: {}", api().refusal);
  check(api().create(&handle_), "cublasCreate");
}

Blas::~Blas() {
  if (handle_ != nullptr) (void)api().destroy(handle_);
}

// As cuBLAS's documentation recommends for cublasSetWorkspace.
size_t Blas::scratch_bytes(int capability) {
  return capability >= 90 ? size_t{32} << 20 : size_t{4} << 20;
}

Blas::Session::Session(const Blas& blas, cudaStream_t stream, void* scratch, size_t bytes)
    : lock_(blas.mutex_), handle_(blas.handle_) {
  check(api().set_stream(handle_, stream), "cublasSetStream");  // which forgets the workspace
  check(api().set_workspace(handle_, scratch, bytes), "cublasSetWorkspace");
}

void Blas::Session::multiply(const BlasProduct& p) const {
  // cuBLAS counts columns first: what is row-major here is transposed there.
  const float one = 1.0f, zero = 0.0f;
  const int type = data_type(p.dtype);
  const int compute = p.dtype == gpu::kFloat32 && p.allow_tf32 ? kComputeFastTf32 : kCompute32;
  check(api().gemm(handle_, p.is_transposed ? kAsIs : kTransposed, kAsIs, p.rows, p.columns,
                   p.depth, &one, p.weights, type, p.is_transposed ? p.rows : p.depth,
                   static_cast<long long>(p.rows) * p.depth, p.operands, type, p.depth,
                   static_cast<long long>(p.columns) * p.depth, &zero, p.out,
                   data_type(gpu::kFloat32), p.rows, static_cast<long long>(p.columns) * p.rows,
                   p.heads, compute, kDefaultAlgorithm),
        "cublasGemmStridedBatchedEx");
}

}  // namespace flashrnn::cuda
