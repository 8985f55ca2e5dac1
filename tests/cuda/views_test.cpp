// SPDX-License-Identifier: Apache-2.0
// Slots' gradients are written into d_wx where every gate of it can be, and none where one cannot.
#include "cuda/views.hpp"

#include <gtest/gtest.h>

namespace flashrnn::cuda {
namespace {

// The packed d_wx [B, T, Gi, N, D] of an LSTM, in memory aligned to 16 bytes.
struct Packed {
  gpu::Shape shape{};
  Tensor d_wx;
  alignas(16) std::array<std::byte, 16> memory{};  // its address alone matters

  Packed(int64_t heads, int64_t units, int64_t skipped_elements) {
    shape.batch = 3;
    shape.time = 3;
    shape.heads = static_cast<int>(heads);
    shape.units = static_cast<int>(units);
    d_wx.data = memory.data() + 2 * skipped_elements;
    d_wx.dtype = DType::kFloat16;
    d_wx.stride = {shape.time * 4 * heads * units, 4 * heads * units, heads * units, units, 1};
  }
  bool take(gpu::View* views) const { return take_in_place(d_wx, *find_cell(1), shape, views); }
};

TEST(ViewsTest, TakesEveryGateWhereAllAreAligned) {
  const Packed packed(3, 64, 0);
  gpu::View views[kMaxSlots] = {};
  ASSERT_TRUE(packed.take(views));
  for (int gate = 0; gate < 4; ++gate) {
    EXPECT_EQ(views[gate].data, packed.d_wx.data + 2 * gate * 3 * 64);
    EXPECT_EQ(views[gate].stride[1], views[0].stride[1]);
  }
}

// One head of 100 units: gates begin 200 bytes apart, so that every second one is aligned.
TEST(ViewsTest, TakesNoGateWhereOneIsNotAligned) {
  gpu::View views[kMaxSlots] = {};
  EXPECT_FALSE(Packed(1, 100, 0).take(views));
  EXPECT_FALSE(Packed(3, 64, 1).take(views));
  for (const gpu::View& view : views) EXPECT_EQ(view.data, nullptr);
}

TEST(ViewsTest, TakesNothingWhereThereIsNone) {
  Packed packed(3, 64, 0);
  packed.d_wx.data = nullptr;
  gpu::View views[kMaxSlots] = {};
  EXPECT_FALSE(packed.take(views));
}

}  // namespace
}  // namespace flashrnn::cuda
