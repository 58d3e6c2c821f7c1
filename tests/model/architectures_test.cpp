// Every architecture against transformers (scripts/goldens/architectures.py): the stream, what the
// blocks add to it, attention patterns, routing and logits of tiny random models.

#include <gtest/gtest.h>

#include "golden_models.h"
#include "spikesink/hooks/hook_names.h"
#include "spikesink/model/load_model.h"
#include "spikesink/weights/safetensors.h"

namespace spikesink {
namespace {

using namespace hook_names;

constexpr std::string_view kSinkMass = "attn.sink_mass";

/// [B, H, T]: what each query gives its head's learned sink logit.
torch::Tensor sink_mass(Transformer& model, int64_t layer, const torch::Tensor& lse) {
  const auto& sinks = model->layers[static_cast<size_t>(layer)]->attn->sink_logits;
  return at::exp(sinks.unsqueeze(1) - lse);
}

class ArchitecturesTest : public testing::TestWithParam<GoldenModel> {
 protected:
  void expect_close(const std::string& name, const torch::Tensor& got) const {
    const auto want = expected_->tensor(name);
    ASSERT_EQ(got.sizes(), want.sizes()) << name;
    if (!got.is_floating_point()) {
      EXPECT_TRUE(got.equal(want)) << name;
      return;
    }
    const auto wide = got.to(torch::kDouble);
    EXPECT_TRUE(at::allclose(wide, want, relative_, absolute_))
        << name << ": largest difference " << (wide - want).abs().max().item<double>();
  }

  void compare(torch::Dtype dtype, double relative, double absolute) {
    relative_ = relative;
    absolute_ = absolute;
    auto model = load_model(GetParam().path, {.dtype = dtype});
    const torch::NoGradGuard no_grad;
    const auto tokens = expected_->tensor("tokens");
    const auto padding =
        expected_->contains("mask") ? expected_->tensor("mask").logical_not() : torch::Tensor();
    const auto fused = model->forward(tokens, {.padding_mask = padding});
    ActivationCache cache;
    const auto scope = cache.record(model->hooks(), "**");
    const auto watched = model->forward(tokens, {.padding_mask = padding});
    for (const auto& info : expected_->tensors()) {
      if (info.name == "tokens" || info.name == "mask") continue;
      if (info.name.ends_with(kSinkMass)) {
        const auto layer = std::stoll(info.name.substr(std::string("blocks.").size()));
        expect_close(info.name, sink_mass(model, layer, cache[layer_hook_name(layer, kLse)]));
      } else {
        expect_close(info.name, cache[info.name]);
      }
    }
    if (!expected_->contains(kUnembedOut)) return;
    expect_close(std::string(kUnembedOut), fused);
    EXPECT_TRUE(at::allclose(fused, watched, relative, absolute));
  }

  std::unique_ptr<WeightSource> expected_ =
      open_safetensors(GetParam().folder() / "expected.safetensors");
  double relative_ = 0, absolute_ = 0;
};

TEST_P(ArchitecturesTest, Float32AgreesWithTransformers) {
  compare(torch::kFloat, 1e-3, 1e-4);
}

// A GGUF file holds epsilon, RoPE's base and its factors in float32 alone.
TEST_P(ArchitecturesTest, Float64AgreesWithTransformers) {
  const bool is_gguf = GetParam().path != GetParam().folder();
  compare(torch::kDouble, is_gguf ? 1e-6 : 1e-8, is_gguf ? 1e-6 : 1e-8);
}

INSTANTIATE_TEST_SUITE_P(Models, ArchitecturesTest, testing::ValuesIn(golden_models()),
                         [](const auto& info) { return info.param.name(); });

}  // namespace
}  // namespace spikesink
