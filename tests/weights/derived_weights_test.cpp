#include "weights/derived_weights.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "message_of.h"
#include "spikesink/weights/safetensors.h"
#include "temp_dir.h"
#include "weights/canonical_names.h"

namespace spikesink {
namespace {

using detail::DerivedTensor;
using detail::with_canonical_names;
using detail::with_derived;

struct DerivedWeightsTest : testing::Test {
  std::unique_ptr<WeightSource> open(const std::map<std::string, torch::Tensor>& tensors) const {
    save_safetensors(dir / "model.safetensors", tensors);
    return open_weights(dir.path());
  }
  static std::vector<std::string> names(const WeightSource& source) {
    std::vector<std::string> all;
    for (const auto& info : source.tensors()) all.push_back(info.name);
    std::ranges::sort(all);
    return all;
  }

  TempDir dir;
};

TEST_F(DerivedWeightsTest, ADerivedTensorReplacesItsInputs) {
  const DerivedTensor sum{{"sum", {2}, "F32"}, {"a", "b"}, [](const auto& inputs) {
                            return inputs[0].add(inputs[1], 2);
                          }};
  const auto source = with_derived(
      open({{"a", torch::ones({2})}, {"b", torch::ones({2})}, {"c", torch::zeros({3})}}), {sum});
  EXPECT_EQ(names(*source), (std::vector<std::string>{"c", "sum"}));
  EXPECT_TRUE(source->tensor("sum").equal(torch::full({2}, 3.0F)));
  EXPECT_EQ(source->byte_ranges("sum").size(), 2);
  EXPECT_EQ(source->byte_ranges("sum").front().size(), 8);
  EXPECT_EQ(source->tensor("c").data_ptr(), source->byte_ranges("c").front().data());
}

TEST_F(DerivedWeightsTest, HiddenTensorsAreAbsent) {
  const auto source =
      with_derived(open({{"a", torch::ones({2})}, {"b", torch::ones({2})}}), {}, {"b"});
  EXPECT_EQ(names(*source), std::vector<std::string>{"a"});
}

TEST_F(DerivedWeightsTest, TwoTensorsOfOneNameAreRefused) {
  EXPECT_TRUE(contains(message_of<FileError>([&] {
                         with_derived(open({{"a", torch::ones({2})}, {"b", torch::ones({2})}}),
                                      {detail::renamed({"a", {2}, "F32"}, "b")});
                       }),
                       "two tensors have one name: 'b'"));
}

TEST_F(DerivedWeightsTest, NamesOfWrappersAreRemoved) {
  const auto x = torch::ones({1});
  EXPECT_EQ(names(*with_canonical_names(open(
                {{"module._orig_mod.a.weight", x}, {"module._orig_mod.b._orig_mod.weight", x}}))),
            (std::vector<std::string>{"a.weight", "b.weight"}));
  EXPECT_EQ(names(*with_canonical_names(
                open({{"base_model.model.q.base_layer.weight", x},
                      {"base_model.model.head.original_module.weight", x},
                      {"base_model.model.head.modules_to_save.default.weight", x}}))),
            (std::vector<std::string>{"head.weight", "q.weight"}));
}

TEST_F(DerivedWeightsTest, APrefixThatSomeNamesLackIsPartOfTheName) {
  const auto x = torch::ones({1});
  const auto source = with_canonical_names(open({{"module.a", x}, {"b", x}}));
  EXPECT_EQ(names(*source), (std::vector<std::string>{"b", "module.a"}));
}

}  // namespace
}  // namespace spikesink
