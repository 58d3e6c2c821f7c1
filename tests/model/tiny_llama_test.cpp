// Logits and every hook tensor of tiny random Llamas against transformers
// (scripts/goldens/tiny_llama.py).

#include <gtest/gtest.h>

#include "spikesink/hooks/hook_names.h"
#include "spikesink/model/load_model.h"
#include "spikesink/weights/safetensors.h"

namespace spikesink {
namespace {

struct Case {
  const char* name;
  const char* path;
  torch::Dtype dtype;
  const char* expected;
  double absolute, relative;
};

void PrintTo(const Case& c, std::ostream* out) {
  *out << c.name;
}

class TinyLlamaTest : public testing::TestWithParam<Case> {
 protected:
  static std::string golden(const std::string& file) {
    return std::string(SPIKESINK_GOLDENS) + "/tiny_llama/" + file;
  }

  TinyLlamaTest()
      : expected_(open_safetensors(golden(GetParam().expected))),
        tokens_(expected_->tensor("tokens")),
        model_(load_model(golden(GetParam().path), {.dtype = GetParam().dtype})) {}

  void expect_close(const std::string& name, const torch::Tensor& got) const {
    const auto want = expected_->tensor(name);
    ASSERT_EQ(got.sizes(), want.sizes()) << name;
    EXPECT_TRUE(at::allclose(got.to(torch::kDouble), want.to(torch::kDouble), GetParam().relative,
                             GetParam().absolute))
        << name << ": largest difference "
        << (got.to(torch::kDouble) - want.to(torch::kDouble))
               .nan_to_num(0, 0, 0)
               .abs()
               .max()
               .item<double>();
  }

  std::unique_ptr<WeightSource> expected_;
  torch::Tensor tokens_;
  Transformer model_{nullptr};
};

TEST_P(TinyLlamaTest, EveryHookPointAgrees) {
  const auto cache = run_with_cache(model_, tokens_, {"**"});
  ASSERT_EQ(cache.tensors().size() + 1, expected_->tensors().size());  // and the tokens
  for (const auto& [name, tensor] : cache.tensors()) expect_close(name, tensor);
}

TEST_P(TinyLlamaTest, FusedAttentionGivesTheSameLogits) {
  const torch::NoGradGuard no_grad;
  expect_close(std::string(hook_names::kUnembedOut), model_->forward(tokens_));
}

INSTANTIATE_TEST_SUITE_P(Variants, TinyLlamaTest,
                         testing::Values(Case{"PlainFloat32", "plain", torch::kFloat,
                                              "plain/expected_float32.safetensors", 1e-4, 1e-3},
                                         Case{"PlainFloat64", "plain", torch::kDouble,
                                              "plain/expected_float64.safetensors", 1e-9, 1e-9},
                                         Case{"GgufFloat64", "plain/plain.gguf", torch::kDouble,
                                              "plain/expected_float64.safetensors", 1e-9, 1e-9},
                                         Case{"ScaledFloat32", "scaled", torch::kFloat,
                                              "scaled/expected_float32.safetensors", 1e-4, 1e-3},
                                         Case{"ScaledFloat64", "scaled", torch::kDouble,
                                              "scaled/expected_float64.safetensors", 1e-9, 1e-9}),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace spikesink
