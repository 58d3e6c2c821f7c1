// Shares of keys in the span of rows of W_K, against projections with a pseudoinverse.

#include "spikesink/measure/sinks/sink_key_span.h"

#include <torch/torch.h>

#include "measure/planted_spikes.h"
#include "measure/sinks/qk_batches.h"
#include "message_of.h"
#include "spikesink/hooks/hook_names.h"
#include "spikesink/measure/sinks/sink_geometry.h"

namespace spikesink {
namespace {

using namespace hook_names;

struct KeyModel {
  const char* name;
  ModelConfig config;
};

void PrintTo(const KeyModel& model, std::ostream* out) {
  *out << model.name;
}

std::vector<KeyModel> key_models() {
  std::vector<KeyModel> models = {
      {"Grouped", tiny_config()}, {"Ungrouped", tiny_config()}, {"QkNorm", tiny_config()},
      {"Biases", tiny_config()},  {"LayerNorm", tiny_config()}, {"DynamicTanh", tiny_config()},
      {"NoInput", tiny_config()},
  };
  models[1].config.n_key_value_heads = models[1].config.n_heads;
  models[2].config.qk_norm = QkNorm::kPerHead;
  models[3].config.qkv_bias = true;
  models[4].config.norm = {.kind = NormKind::kLayerNorm, .has_bias = true};
  models[4].config.qkv_bias = true;
  models[5].config.norm = {.kind = NormKind::kDynamicTanh, .has_bias = true};
  models[6].config.norm_placement = NormPlacement::kOutput;
  return models;
}

class SinkKeySpanTest : public testing::TestWithParam<KeyModel> {
 protected:
  torch::NoGradGuard no_grad;
  Transformer model = random_model(GetParam().config, torch::kDouble);
  TokenBatches batches = batches_of_lengths({9, 1, 12});
  SinkKeySpanOptions options{.channels = {3, 20, 7}, .sinks = kSinks};

  // What the projection gives for a token without a hidden state: constant over tokens.
  torch::Tensor constant(const Linear& projection, int64_t layer) const {
    const auto& bias = model->layers[layer]->attention_norms.input->bias;
    const auto zero = torch::zeros({1, model->config().d_model}, torch::kDouble);
    return projection->forward(bias.defined() ? zero + bias : zero)[0];
  }
  // The vectors of one head of the sinks, or of the other tokens, without constants: [n, d_head].
  torch::Tensor vectors(std::string_view point, const Linear& projection, int64_t layer,
                        int64_t head, bool of_sinks) {
    const auto name = layer_hook_name(layer, point);
    const auto constants = constant(projection, layer).view({-1, model->config().d_head})[head];
    std::vector<torch::Tensor> chosen;
    for (const auto& batch : batches) {
      const auto cache = run_with_cache(model, batch.ids, {name});
      for (int64_t row = 0; row < batch.ids.size(0); ++row) {
        for (int64_t position = 0; position < batch.ids.size(1); ++position) {
          if (is_sink(batch.first_sequence + row, position) == of_sinks)
            chosen.push_back(cache[name][row][position][head] - constants);
        }
      }
    }
    return at::stack(chosen);
  }
  // d key / d (hidden state's quotient) at the channels, by differences: [d_head, channels].
  torch::Tensor rows(int64_t layer, int64_t head) const {
    const auto& block = *model->layers[layer];
    const auto& norm = block.attention_norms.input;
    const auto d_model = model->config().d_model;
    auto units = torch::eye(d_model, torch::kDouble);
    if (norm->config().kind == NormKind::kLayerNorm)
      units = units - 1.0 / static_cast<double>(d_model);
    const auto scale = norm->scale(torch::kDouble);
    if (scale.defined()) units = units * scale;
    const auto keys = at::matmul(units, block.attn->k->weight.t());  // [d_model, K * d_head]
    return keys.index_select(0, torch::tensor(options.channels))
        .unflatten(1, {-1, model->config().d_head})
        .select(1, head)
        .t();
  }

