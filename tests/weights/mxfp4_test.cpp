#include "weights/quantised/mxfp4.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "message_of.h"
#include "spikesink/error.h"
#include "spikesink/weights/weight_source.h"

namespace spikesink {
namespace {

using detail::dequantize_mxfp4;

class Mxfp4Test : public testing::Test {
 protected:
  static torch::Tensor bits(const torch::Tensor& values) { return values.view(torch::kInt32); }

  std::unique_ptr<WeightSource> golden_ =
      open_weights(std::string(SPIKESINK_GOLDENS) + "/mxfp4.safetensors");
  torch::Tensor blocks_ = golden_->tensor("blocks");
  torch::Tensor scales_ = golden_->tensor("scales");
  torch::Tensor values_ = golden_->tensor("values");
};

TEST_F(Mxfp4Test, AgreesWithTransformersBitForBit) {
  EXPECT_TRUE(torch::equal(bits(dequantize_mxfp4(blocks_, scales_, "")), bits(values_)));
}

TEST_F(Mxfp4Test, KeepsWhateverDimensionsLead) {
  const auto one_row = dequantize_mxfp4(blocks_[1][2], scales_[1][2], "");
  EXPECT_TRUE(torch::equal(bits(one_row), bits(values_[1][2])));
  const auto none = dequantize_mxfp4(blocks_.slice(0, 0, 0), scales_.slice(0, 0, 0), "");
  EXPECT_EQ(none.sizes(), (std::vector<int64_t>{0, 16, 256}));
}

TEST_F(Mxfp4Test, ViewsAndScalesOfTheirOwnTypeAreRead) {
  const auto every_other = dequantize_mxfp4(
      blocks_.slice(1, 0, 16, 2), scales_.view(torch::kFloat8_e8m0fnu).slice(1, 0, 16, 2), "");
  EXPECT_TRUE(torch::equal(bits(every_other), bits(values_.slice(1, 0, 16, 2).contiguous())));
}

TEST_F(Mxfp4Test, TensorsThatDoNotFitAreReported) {
  const auto message = [](const torch::Tensor& blocks, const torch::Tensor& scales) {
    return message_of<FileError>([&] { dequantize_mxfp4(blocks, scales, "a.file, 'x'"); });
  };
  EXPECT_TRUE(
      contains(message(blocks_.slice(-1, 0, 15), scales_),
               "got blocks [2, 16, 8, 15] and scales [2, 16, 8], expected [..., groups, 16]"));
  EXPECT_TRUE(contains(message(blocks_, scales_.slice(-1, 0, 7)), "the shapes do not fit"));
  EXPECT_TRUE(contains(message(blocks_, scales_.flatten(0, 1)), "(a.file, 'x')"));
  EXPECT_TRUE(contains(message(blocks_[0][0][0], scales_[0][0][0]), "scales []"));
  EXPECT_TRUE(contains(message(blocks_.to(torch::kChar), scales_),
                       "got blocks of Char and scales of Byte, expected Byte (a.file, 'x')"));
  EXPECT_TRUE(contains(message(blocks_, scales_.to(torch::kFloat)), "scales of Float"));
}

}  // namespace
}  // namespace spikesink
