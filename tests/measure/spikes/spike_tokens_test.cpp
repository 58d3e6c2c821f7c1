// Which tokens spike, against the definition over whole tensors.

#include "spikesink/measure/spikes/spike_tokens.h"

#include "measure/planted_spikes.h"
#include "message_of.h"

namespace spikesink {
namespace {

struct SpikeTokensTest : PlantedSpikes {
  SpikeTokensResult measure(SpikeTokensOptions options = {}) {
    SpikeTokens spikes(options);
    run(model, batches, {&spikes});
    return spikes.result();
  }
  torch::Tensor state_after(Block block) {
    const auto point = model->hidden_state_hook_name(block);
    return all_of(point)[point];
  }
};

void expect_moments(const RunningMean& got, const torch::Tensor& values) {
  ASSERT_EQ(got.count, values.numel());
  const double scale = std::abs(values.mean().item<double>());
  EXPECT_NEAR(got.mean, values.mean().item<double>(), 1e-6 * scale);
  if (got.count > 1) {
    EXPECT_NEAR(got.standard_deviation(), values.std().item<double>(), 1e-6 * scale);
  }
}

void expect_same_moments(const RunningMean& a, const RunningMean& b) {
  EXPECT_EQ(a.count, b.count);
  EXPECT_NEAR(a.mean, b.mean, 1e-12 * std::abs(a.mean));
  EXPECT_NEAR(a.standard_deviation(), b.standard_deviation(), 1e-9 * std::abs(a.mean));
}

TEST_F(SpikeTokensTest, SpikeTokensAreThoseOfTheDefinition) {
  const auto scope = plant();
  const auto result = measure();
  const auto mask = spike_mask();
  const auto count = mask.sum().item<int64_t>();
  EXPECT_GT(count, kSequences) << "the test has something to see";
  EXPECT_LT(count, kSequences * kLength / 2);
  EXPECT_EQ(result.spike_positions.positions(), places_of(mask).positions());
  EXPECT_TRUE(result.spike_positions.complete());
  EXPECT_EQ(result.spiking, count);
  EXPECT_EQ(result.tokens, kSequences * kLength);
  EXPECT_TRUE(result.spike_positions.mask(0, kSequences, kLength).equal(mask));
  EXPECT_TRUE(result.spike_positions.mask(batches[1]).equal(mask.slice(0, 2, 4)));
}

TEST_F(SpikeTokensTest, ChannelsOfEveryState) {
  const auto scope = plant();
  const auto result = measure();
  ASSERT_EQ(result.states.size(), 4u);
  EXPECT_EQ(result.states[0].tokens, 0);
  EXPECT_TRUE(result.states[0].channels.empty());
  for (const auto& state : result.states) {
    SCOPED_TRACE("block " + std::to_string(state.block.number));
    const auto values = state_after(state.block).to(torch::kFloat).to(torch::kDouble);
    const auto massive = massive_values(values);
    EXPECT_EQ(state.tokens, massive.any(2).sum().item<int64_t>());
    EXPECT_EQ(static_cast<int64_t>(state.channels.size()),
              massive.any(0).any(0).sum().item<int64_t>());
    for (const auto& [channel, value] : state.channels)
      expect_moments(value, values.select(2, channel).masked_select(massive.select(2, channel)));
  }
}

TEST_F(SpikeTokensTest, PairsAreOverTheChannelOfLargerMean) {
  const auto scope = plant();
  for (const auto& state : measure().states) {
    if (state.tokens == 0) continue;
    SCOPED_TRACE("block " + std::to_string(state.block.number));
    const auto values = state_after(state.block).to(torch::kFloat).to(torch::kDouble);
    const auto massive = massive_values(values);
    EXPECT_EQ(state.pairs.size(), 3u);
    std::map<int64_t, double> means;
    for (const auto& [channel, value] : state.channels) means[channel] = std::abs(value.mean);
    for (const auto& pair : state.pairs) {
      EXPECT_GT(means[pair.reference], means[pair.channel]);
      const auto both = massive.select(2, pair.channel) & massive.select(2, pair.reference);
      expect_moments(
          pair.ratio,
          (values.select(2, pair.channel) / values.select(2, pair.reference)).masked_select(both));
    }
    EXPECT_EQ(state.pairs[0].reference, 9);
    EXPECT_EQ(state.pairs[0].channel, 3);
  }
}

TEST_F(SpikeTokensTest, OnlyTheLargestChannelsArePaired) {
  const auto scope = plant();
  const auto result = measure({.paired = 2});
  const auto& state = result.states.back();
  const auto values = state_after(state.block);
  const auto massive = massive_values(values);
  int64_t paired = 0;
  for (const auto& pair : state.pairs) paired += pair.ratio.count;
  EXPECT_EQ(paired, (massive.sum(2) >= 2).sum().item<int64_t>()) << "one pair a token";
}

TEST_F(SpikeTokensTest, CountsByIdAndByPosition) {
  const auto scope = plant();
  const auto result = measure();
  const auto mask = spike_mask();
  int64_t seen = 0;
  for (size_t rank = 0; rank < result.by_token.size(); ++rank) {
    const auto& token = result.by_token[rank];
    const auto is_id = tokens == token.id;
    EXPECT_EQ(token.seen, is_id.sum().item<int64_t>());
    EXPECT_EQ(token.spiking, (is_id & mask).sum().item<int64_t>());
    EXPECT_EQ(token.seen_first, is_id.select(1, 0).sum().item<int64_t>());
    EXPECT_EQ(token.spiking_first, (is_id & mask).select(1, 0).sum().item<int64_t>());
    EXPECT_EQ(token.largest > 0, token.spiking > 0);
    if (rank > 0) {
      EXPECT_LE(token.spiking, result.by_token[rank - 1].spiking);
    }
    seen += token.seen;
  }
  EXPECT_EQ(seen, result.tokens);
  double largest = 0;
  for (const auto& state : result.states)
    largest = std::max(largest, state_after(state.block).abs().max().item<double>());
  const auto of_all =
      std::max_element(result.by_token.begin(), result.by_token.end(),
                       [](const auto& a, const auto& b) { return a.largest < b.largest; });
  EXPECT_NEAR(of_all->largest / largest, 1, 1e-6);
  const auto by_position = mask.sum(0);
  EXPECT_EQ(static_cast<int64_t>(result.by_position.size()),
            (by_position > 0).sum().item<int64_t>());
  for (const auto& position : result.by_position) {
    EXPECT_EQ(position.spiking, by_position[position.position].item<int64_t>());
    EXPECT_EQ(position.seen, kSequences);
  }
}

TEST_F(SpikeTokensTest, TwoPassesMerge) {
  const auto scope = plant();
  const auto [once, merged] = once_and_merged<SpikeTokens>();
  const auto a = once.result(), b = merged.result();
  EXPECT_EQ(a.spike_positions.positions(), b.spike_positions.positions());
  EXPECT_EQ(a.spiking, b.spiking);
  ASSERT_EQ(a.by_token.size(), b.by_token.size());
  for (size_t rank = 0; rank < a.by_token.size(); ++rank) {
    const auto &one = a.by_token[rank], &other = b.by_token[rank];
    EXPECT_EQ(std::tie(one.id, one.spiking, one.seen, one.spiking_first, one.largest),
              std::tie(other.id, other.spiking, other.seen, other.spiking_first, other.largest));
  }
  ASSERT_EQ(a.by_position.size(), b.by_position.size());
  for (size_t state = 0; state < a.states.size(); ++state) {
    const auto &one = a.states[state], &other = b.states[state];
    EXPECT_EQ(one.tokens, other.tokens);
    ASSERT_EQ(one.channels.size(), other.channels.size());
    for (size_t rank = 0; rank < one.channels.size(); ++rank)
      expect_same_moments(one.channels[rank].value, other.channels[rank].value);
    ASSERT_EQ(one.pairs.size(), other.pairs.size());
    for (size_t rank = 0; rank < one.pairs.size(); ++rank)
      expect_same_moments(one.pairs[rank].ratio, other.pairs[rank].ratio);
  }
}

TEST_F(SpikeTokensTest, SpikeTokensBeyondTheLimitAreCounted) {
  const auto scope = plant();
  const auto all = measure().spike_positions.positions();
  const auto [once, merged] = once_and_merged(SpikeTokens({.max_token_positions = 5}));
  for (const auto& result : {once.result(), merged.result()}) {
    EXPECT_FALSE(result.spike_positions.complete());
    EXPECT_EQ(result.spike_positions.positions(),
              (std::vector<TokenPosition>{all.begin(), all.begin() + 5}));
    EXPECT_EQ(result.spiking, static_cast<int64_t>(all.size()));
  }
}

TEST_F(SpikeTokensTest, AModelWithoutSpikes) {
  const auto result = measure();
  EXPECT_TRUE(result.spike_positions.positions().empty());
  EXPECT_TRUE(result.spike_positions.complete());
  EXPECT_EQ(result.spiking, 0);
  EXPECT_EQ(result.tokens, kSequences * kLength);
  EXPECT_TRUE(result.by_position.empty());
  EXPECT_EQ(result.by_token.front().spiking, 0);
  EXPECT_FALSE(result.spike_positions.mask(0, kSequences, kLength).any().item<bool>());
}

TEST_F(SpikeTokensTest, BFloat16AndThresholds) {
  model = random_model(tiny_config(), torch::kBFloat16);
  const auto scope = plant();
  EXPECT_EQ(measure().spike_positions.positions(), places_of(spike_mask()).positions());
  EXPECT_EQ(measure({.massive = {.least_magnitude = 1e6}}).spiking, 0);
  EXPECT_EQ(measure({.massive = {.least_magnitude = 0, .least_ratio = 0}}).spiking,
            kSequences * kLength);
}

TEST_F(SpikeTokensTest, ARunStartsAnew) {
  const auto scope = plant();
  SpikeTokens spikes;
  run(model, batches, {&spikes});
  const auto before = spikes.result();
  run(model, batches, {&spikes});
  EXPECT_EQ(spikes.result().spiking, before.spiking);
  EXPECT_EQ(spikes.result().spike_positions.positions(), before.spike_positions.positions());
  EXPECT_EQ(spikes.result().by_token[0].seen, before.by_token[0].seen);
}

TEST_F(SpikeTokensTest, OtherModelsDoNotMerge) {
  auto config = tiny_config();
  config.d_vocabulary += 1;
  auto other_model = random_model(config);
  SpikeTokens one, other;
  run(model, batches, {&one});
  run(other_model, batches, {&other});
  EXPECT_TRUE(contains(message_of<std::invalid_argument>([&] { one.merge(other); }),
                       "got vocabulary 62, expected 61"));
}

}  // namespace
}  // namespace spikesink