  void expect_keys(const KeysInSpan& got, const torch::Tensor& keys, const torch::Tensor& span) {
    const auto projected = at::matmul(keys, at::matmul(span, at::linalg_pinv(span)));
    const auto shares = projected.square().sum(1) / keys.square().sum(1);
    EXPECT_EQ(got.share.count, keys.size(0));
    EXPECT_NEAR(got.share.mean, shares.mean().item<double>(), 1e-9);
    EXPECT_NEAR(got.share.standard_deviation(), shares.std().item<double>(), 1e-9);
    EXPECT_NEAR(got.effective_rank, effective_rank(keys), 1e-6);
  }
  static double effective_rank(const torch::Tensor& vectors) {
    const auto singular = at::linalg_svdvals(vectors).square();
    const auto shares = singular / singular.sum();
    return (-(shares * shares.log()).sum()).exp().item<double>();
  }
};

TEST_P(SinkKeySpanTest, SharesAreThoseOfProjections) {
  SinkKeySpan span(options);
  run(model, batches, {&span});
  const auto result = span.result();
  EXPECT_EQ(result.sink_keys, 7);
  EXPECT_EQ(result.other_keys, 2 * (9 + 1 + 12) - 7);
  const auto& config = model->config();
  const int64_t group = config.n_heads / config.n_key_value_heads;
  ASSERT_EQ(result.heads.size(), static_cast<size_t>(2 * config.n_key_value_heads));
  for (const auto& head : result.heads) {
    SCOPED_TRACE("layer " + std::to_string(head.layer) + " head " + std::to_string(head.key_head));
    EXPECT_EQ(head.rank, 3);
    EXPECT_NEAR(head.random_share, 3.0 / 8, 1e-12);
    const auto& attention = *model->layers[head.layer]->attn;
    const auto of_keys = [&](bool of_sinks) {
      return vectors(kK, attention.k, head.layer, head.key_head, of_sinks);
    };
    const auto columns = rows(head.layer, head.key_head);
    expect_keys(head.sinks, of_keys(true), columns);
    expect_keys(head.others, of_keys(false), columns);
    double query_rank = 0;
    for (int64_t query_head = head.key_head * group; query_head < (head.key_head + 1) * group;
         ++query_head)
      query_rank += effective_rank(vectors(kQ, attention.q, head.layer, query_head, false)) / group;
    EXPECT_NEAR(head.query_rank, query_rank, 1e-6);
  }
}

TEST_P(SinkKeySpanTest, TwoPassesMerged) {
  SinkKeySpan once(options), first(options), second(options);
  run(model, batches, {&once});
  run(model, {batches[0]}, {&first});
  run(model, {batches[1], batches[2]}, {&second});
  first.merge(second);
  const auto a = once.result(), b = first.result();
  EXPECT_EQ(a.sink_keys, b.sink_keys);
  EXPECT_EQ(a.other_keys, b.other_keys);
  ASSERT_EQ(a.heads.size(), b.heads.size());
  for (size_t index = 0; index < a.heads.size(); ++index) {
    const auto &one = a.heads[index], &other = b.heads[index];
    EXPECT_EQ(one.rank, other.rank);
    EXPECT_EQ(one.sinks.share.count, other.sinks.share.count);
    EXPECT_NEAR(one.sinks.share.mean, other.sinks.share.mean, 1e-12);
    EXPECT_NEAR(one.others.share.mean, other.others.share.mean, 1e-12);
    EXPECT_NEAR(one.others.effective_rank, other.others.effective_rank, 1e-6);
    EXPECT_NEAR(one.query_rank, other.query_rank, 1e-6);
  }
}

INSTANTIATE_TEST_SUITE_P(Models, SinkKeySpanTest, testing::ValuesIn(key_models()),
                         [](const auto& info) { return std::string(info.param.name); });

/// Spikes of 7,000 and more in channels 3, 9 and 12.
struct PlantedSinkKeySpanTest : PlantedSpikes {
  HookScope scope = plant();
  SinkKeys spikes{.positions = {}, .token_positions = places_of(spike_mask()).positions()};

