// Each measurement on a small model against a computation over whole tensors; two passes merged
// against one.

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "measure/measured_model.h"
#include "message_of.h"
#include "spikesink/hooks/hook_names.h"
#include "spikesink/measure/sinks/attention_sinks.h"
#include "spikesink/measure/spikes/life_cycle.h"
#include "spikesink/measure/spikes/massive_activations.h"
#include "spikesink/measure/practice/perplexity.h"
#include "spikesink/measure/spikes/state_picture.h"

namespace spikesink {
namespace {

using namespace hook_names;

struct MeasurementsTest : MeasuredModel {
  /// The model spikes: born in the feed-forward of layer 0, gone after that of layer 1.
  HookScope spike() {
    auto scope = model->hooks().add("blocks.0.hook_mlp_out", push(0, 3, 5000));
    scope += model->hooks().add("blocks.0.hook_mlp_out", push(4, 9, -4000));
    scope += model->hooks().add("blocks.1.hook_mlp_out", push(0, 3, -5000));
    scope += model->hooks().add("blocks.1.hook_mlp_out", push(4, 9, 4000));
    return scope;
  }
};

void expect_same(const StateSummary& a, const StateSummary& b) {
  EXPECT_EQ(a.channel_max, b.channel_max);
  EXPECT_EQ(a.median, b.median);
  EXPECT_EQ(a.not_finite, b.not_finite);
  ASSERT_EQ(a.top.size(), b.top.size());
  for (size_t rank = 0; rank < a.top.size(); ++rank) {
    EXPECT_EQ(std::tie(a.top[rank].channel, a.top[rank].magnitude, a.top[rank].sequence,
                       a.top[rank].position),
              std::tie(b.top[rank].channel, b.top[rank].magnitude, b.top[rank].sequence,
                       b.top[rank].position));
  }
}

void expect_summary_of(const torch::Tensor& state, const StateSummary& got) {
  const auto magnitudes = state.abs();
  const auto maxima = magnitudes.amax({0, 1});
  EXPECT_TRUE(torch::tensor(got.channel_max).equal(maxima));
  EXPECT_NEAR(got.median / magnitudes.median().item<double>(), 1, 1.0 / 128);
  const auto order = maxima.argsort(-1, /*descending=*/true);
  ASSERT_EQ(got.top.size(), 3u);
  for (size_t rank = 0; rank < 3; ++rank) {
    const auto& peak = got.top[rank];
    EXPECT_EQ(peak.channel, order[rank].item<int64_t>());
    EXPECT_EQ(static_cast<float>(peak.magnitude),
              magnitudes[peak.sequence][peak.position][peak.channel].item<float>());
    EXPECT_EQ(static_cast<float>(peak.magnitude), maxima[peak.channel].item<float>());
  }
}

TEST_F(MeasurementsTest, LifeCycleSummarisesEveryState) {
  LifeCycle life_cycle;
  run(model, batches, {&life_cycle});
  const auto result = life_cycle.result();
  expect_summary_of(all_of("hook_embed")["hook_embed"], result.embedding);
  auto cache = all_of("blocks.*.*");
  ASSERT_EQ(result.blocks.size(), 4u);
  for (const auto& block : result.blocks) {
    expect_summary_of(cache[model->hidden_state_point(block.block)], block.hidden_state);
    expect_summary_of(cache[block.block.output_point()], block.output);
  }
  EXPECT_TRUE(result.spike_channels.empty());
  EXPECT_TRUE(result.step_up.empty());
  EXPECT_TRUE(result.step_down.empty());
}

TEST_F(MeasurementsTest, LifeCycleFindsRiseAndFall) {
  const auto scope = spike();
  LifeCycle life_cycle;
  run(model, batches, {&life_cycle});
  const auto result = life_cycle.result();
  EXPECT_EQ(result.spike_channels, (std::vector<int64_t>{3, 9}));
  EXPECT_EQ(result.step_up, std::vector<int64_t>{2});
  EXPECT_EQ(result.step_down, std::vector<int64_t>{4});
}

TEST_F(MeasurementsTest, SpikesThatDieAndRiseAgainAreEpisodes) {
  const std::vector<std::pair<std::string, double>> added = {{"blocks.0.hook_attn_out", 4000},
                                                             {"blocks.0.hook_mlp_out", -3990},
                                                             {"blocks.1.hook_attn_out", 9000},
                                                             {"blocks.1.hook_mlp_out", -4500}};
  HookScope scope;
  for (const auto& [point, amount] : added) scope += model->hooks().add(point, push(0, 3, amount));
  LifeCycle life_cycle;
  run(model, batches, {&life_cycle});
  const auto result = life_cycle.result();
  ASSERT_EQ(result.episodes.size(), 2u);
  EXPECT_EQ(result.episodes[0].first.number, 1);
  EXPECT_EQ(result.episodes[0].last.number, 1);
  EXPECT_EQ(result.episodes[0].peak.channel, 3);
  EXPECT_NEAR(result.episodes[0].peak.magnitude, 4000, 50);
  EXPECT_EQ(result.episodes[1].first.number, 3);
  EXPECT_EQ(result.episodes[1].last.number, 4);
  EXPECT_NEAR(result.episodes[1].peak.magnitude, 9010, 50);
  ASSERT_EQ(result.steps.size(), 4u);
  const double shares[] = {1, 1, 1, 0.5};
  for (size_t step = 0; step < 4; ++step) {
    EXPECT_EQ(result.steps[step].block.number, static_cast<int64_t>(step) + 1);
    EXPECT_EQ(result.steps[step].channel, 3);
    EXPECT_NEAR(result.steps[step].share, shares[step], 0.02);
  }
}

TEST_F(MeasurementsTest, LifeCycleFindsTheFirstExcess) {
  const auto scope = spike();
  LifeCycle life_cycle;
  run(model, batches, {&life_cycle});
  const auto result = life_cycle.result();
  const auto excess = result.first_over(4500);
  ASSERT_TRUE(excess);
  EXPECT_EQ(excess->block.number, 2);
  EXPECT_EQ(excess->peak.channel, 3);
  EXPECT_EQ(excess->peak.position, 0);
  EXPECT_GT(excess->peak.magnitude, 4500);
  EXPECT_FALSE(result.first_over(kLargestFloat16));
}

TEST_F(MeasurementsTest, OnlyTheStreamMayBeOverALimit) {
  auto scope = model->hooks().add("hook_embed", push(0, 3, 3000));
  scope += model->hooks().add("blocks.0.hook_attn_out", push(0, 3, 2000));
  LifeCycle life_cycle;
  run(model, batches, {&life_cycle});
  const auto excess = life_cycle.result().first_over(4500);
  ASSERT_TRUE(excess);
  EXPECT_EQ(excess->block.number, 1);
  EXPECT_NEAR(excess->peak.magnitude, 5000, 50);
}

TEST_F(MeasurementsTest, LifeCyclesMerge) {
  const auto scope = spike();
  const auto [once, merged] = once_and_merged<LifeCycle>();
  const auto a = once.result(), b = merged.result();
  expect_same(a.embedding, b.embedding);
  for (size_t block = 0; block < a.blocks.size(); ++block) {
    expect_same(a.blocks[block].hidden_state, b.blocks[block].hidden_state);
    expect_same(a.blocks[block].output, b.blocks[block].output);
  }
  EXPECT_EQ(a.step_up, b.step_up);
}

TEST_F(MeasurementsTest, MassiveActivationsAreThoseOfTheDefinition) {
  const auto scope = spike();
  MassiveActivations massive;
  run(model, batches, {&massive});
  const auto result = massive.result();
  auto cache = all_of("blocks.*.*");
  for (int64_t number = 1; number <= 4; ++number) {
    const auto state = cache[model->hidden_state_point(Block{number})];
    const auto medians = std::get<0>(state.abs().flatten(1).median(1));
    const auto is_massive = (state.abs() > 100) & (state.abs() >= 1000 * medians.view({-1, 1, 1}));
    const auto found =
        std::find_if(result.blocks.begin(), result.blocks.end(),
                     [&](const auto& block) { return block.block.number == number; });
    ASSERT_EQ(found != result.blocks.end(), is_massive.any().item<bool>()) << "block " << number;
    if (found == result.blocks.end()) continue;
    EXPECT_EQ(found->token_count, is_massive.any(2).sum().item<int64_t>());
    for (const auto& channel : found->channels) {
      const auto values = state.select(2, channel.channel)
                              .masked_select(is_massive.select(2, channel.channel))
                              .to(torch::kDouble);
      EXPECT_EQ(channel.all.count, values.numel());
      EXPECT_NEAR(channel.all.mean, values.mean().item<double>(),
                  1e-6 * std::abs(channel.all.mean));
      EXPECT_NEAR(channel.all.standard_deviation(), values.std().item<double>(),
                  1e-6 * std::abs(channel.all.mean));
      EXPECT_EQ(channel.largest, values.abs().max().item<double>());
    }
  }
  EXPECT_EQ(result.channels(), (std::vector<int64_t>{3, 9}));
  EXPECT_EQ(result.blocks.front().positions,
            (std::map<int64_t, int64_t>{{0, kSequences}, {4, kSequences}}));
  EXPECT_GT(
      result.blocks.front().channels[0].at_start.mean * result.blocks.front().channels[0].largest,
      0)
      << "means are signed";
  EXPECT_LT(result.blocks.front().channels[1].elsewhere.mean, -3000);
}

TEST_F(MeasurementsTest, AMagnitudeAtTheThresholdsIsMassiveByRatioAlone) {
  constexpr float kMedian = 1537.0F / 8192, kAtRatio = 1000 * kMedian;  // exact, both
  const auto last = model->hidden_state_point(Block{2 * model->config().n_layers});
  const auto scope = model->hooks().add(last, [&](const torch::Tensor& x) {
    auto state = torch::full_like(x, kMedian);
    state.select(1, 1).select(1, 3).fill_(kAtRatio);
    state.select(1, 2).select(1, 9).fill_(std::nextafter(kAtRatio, 0.0F));
    return state;
  });
  MassiveActivations massive, too_small({.least_magnitude = kAtRatio});
  run(model, batches, {&massive, &too_small});
  EXPECT_EQ(massive.result().channels(), std::vector<int64_t>{3});
  EXPECT_TRUE(too_small.result().blocks.empty()) << "not larger than the least magnitude";
}

TEST_F(MeasurementsTest, MassiveActivationsMerge) {
  const auto scope = spike();
  const auto [once, merged] = once_and_merged<MassiveActivations>();
  const auto a = once.result(), b = merged.result();
  ASSERT_EQ(a.blocks.size(), b.blocks.size());
  for (size_t block = 0; block < a.blocks.size(); ++block) {
    EXPECT_EQ(a.blocks[block].positions, b.blocks[block].positions);
    EXPECT_EQ(a.blocks[block].token_count, b.blocks[block].token_count);
    ASSERT_EQ(a.blocks[block].channels.size(), b.blocks[block].channels.size());
    for (size_t index = 0; index < a.blocks[block].channels.size(); ++index) {
      const auto &one = a.blocks[block].channels[index], &other = b.blocks[block].channels[index];
      EXPECT_EQ(one.channel, other.channel);
      EXPECT_NEAR(one.all.mean, other.all.mean, 1e-9 * std::abs(one.all.mean));
      EXPECT_NEAR(one.all.standard_deviation(), other.all.standard_deviation(), 1e-6 * one.largest);
    }
    EXPECT_EQ(a.blocks[block].tokens.size(), b.blocks[block].tokens.size());
  }
}

TEST_F(MeasurementsTest, AttentionSinksAreMeansOfTheMatrix) {
  AttentionSinks first_look;
  run(model, batches, {&first_look});
  const double epsilon = first_look.result().heads[0].importance;  // some heads lie above it
  AttentionSinks sinks({.epsilon = epsilon, .keys = {0, 3}});
  run(model, batches, {&sinks});
  const auto result = sinks.result();
  auto cache = all_of("blocks.*.attn.hook_pattern");
  EXPECT_EQ(result.sequences, kSequences);
  ASSERT_EQ(result.heads.size(), 2u * 4 * 2);
  double exceeding = 0, mean_exceeding = 0;
  for (const auto& head : result.heads) {
    const auto received = cache[in_block(head.layer, kPattern)]
                              .select(1, head.head)
                              .select(2, head.key)
                              .slice(1, head.key)
                              .mean(1);
    EXPECT_NEAR(head.importance, received.mean().item<double>(), 1e-6);
    EXPECT_NEAR(head.share_of_sequences,
                (received > epsilon).to(torch::kDouble).mean().item<double>(), 1e-12);
    if (head.key != 0) continue;
    exceeding += head.share_of_sequences;
    mean_exceeding += received.mean().item<double>() > epsilon;
  }
  EXPECT_GT(mean_exceeding, 0) << "the test has something to see";
  EXPECT_LT(mean_exceeding, 8);
  EXPECT_NEAR(result.sink_ratio(SinkDefinition::kGu), 100 * exceeding / 8, 1e-9);
  EXPECT_NEAR(result.sink_ratio(SinkDefinition::kMeanFirst), 100 * mean_exceeding / 8, 1e-9);
  EXPECT_EQ(static_cast<double>(result.sink_heads().size()), mean_exceeding);
}

TEST_F(MeasurementsTest, AttentionSinksMerge) {
  const auto [once, merged] = once_and_merged<AttentionSinks>();
  const auto a = once.result(), b = merged.result();
  EXPECT_EQ(a.sequences, b.sequences);
  for (size_t index = 0; index < a.heads.size(); ++index) {
    EXPECT_NEAR(a.heads[index].importance, b.heads[index].importance, 1e-12);
    EXPECT_EQ(a.heads[index].share_of_sequences, b.heads[index].share_of_sequences);
  }
}

TEST_F(MeasurementsTest, ASequenceThatEndsBeforeAKeySaysNothingOfIt) {
  AttentionSinks sinks({.keys = {0, 5}});
  run(model, token_batches({{1, 2, 3, 4, 5, 6, 7}, {1, 2, 3}}), {&sinks});
  const auto both = sinks.result();
  run(model, token_batches({{1, 2, 3, 4, 5, 6, 7}}), {&sinks});
  const auto longer = sinks.result();
  for (size_t index = 0; index < both.heads.size(); ++index) {
    if (both.heads[index].key != 5) continue;
    EXPECT_EQ(both.heads[index].importance, longer.heads[index].importance);
  }
  EXPECT_THROW(longer.sink_ratio(SinkDefinition::kGu, 6), std::invalid_argument);
  run(model, token_batches({{1, 2, 3}}), {&sinks});
  EXPECT_TRUE(std::isnan(sinks.result().sink_ratio(SinkDefinition::kGu, 5)));
}

TEST_F(MeasurementsTest, PerplexityIsThatOfTheLogits) {
  Perplexity perplexity;
  run(model, batches, {&perplexity});
  const auto logits = model->forward(tokens).slice(1, 0, kLength - 1);
  const auto losses =
      -at::log_softmax(logits.to(torch::kDouble), -1).gather(2, tokens.slice(1, 1).unsqueeze(2));
  const auto result = perplexity.result();
  EXPECT_EQ(result.tokens, kSequences * (kLength - 1));
  EXPECT_NEAR(result.mean_loss, losses.mean().item<double>(), 1e-5);
  EXPECT_NEAR(result.perplexity, std::exp(result.mean_loss), 1e-9 * result.perplexity);
  const auto [once, merged] = once_and_merged<Perplexity>();
  EXPECT_NEAR(once.result().mean_loss, merged.result().mean_loss, 1e-12);
}

TEST_F(MeasurementsTest, PerplexityUsesTheLogitsThatAHookLeaves) {
  const auto scope = model->hooks().add(
      kUnembedOut, [](const torch::Tensor& logits) { return at::zeros_like(logits); });
  Perplexity perplexity;
  run(model, batches, {&perplexity});
  EXPECT_NEAR(perplexity.result().perplexity, static_cast<double>(model->config().d_vocabulary),
              1e-3);
}

TEST_F(MeasurementsTest, NothingToPredictIsNotANumber) {
  Perplexity perplexity;
  run(model, token_batches({{1}, {2}}), {&perplexity});
  EXPECT_EQ(perplexity.result().tokens, 0);
  EXPECT_TRUE(std::isnan(perplexity.result().mean_loss));
}

TEST_F(MeasurementsTest, ALossThatIsNotANumberHasNoInterval) {
  PerplexityResult result{.mean_loss = 2, .perplexity = std::exp(2), .tokens = 6};
  result.sequences = {{1.0, 2}, {4.0, 2}, {7.0, 2}};
  const auto [low, high] = result.interval(1);
  EXPECT_LT(low, high);
  result.sequences[1].loss = result.mean_loss = result.perplexity = NAN;
  const auto [no_low, no_high] = result.interval(1);
  EXPECT_TRUE(std::isnan(no_low) && std::isnan(no_high));
}

TEST_F(MeasurementsTest, AStateHasATopChannel) {
  LifeCycle none({.top = 0});
  EXPECT_THROW(run(model, batches, {&none}), std::invalid_argument);
}

TEST_F(MeasurementsTest, ARunStartsAnewAndLeavesNoHook) {
  LifeCycle life_cycle;
  MassiveActivations massive;
  AttentionSinks sinks;
  Perplexity perplexity;
  const std::vector<Measurement*> all = {&life_cycle, &massive, &sinks, &perplexity};
  run(model, batches, all);
  const auto before = life_cycle.result();
  std::vector<std::pair<int64_t, int64_t>> progress;
  run(model, batches, all,
      [&](int64_t done, int64_t total) { progress.emplace_back(done, total); });
  expect_same(before.blocks[3].hidden_state, life_cycle.result().blocks[3].hidden_state);
  EXPECT_EQ(perplexity.result().tokens, kSequences * (kLength - 1));
  EXPECT_EQ(sinks.result().sequences, kSequences);
  ASSERT_EQ(progress.size(), 3 * model->config().n_layers);
  EXPECT_EQ(progress[0], (std::pair<int64_t, int64_t>{2, 6 * model->config().n_layers}));
  EXPECT_EQ(progress.back().first, progress.back().second);
  EXPECT_EQ(model->hooks().active(), 0u);
}

TEST_F(MeasurementsTest, BatchSizeChangesNothing) {
  LifeCycle together, apart;
  run(model, {{tokens, 0}}, {&together});
  run(model, token_batches(rows(0, kSequences), 1), {&apart});
  const auto a = together.result(), b = apart.result();
  for (size_t block = 0; block < a.blocks.size(); ++block) {
    const auto &one = a.blocks[block].hidden_state.top[0],
               &other = b.blocks[block].hidden_state.top[0];
    EXPECT_EQ(std::tie(one.channel, one.sequence, one.position),
              std::tie(other.channel, other.sequence, other.position));
    EXPECT_NEAR(one.magnitude / other.magnitude, 1, 1e-5);
  }
}

TEST_F(MeasurementsTest, ModelsOfAnotherDepthDoNotMerge) {
  auto config = tiny_config();
  config.n_layers = 1;
  auto shallow = random_model(config);
  const auto refuses = [&](auto one, auto other) {
    run(model, batches, {&one});
    run(shallow, batches, {&other});
    EXPECT_THROW(one.merge(other), std::invalid_argument);
  };
  refuses(LifeCycle(), LifeCycle());
  refuses(MassiveActivations(), MassiveActivations());
  refuses(AttentionSinks(), AttentionSinks());
}

TEST_F(MeasurementsTest, ThePictureIsOfTheLargestState) {
  const auto scope = spike();
  LifeCycle life_cycle;
  run(model, batches, {&life_cycle});
  const auto picture = most_extreme_state(model, batches, life_cycle.result(),
                                          {.most_tokens = 8, .most_columns = 5});
  ASSERT_TRUE(picture);
  const auto ids = tokens.slice(0, picture->sequence, picture->sequence + 1);
  const auto point = model->hidden_state_point(picture->block);
  const auto state = run_with_cache(model, ids, {point})[point][0].abs();
  EXPECT_EQ(picture->tokens.size(), 8u);
  EXPECT_EQ(picture->channels.front().first, 0);
  EXPECT_EQ(picture->channels.back().second, 31);
  for (size_t column = 0; column < 5; ++column) {
    const auto& [first, last] = picture->channels[column];
    EXPECT_EQ(picture->magnitudes[2][column],
              state[2].slice(0, first, last + 1).max().item<float>());
  }
}

// Where what follows a token matters, an encoder or a base that moves with the length, the whole
// sequence must pass.
TEST_F(MeasurementsTest, ThePictureIsOfTheStateThatWasMeasured) {
  auto config = tiny_config();
  config.causal = false;
  config.head = Head::kNone;
  use(random_model(config));
  const auto scope = model->hooks().add("blocks.0.hook_mlp_out", push(2, 3, 5000));
  LifeCycle life_cycle;
  run(model, batches, {&life_cycle});
  const auto picture = most_extreme_state(model, batches, life_cycle.result(), {.most_tokens = 8});
  ASSERT_TRUE(picture);
  EXPECT_EQ(picture->magnitudes[2][3],
            static_cast<float>(life_cycle.result().largest()->hidden_state.top[0].magnitude));
}

TEST_F(MeasurementsTest, ThePictureReachesTheLargestMagnitude) {
  const auto scope = model->hooks().add("blocks.0.hook_mlp_out", push(15, 3, 5000));
  LifeCycle life_cycle;
  run(model, batches, {&life_cycle});
  const auto picture = most_extreme_state(model, batches, life_cycle.result(), {.most_tokens = 8});
  ASSERT_TRUE(picture);
  EXPECT_EQ(picture->first_position, 8);
  ASSERT_EQ(picture->magnitudes.size(), 8u);
  EXPECT_GT(picture->magnitudes.back()[3], 4000);
  EXPECT_EQ(picture->tokens.back(), tokens[picture->sequence][15].item<int64_t>());
}

TEST_F(MeasurementsTest, StatesThatAreNotFiniteAreCounted) {
  const auto scope = model->hooks().add("blocks.0.hook_mlp_out", push(2, 1, INFINITY));
  LifeCycle life_cycle;
  MassiveActivations massive;
  AttentionSinks sinks;
  Perplexity perplexity;
  run(model, batches, {&life_cycle, &massive, &sinks, &perplexity});
  EXPECT_EQ(life_cycle.result().blocks[0].hidden_state.not_finite, 0);
  EXPECT_EQ(life_cycle.result().blocks[1].hidden_state.not_finite, kSequences);
  EXPECT_GT(life_cycle.result().blocks[3].hidden_state.not_finite, kSequences);
  EXPECT_TRUE(std::isfinite(life_cycle.result().blocks[1].hidden_state.top[0].magnitude));
  int64_t total = life_cycle.result().embedding.not_finite;
  for (const auto& block : life_cycle.result().blocks)
    total += block.hidden_state.not_finite + block.output.not_finite;
  EXPECT_EQ(life_cycle.result().not_finite(), total);
}

}  // namespace
}  // namespace spikesink
