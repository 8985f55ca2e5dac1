// SPDX-License-Identifier: Apache-2.0
// How the product of the weight gradients is cut, without a device.
#include <gtest/gtest.h>

#include "cuda/general/weight_gradient_slices.hpp"

namespace flashrnn::cuda {
namespace {

// 16 sequences of 1024 steps, a device of 132 multiprocessors.
SliceWork work_of(int tiles, double block_us, double sum_us) {
  SliceWork w{};
  w.blocks = 16 * 16;
  w.batch = 16;
  w.tiles = tiles;
  w.slots = 132;
  w.block_us = block_us;
  w.cta_us = 4;
  w.sum_us = sum_us;
  return w;
}
// An LSTM's with 768 units, and with 1536.
const SliceWork kOf768 = work_of(48, 1.36, 3.9), kOf1536 = work_of(192, 1.36, 15.2);

void expect_whole(const Slices& first, int64_t blocks) {
  ASSERT_GE(first.size(), 2u);
  EXPECT_LE(first.size(), size_t{kMostSlices} + 1);
  EXPECT_EQ(first.front(), 0);
  EXPECT_EQ(first.back(), blocks);
  for (size_t k = 1; k < first.size(); ++k) EXPECT_LT(first[k - 1], first[k]) << k;
}

TEST(SlicesTest, TakeAllBlocksInTheirOrder) {
  for (int64_t time : {1, 2, 7, 100, 16384}) {
    for (int batch : {1, 3, 16, 1000}) {
      for (int tiles : {1, 192, 5000}) {
        for (double share : {0.05, 0.5}) {
          SliceWork w = work_of(tiles, 1, 2);
          w.batch = batch;
          w.blocks = time * batch;
          SCOPED_TRACE(testing::Message() << time << " blocks of " << batch << " sequences, "
                                          << tiles << " tiles, " << share << " free");
          expect_whole(slices_beside(w, {1.0 * static_cast<double>(time), share}), w.blocks);
          for (int count : {1, 3, 16}) {
            if (count <= w.blocks) expect_whole(even_slices(w.blocks, count), w.blocks);
            if (batch >= 4) expect_whole(graded_slices(w, count, 0.7, 4), w.blocks);
          }
        }
      }
    }
  }
}

TEST(SlicesTest, TheLastStepsOfAllSequencesArePartedFromTheOthers) {
  const Slices first = graded_slices(kOf768, 3, 0.5, 4);
  ASSERT_EQ(first.size(), 8u);
  EXPECT_EQ(first[3], 240);  // 15 of 16 blocks of each sequence
  EXPECT_EQ(first[4] - first[3], 4);
  EXPECT_GT(first[1] - first[0], 3 * (first[3] - first[2]));
}

TEST(SlicesTest, NothingEndsBeforeItsGradientsAreThere) {
  for (double us : {10.0, 1000.0, 1e6}) {
    const Beside beside{us, 0.3};
    EXPECT_GT(finish_us(kOf768, beside, slices_beside(kOf768, beside)), us);
    for (const SliceWork& w : {kOf768, kOf1536}) {
      for (int count : {1, 4, 24}) {
        for (const Slices& first :
             {even_slices(w.blocks, count), graded_slices(w, count, 0.6, 1)}) {
          EXPECT_GE(finish_us(w, beside, first), least_us(w, beside, first)) << count;
        }
      }
    }
  }
}

// What is left where a quarter of an H200 is free is a small part of what the product takes by
// itself (of 768 units 48 tiles x 256 blocks on 132 multiprocessors, 127 us).
TEST(SlicesTest, LittleIsLeftBehindARecurrence) {
  const Beside beside{1060, 0.27};
  const double one = finish_us(kOf768, beside, even_slices(kOf768.blocks, 1)) - beside.us,
               left = finish_us(kOf768, beside, slices_beside(kOf768, beside)) - beside.us;
  EXPECT_GT(one, 300);
  EXPECT_LT(left, 50);
}

// An H200's times of an LSTM's backward with 16 sequences, us, by so many alike slices: of 1536
// units, and of 768 (docs/cuda-notebook.md, "The gradients of R beside backward").
TEST(SlicesTest, ManySumsCostAsMeasured) {
  const Beside of_768{1060, 0.27}, of_1536{2400, 0.27};
  const auto even = [](const SliceWork& w, const Beside& beside, int count) {
    return finish_us(w, beside, even_slices(w.blocks, count));
  };
  const double measured[][3] = {
      {4, 2752, 1192}, {8, 2685, 1153}, {16, 2658, 1136}, {24, 2830, 1170}};
  for (const auto& row : measured) {
    EXPECT_NEAR(even(kOf1536, of_1536, static_cast<int>(row[0])), row[1], 0.05 * row[1]);
    EXPECT_NEAR(even(kOf768, of_768, static_cast<int>(row[0])), row[2], 0.05 * row[2]);
  }
  EXPECT_LT(finish_us(kOf768, of_768, slices_beside(kOf768, of_768)), even(kOf768, of_768, 8));
  EXPECT_LE(slices_beside(kOf1536, of_1536).size(), 17u);
}

}  // namespace
}  // namespace flashrnn::cuda
