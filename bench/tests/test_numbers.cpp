// SPDX-License-Identifier: Apache-2.0
// What the figures are computed from: rounding, operations, statistics, peaks.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "driver.hpp"
#include "host_array.hpp"
#include "peak.hpp"
#include "timing.hpp"
#include "work.hpp"

namespace flashrnn::bench {
namespace {

double through(double value, flashrnn_dtype dtype) {
  return decode(encode({value}, dtype), dtype)[0];
}

TEST(HostArray, RoundsToNearestEven) {
  EXPECT_EQ(through(1.0 + 1.0 / 256, FLASHRNN_BFLOAT16), 1.0);             // a tie: down to even
  EXPECT_EQ(through(1.0 + 3.0 / 256, FLASHRNN_BFLOAT16), 1.0 + 1.0 / 64);  // a tie: up to even
  EXPECT_EQ(through(1.0 + 1.0 / 2048, FLASHRNN_FLOAT16), 1.0);
  EXPECT_EQ(through(1.0 + 3.0 / 2048, FLASHRNN_FLOAT16), 1.0 + 1.0 / 512);
  EXPECT_EQ(through(65504.0, FLASHRNN_FLOAT16), 65504.0);
  EXPECT_EQ(through(65520.0, FLASHRNN_FLOAT16), INFINITY);
  EXPECT_EQ(through(std::ldexp(1.0, -24), FLASHRNN_FLOAT16), std::ldexp(1.0, -24));
  EXPECT_EQ(through(std::ldexp(1.0, -26), FLASHRNN_FLOAT16), 0.0);
  EXPECT_TRUE(std::isnan(through(NAN, FLASHRNN_FLOAT16)));
  EXPECT_TRUE(std::isnan(through(NAN, FLASHRNN_BFLOAT16)));
}

TEST(HostArray, EveryFp16PatternSurvives) {
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    const auto pattern = static_cast<uint16_t>(bits);
    std::vector<std::byte> bytes(2);
    std::memcpy(bytes.data(), &pattern, 2);
    const double value = decode(bytes, FLASHRNN_FLOAT16)[0];
    if (std::isnan(value)) continue;
    EXPECT_EQ(encode({value}, FLASHRNN_FLOAT16), bytes) << bits;
  }
}

TEST(HostArray, RandomValuesFillTheirRangeAndRepeat) {
  const std::vector<double> values = random_values(100000, 2.0, 7);
  double sum = 0, most = 0;
  for (const double value : values) {
    sum += value;
    most = std::max(most, std::fabs(value));
  }
  EXPECT_NEAR(sum / 100000, 0, 0.02);
  EXPECT_LE(most, 2.0);
  EXPECT_GT(most, 1.99);
  EXPECT_EQ(values, random_values(100000, 2.0, 7));
  EXPECT_EQ(encode(values, FLASHRNN_BFLOAT16), random_bytes(100000, 2.0, 7, FLASHRNN_BFLOAT16))
      << "blocks of the stream, in whatever order they are drawn";
  EXPECT_NE(values, random_values(100000, 2.0, 8));
}

TEST(Work, CountsTheRecurrentProducts) {
  const Problem lstm = problem_text::parse("lstm:b16,t256,n12,d64");
  const double product = 2.0 * 4 * 12 * 64 * 64 * 16 * 256;
  EXPECT_EQ(flops_of(lstm, Call::kForward), product);
  EXPECT_EQ(flops_of(lstm, Call::kBackward), 2 * product);
  EXPECT_EQ(flops_of(lstm, Call::kForwardBackward), 3 * product);
  EXPECT_EQ(flops_of(lstm, Call::kStep), product / 256);
  const Problem gru = problem_text::parse("gru:b16,t256,n12,d64,recompute");
  EXPECT_EQ(flops_of(gru, Call::kForwardBackward), 4 * product * 3 / 4);
}

TEST(Work, CountsEveryTensorOnce) {
  const Problem p = problem_text::parse("lstm:b2,t3,n5,d7,infer");
  const double units = 2 * 5 * 7;
  EXPECT_EQ(bytes_of(p, Call::kForward, 0),
            4 * (units * 3 * 4 + units * 3 + 4 * 5 * 7 * 7 + 4 * 5 * 7));
  EXPECT_EQ(bytes_of(p, Call::kForward, 100), bytes_of(p, Call::kForward, 0) + 100);
}

TEST(Timing, QuantilesInterpolate) {
  EXPECT_EQ(quantile({3, 1, 2}, 0.5), 2);
  EXPECT_EQ(quantile({4, 1, 2, 3}, 0.5), 2.5);
  EXPECT_EQ(quantile({5}, 0.9), 5);
  EXPECT_EQ(quantile({1, 2}, 0), 1);
  EXPECT_EQ(quantile({1, 2}, 1), 2);
}

TEST(Timing, ShortCallsAreTimedTogetherAndTheMedianIsReported) {
  TimingOptions options;
  options.seconds = 0;
  options.warmup_seconds = 0;
  options.least_samples = 9;
  options.least_sample_ms = 1;
  int asked = 0;
  const Timing timing = measure(
      [&](int calls) {
        asked = calls;
        return Sample{0.1, 0.05};
      },
      options);
  EXPECT_EQ(asked, 10);
  EXPECT_EQ(timing.samples, 9);
  EXPECT_DOUBLE_EQ(timing.ms, 0.1);
  EXPECT_DOUBLE_EQ(timing.cpu_ms, 0.05);
}

TEST(Peak, EveryUnitOfThisMachineReachesAPlausibleRate) {
  const Peaks peaks = measure_peaks(1, 0.05);
  EXPECT_GT(peaks.of("fma_fp32"), 0.5);
  EXPECT_GT(peaks.of("fma_fp32"), peaks.of("fma_fp64"));
  EXPECT_GT(peaks.copy_gbs, 0.1);
  EXPECT_EQ(peaks.of("no such unit"), 0);
}

TEST(Driver, IsTheFirstWordOfNumbersAndDots) {
  EXPECT_EQ(nvidia_driver_in("NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.159.04  "
                             "Release Build\nGCC version:  gcc version 12.2.0"),
            "580.159.04");
  EXPECT_EQ(nvidia_driver_in(""), "");
  EXPECT_EQ(nvidia_driver_in("no version ... but 12 words."), "");
}

}  // namespace
}  // namespace flashrnn::bench