  SinkKeySpanResult measured(SinkKeySpanOptions options) {
    SinkKeySpan span(std::move(options));
    run(model, batches, {&span});
    return span.result();
  }
};

TEST_F(PlantedSinkKeySpanTest, KeysOfSpikeTokensLieInTheSpan) {
  const auto result = measured({.channels = {3, 9, 12}, .sinks = spikes});
  for (const auto& head : result.heads) {
    if (head.layer == 0) continue;  // before the spike
    EXPECT_GT(head.sinks.share.mean, 0.999);
    EXPECT_LT(head.others.share.mean, 0.8);
    EXPECT_LT(head.sinks.effective_rank, 3);
    EXPECT_GT(head.others.effective_rank, 4);
  }
}

TEST_F(PlantedSinkKeySpanTest, ARepeatedChannelAddsNoDimension) {
  for (const auto& head : measured({.channels = {3, 9, 3}, .sinks = spikes}).heads)
    EXPECT_EQ(head.rank, 2);
}

TEST_F(PlantedSinkKeySpanTest, RanksOfOtherKeysAreThoseOfTheGeometry) {
  const auto result = measured({.channels = {3}, .sinks = spikes});
  SinkGeometry geometry({.sinks = spikes, .before_rope = true});
  run(model, batches, {&geometry});
  for (const auto& head : geometry.result().heads) {
    const auto& keys = result.heads[head.layer * 2 + head.key_head];
    EXPECT_NEAR(keys.sinks.effective_rank, head.sinks.effective_rank, 1e-9);
    EXPECT_NEAR(keys.others.effective_rank, head.others.effective_rank, 1e-9);
  }
}

TEST_F(PlantedSinkKeySpanTest, NothingToCompareIsAnEmptyResult) {
  EXPECT_TRUE(SinkKeySpan().result().heads.empty()) << "before any run";
  EXPECT_TRUE(measured({.sinks = spikes}).heads.empty()) << "no channels";
  const auto beyond = measured({.channels = {3}, .sinks = {.positions = {50}}});
  EXPECT_TRUE(beyond.heads.empty()) << "no sink keys";
  EXPECT_EQ(beyond.other_keys, kSequences * kLength);
}

TEST_F(PlantedSinkKeySpanTest, ValuesThatAreNotNumbersAreSkipped) {
  const auto broken = model->hooks().add("blocks.1.attn.hook_k", [](const torch::Tensor& k) {
    auto changed = k.clone();
    changed[0][0] = NAN;
    return changed;
  });
  for (const auto& head : measured({.channels = {3}}).heads)
    EXPECT_EQ(head.sinks.share.count, head.layer == 1 ? kSequences / 2 : kSequences);
}

TEST_F(PlantedSinkKeySpanTest, InvalidArgumentsAreRefused) {
  const auto refuses = [&](const SinkKeySpanOptions& options, const std::string& words) {
    const auto message = message_of<std::invalid_argument>([&] { measured(options); });
    EXPECT_TRUE(contains(message, words)) << message;
  };
  refuses({.channels = {32}}, "channel: got 32, expected 0 to 31");
  refuses({.channels = {-1}}, "channel: got -1");
  refuses({.channels = {3}, .sinks = {.positions = {-2}}}, "got -2");
}

TEST_F(PlantedSinkKeySpanTest, OtherOptionsDoNotMerge) {
  SinkKeySpan one({.channels = {3}});
  run(model, batches, {&one});
  const auto refuses = [&](SinkKeySpan other, const std::string& words) {
    run(model, batches, {&other});
    const auto message = message_of<std::invalid_argument>([&] { one.merge(other); });
    EXPECT_TRUE(contains(message, words)) << message;
  };
  refuses(SinkKeySpan({.channels = {9}}), "channels [9], expected [3]");
  refuses(SinkKeySpan({.channels = {3}, .sinks = {.positions = {1}}}), "sinks [1], expected [0]");
  auto config = tiny_config();
  config.n_layers = 1;
  model = random_model(config, torch::kDouble);
  refuses(SinkKeySpan({.channels = {3}}), "[1, 4, 2, 8], expected [2, 4, 2, 8]");
}

}  // namespace
}  // namespace spikesink
