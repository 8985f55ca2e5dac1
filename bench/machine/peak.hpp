// SPDX-License-Identifier: Apache-2.0
// What this machine's cores can do at most, measured: the yardstick of every row.
#pragma once

#include <string>
#include <vector>

namespace flashrnn::bench {

// One arithmetic unit, driven by independent chains of one instruction that stay in registers.
struct PeakKernel {
  const char* unit;         // "fma_fp32", "fma_fp64", "dot_bf16", "amx_bf16"
  const char* instruction;  // "AVX-512 vfmadd231ps"
  double flops_per_round;
  void (*run)(long rounds);
  bool (*present)();
};

// Every kernel of this architecture, for each unit the best instruction set first.
const std::vector<PeakKernel>& peak_kernels();

// Logistic functions of float32, as many at a time as a vector holds and none waiting for another:
// what a cell's activations cost at least.
struct SigmoidKernel {
  const char* instruction;  // "AVX2, vdivps"
  double sigmoids_per_round;
  double flops_per_round;  // of the multiply-adds beside them
  void (*alone)(long rounds);
  void (*beside)(long rounds);  // as many, and multiply-adds that have nothing to do with them
  bool (*present)();
};

// The best instruction set first; empty for an architecture that has none written.
const std::vector<SigmoidKernel>& sigmoid_kernels();

struct Peak {
  std::string unit;
  std::string instruction;
  double gflops = 0;
};

// Thousand millions a second, 0: not known.
struct SigmoidRates {
  std::string instruction;
  double alone = 0;
  // By the time that they add to multiply-adds at their peak, with which they share the pipes but
  // not every one.
  double beside = 0;

  double best() const { return alone > beside ? alone : beside; }
};

struct Peaks {
  int threads = 0;
  std::vector<Peak> units;
  SigmoidRates sigmoid;
  double copy_gbs = 0;  // bytes read plus bytes written, of arrays that no private cache holds

  // 0 where the unit is absent.
  double of(const std::string& unit) const;
};

// The best of several rounds: interruptions only ever lower a rate. Rates are taken against each
// thread's own CPU time, so that other processes on the machine do not lower them either.
Peaks measure_peaks(int threads, double seconds_per_unit);

// As the kernel reports it ("" where unknown). Never the machine's name.
std::string cpu_model();

}  // namespace flashrnn::bench
