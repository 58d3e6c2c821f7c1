// No T x T tensor exists unless a pattern hook is on: every allocation of a pass is weighed.

#include <c10/core/CPUAllocator.h>
#include <gtest/gtest.h>

#include <mutex>

#include "spikesink/hooks/hook_names.h"
#include "spikesink/measure/practice/perplexity.h"
#include "spikesink/measure/sinks/attention_sinks.h"
#include "spikesink/measure/sinks/sinks_anywhere.h"
#include "spikesink/measure/spikes/life_cycle.h"
#include "spikesink/measure/spikes/massive_activations.h"
#include "tiny_model.h"

namespace spikesink {
namespace {

using namespace hook_names;

/// Stands before LibTorch's allocator and notes the sizes it is asked for.
class Scales : public c10::Allocator {
 public:
  Scales() : behind_(c10::GetCPUAllocator()) { c10::SetCPUAllocator(this, /*priority=*/100); }
  ~Scales() override { c10::SetCPUAllocator(behind_, /*priority=*/100); }

  at::DataPtr allocate(size_t bytes) override {
    const std::lock_guard lock(mutex_);
    sizes.push_back(bytes);
    return behind_->allocate(bytes);
  }
  at::DeleterFnPtr raw_deleter() const override { return behind_->raw_deleter(); }
  void copy_data(void* to, const void* from, size_t bytes) const override {
    behind_->copy_data(to, from, bytes);
  }

  int64_t count_from(size_t bytes) const {
    return std::count_if(sizes.begin(), sizes.end(), [&](size_t size) { return size >= bytes; });
  }

  std::vector<size_t> sizes;

 private:
  c10::Allocator* behind_;
  std::mutex mutex_;
};

// One head's matrix of booleans, the least that could be called T x T, is far above everything
// else.
constexpr int64_t kLength = 2048;
constexpr size_t kMatrix = kLength * kLength;

/// Score rules that the fused kernel does not know, and one that it does.
std::vector<ModelConfig> configs_of_every_path() {
  std::vector<ModelConfig> configs(5, tiny_config());
  configs[1].layers.assign(2, {.window = 300});
  configs[2].attention_softcap = 30;
  configs[3].alibi = Alibi::kExact;
  configs[4].sink_logits = true;
  return configs;
}

class AttentionMemoryTest : public testing::TestWithParam<ModelConfig> {};

TEST_P(AttentionMemoryTest, MeasuringFormsNoMatrix) {
  auto model = random_model(GetParam());
  const TokenBatches batches = {{random_tokens(1, kLength), 0}};
  LifeCycle life_cycle;
  MassiveActivations massive;
  AttentionSinks sinks({.keys = {0, 1, 7}});
  Perplexity perplexity;
  SinksAnywhere anywhere;
  Scales scales;
  run(model, batches, {&life_cycle, &massive, &sinks, &perplexity, &anywhere});
  EXPECT_GT(scales.sizes.size(), 50u) << "the scales are in use";
  EXPECT_EQ(scales.count_from(kMatrix), 0)
      << "largest: " << *std::max_element(scales.sizes.begin(), scales.sizes.end());
}

TEST_P(AttentionMemoryTest, APatternHookFormsMatricesInItsLayerAlone) {
  auto model = random_model(GetParam());
  const auto tokens = random_tokens(1, kLength);
  for (const auto point : {kPattern, kScores}) {
    Scales scales;
    std::vector<int64_t> matrices;  // before layer 0, after it, after layer 1
    const Hook count = [&](const torch::Tensor&) {
      matrices.push_back(scales.count_from(kMatrix));
    };
    run_with_hooks(model, tokens,
                   {{"hook_embed", count},
                    {"blocks.*.hook_resid_post", count},
                    {layer_hook_name(1, point), [](const torch::Tensor&) {}}});
    ASSERT_EQ(matrices.size(), 3u);
    EXPECT_EQ(matrices[1], 0);
    EXPECT_GT(matrices[2], 0);
  }
}

// A long text costs rows of keys for the few queries that are taken together, a window no more than
// its width.
TEST(LongTextTest, MemoryGrowsWithTheLengthAlone) {
  constexpr int64_t kLong = 32768, kTogether = 64, kWindow = 512;
  for (const int64_t window : {int64_t{0}, kWindow}) {
    auto config = tiny_config();
    config.context = kLong;
    config.layers.assign(config.n_layers, {.window = window});
    auto model = random_model(config);
    AttentionSinks sinks({.keys = {0, kLong - 10}});
    SinksAnywhere anywhere;
    LifeCycle life_cycle;
    Scales scales;
    std::vector<Measurement*> all = {&sinks, &life_cycle};
    if (window > 0) all.push_back(&anywhere);  // without one it takes time that grows with T^2
    run(model, {{random_tokens(1, kLong), 0}}, all);
    const int64_t keys = window > 0 ? window + kTogether : kLong;
    const auto scores = static_cast<size_t>(config.n_heads * kTogether * keys) * sizeof(float);
    const auto states = static_cast<size_t>(kLong * config.d_mlp) * sizeof(float);
    EXPECT_LE(*std::max_element(scales.sizes.begin(), scales.sizes.end()),
              std::max(scores, 2 * states))
        << "window " << window;
    EXPECT_EQ(sinks.result().sequences, 1);
  }
}

INSTANTIATE_TEST_SUITE_P(Paths, AttentionMemoryTest, testing::ValuesIn(configs_of_every_path()));

}  // namespace
}  // namespace spikesink
