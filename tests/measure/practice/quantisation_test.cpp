// Rounded linear inputs against the definition, value by value.

#include "spikesink/measure/practice/quantisation.h"

#include <cmath>

#include "measure/planted_spikes.h"
#include "message_of.h"

namespace spikesink {
namespace {

constexpr double kOutlierRatio = 3;  // random channels differ less than trained ones

// ||x - Q(x)|| / ||x|| of one token; `scale_of(channel)` is max |x| of what shares its scale.
template <typename Scale>
double error_of(const torch::Tensor& token, const std::vector<bool>& kept, double steps,
                Scale scale_of) {
  double error = 0, size = 0;
  for (int64_t channel = 0; channel < token.size(0); ++channel) {
    const double x = token[channel].item<double>();
    size += x * x;
    if (kept[channel]) continue;
    const double s = scale_of(channel) / steps;
    const double off = s > 0 ? x - s * std::nearbyint(x / s) : 0;
    error += off * off;
  }
  return std::sqrt(error / size);
}

// The mean over ordinary tokens of [sequences, T, width].
double expected_error(const torch::Tensor& inputs, const torch::Tensor& spikes,
                      ScaleGranularity scale, bool keeps_tokens, bool keeps_channels,
                      double steps) {
  double sum = 0;
  int64_t count = 0;
  for (int64_t row = 0; row < inputs.size(0); ++row) {
    const auto x = inputs[row].abs();
    const auto maxima = x.amax(0);
    const auto outliers = maxima >= kOutlierRatio * maxima.median();
    std::vector<bool> kept(x.size(1));
    for (int64_t channel = 0; channel < x.size(1); ++channel)
      kept[channel] = keeps_channels && outliers[channel].item<bool>();
    const auto is_seen = [&](int64_t token, int64_t channel) {
      return !kept[channel] && !(keeps_tokens && spikes[row][token].item<bool>());
    };
    double whole = 0;
    std::vector<double> by_channel(x.size(1));
    for (int64_t token = 0; token < x.size(0); ++token) {
      for (int64_t channel = 0; channel < x.size(1); ++channel) {
        if (!is_seen(token, channel)) continue;
        const double value = x[token][channel].item<double>();
        whole = std::max(whole, value);
        by_channel[channel] = std::max(by_channel[channel], value);
      }
    }
    for (int64_t token = 0; token < x.size(0); ++token) {
      if (spikes[row][token].item<bool>()) continue;
      double own = 0;
      for (int64_t channel = 0; channel < x.size(1); ++channel) {
        if (!kept[channel]) own = std::max(own, x[token][channel].item<double>());
      }
      sum += error_of(inputs[row][token], kept, steps, [&](int64_t channel) {
        if (scale == ScaleGranularity::kPerTensor) return whole;
        return scale == ScaleGranularity::kPerToken ? own : by_channel[channel];
      });
      ++count;
    }
  }
  return sum / static_cast<double>(count);
}

struct QuantisationTest : PlantedSpikes {};

TEST_F(QuantisationTest, IsThatOfTheDefinition) {
  const auto scope = plant();
  const auto mask = spike_mask();
  ASSERT_TRUE(mask.any().item<bool>());
  for (const int64_t bits : {4, 8}) {
    Quantisation measured(places_of(mask), {.bits = bits, .outlier_ratio = kOutlierRatio});
    run(model, batches, {&measured});
    const auto result = measured.result();
    EXPECT_EQ(result.tokens, mask.numel());
    EXPECT_EQ(result.spike_tokens, mask.sum().item<int64_t>());
    ASSERT_EQ(result.inputs.size(), 4u * 2 + 1);
    bool any_outliers = false;
    for (const auto& input : result.inputs) {
      SCOPED_TRACE(input.point);
      const auto x = all_of(input.point).begin()->second.flatten(2);
      EXPECT_EQ(input.width, x.size(2));
      any_outliers |= !input.channels.empty();
      for (const auto scale : {ScaleGranularity::kPerTensor, ScaleGranularity::kPerToken,
                               ScaleGranularity::kPerChannel}) {
        for (int kept = 0; kept < 4; ++kept) {
          const auto& error = input.error(scale, static_cast<HighPrecisionPart>(kept));
          EXPECT_EQ(error.count, (~mask).sum().item<int64_t>());
          EXPECT_NEAR(
              error.mean,
              expected_error(x, mask, scale, kept % 2 == 1, kept >= 2, std::exp2(bits - 1) - 1),
              1e-12)
              << static_cast<int>(scale) << " " << kept;
        }
      }
      const auto largest = [&](const torch::Tensor& rows) {
        return rows.abs().max().item<double>();
      };
      EXPECT_EQ(input.largest_spike, largest(chosen_rows(x, mask)));
      EXPECT_EQ(input.largest_ordinary, largest(chosen_rows(x, ~mask)));
    }
    EXPECT_TRUE(any_outliers) << "the test has some";
  }
}

TEST_F(QuantisationTest, InputsAreWhatTheWeightsMultiply) {
  Quantisation measured({});
  run(model, batches, {&measured});
  std::vector<std::string> points;
  for (const auto& input : measured.result().inputs) points.push_back(input.point);
  EXPECT_EQ(points, (std::vector<std::string>{
                        "blocks.0.attn.hook_in", "blocks.0.attn.hook_z", "blocks.0.mlp.hook_in",
                        "blocks.0.mlp.hook_post", "blocks.1.attn.hook_in", "blocks.1.attn.hook_z",
                        "blocks.1.mlp.hook_in", "blocks.1.mlp.hook_post", "unembed.hook_in"}));
  const auto& layer = model->layers[1];
  const auto in = all_of("blocks.1.attn.hook_in").begin()->second;
  const auto q = all_of("blocks.1.attn.hook_q").begin()->second.flatten(2);
  EXPECT_TRUE(at::allclose(layer->attn->q->forward(in), q, 1e-10, 1e-12));
  const auto mlp_in = all_of("blocks.1.mlp.hook_in").begin()->second;
  const auto pre = all_of("blocks.1.mlp.hook_pre").begin()->second;
  EXPECT_TRUE(at::allclose(layer->mlp->gate->forward(mlp_in), pre, 1e-10, 1e-12));
}

TEST_F(QuantisationTest, TwoPassesMerged) {
  const auto scope = plant();
  const auto mask = spike_mask();
  const auto [once, merged] =
      once_and_merged(Quantisation(places_of(mask), {.outlier_ratio = kOutlierRatio}));
  const auto a = once.result(), b = merged.result();
  EXPECT_EQ(a.tokens, b.tokens);
  EXPECT_EQ(a.spike_tokens, b.spike_tokens);
  ASSERT_EQ(a.inputs.size(), b.inputs.size());
  for (size_t index = 0; index < a.inputs.size(); ++index) {
    const auto &one = a.inputs[index], &other = b.inputs[index];
    EXPECT_EQ(one.largest_ordinary, other.largest_ordinary);
    EXPECT_NEAR(one.error(ScaleGranularity::kPerTensor, HighPrecisionPart::kBoth).mean,
                other.error(ScaleGranularity::kPerTensor, HighPrecisionPart::kBoth).mean, 1e-15);
    ASSERT_EQ(one.channels.size(), other.channels.size());
    for (size_t channel = 0; channel < one.channels.size(); ++channel) {
      EXPECT_EQ(one.channels[channel].channel, other.channels[channel].channel);
      EXPECT_EQ(one.channels[channel].share_of_sequences,
                other.channels[channel].share_of_sequences);
      EXPECT_EQ(one.channels[channel].largest, other.channels[channel].largest);
    }
  }
}

// One huge value of a spike token at one input: nothing else is worth keeping.
TEST_F(QuantisationTest, TheShortListNamesThePlantedChannels) {
  const auto plant = [&](int64_t position, double size) {
    return model->hooks().add("blocks.1.mlp.hook_post", push(position, 7, size));
  };
  {
    const auto scope = plant(3, 1e5);
    Quantisation measured(SpikePositions([&] {
      std::vector<TokenPosition> places;
      for (int64_t row = 0; row < kSequences; ++row) places.push_back({row, 3});
      return places;
    }()));
    run(model, batches, {&measured});
    const auto result = measured.result();
    const auto kept = result.high_precision_inputs();
    ASSERT_EQ(kept.size(), 1u);
    EXPECT_EQ(kept[0].input->point, "blocks.1.mlp.hook_post");
    EXPECT_TRUE(kept[0].spike_tokens);
    EXPECT_TRUE(kept[0].channels.empty()) << "without the tokens the channel is like any other";
    EXPECT_GT(kept[0].gain, 10);
  }
  const auto scope = plant(3, 1e5);
  Quantisation measured({});  // nobody says that position 3 spikes
  run(model, batches, {&measured});
  const auto result = measured.result();
  const auto kept = result.high_precision_inputs();
  ASSERT_EQ(kept.size(), 1u);
  EXPECT_FALSE(kept[0].spike_tokens);
  EXPECT_EQ(kept[0].channels, (std::vector<int64_t>{7}));
}

TEST_F(QuantisationTest, TokensThatAreNotNumbersAreLeftOut) {
  const auto scope = model->hooks().add("blocks.1.mlp.hook_post", push(3, 7, NAN));
  Quantisation measured({});
  run(model, batches, {&measured});
  for (const auto& input : measured.result().inputs) {
    const auto& error = input.error(ScaleGranularity::kPerToken, HighPrecisionPart::kNothing);
    EXPECT_TRUE(std::isfinite(error.mean));
    const bool is_ill = input.point == "blocks.1.mlp.hook_post" || input.layer < 0;
    EXPECT_EQ(error.count, kSequences * (is_ill ? kLength - 1 : kLength)) << input.point;
  }
}

TEST_F(QuantisationTest, NaNCountsAlikeInOneBatchAndInTwo) {
  int64_t broken = -1;  // row of the batch
  const auto scope = model->hooks().add("blocks.0.mlp.hook_post", [&](const torch::Tensor& x) {
    auto values = x.clone();
    if (broken >= 0) values[broken][3].fill_(NAN);
    return values;
  });
  const auto measured = [&](int64_t first, int64_t last, int64_t row) {
    broken = row;
    Quantisation quantisation(SpikePositions{});
    run(model, {{tokens.slice(0, first, last), first}}, {&quantisation});
    return quantisation;
  };
  auto apart = measured(0, 1, -1);
  apart.merge(measured(1, 2, 0));
  const auto one = measured(0, 2, 1).result(), two = apart.result();
  for (size_t input = 0; input < one.inputs.size(); ++input) {
    EXPECT_GT(one.inputs[input].largest_ordinary, 0) << "the first sequence is whole";
    EXPECT_NEAR(one.inputs[input].largest_ordinary, two.inputs[input].largest_ordinary, 1e-9);
  }
}

TEST_F(QuantisationTest, InvalidArgumentsAreRefused) {
  Quantisation wrong({}, {.bits = 1}), one({}), other({});
  EXPECT_TRUE(contains(message_of<std::invalid_argument>([&] { run(model, batches, {&wrong}); }),
                       "bits: got 1, expected 2 to 16"));
  auto config = tiny_config();
  config.n_layers = 1;
  auto small = random_model(config, torch::kDouble);
  run(model, batches, {&one});
  run(small, batches, {&other});
  EXPECT_TRUE(contains(message_of<std::invalid_argument>([&] { one.merge(other); }),
                       "got 5 inputs, expected the same 9"));
}

}  // namespace
}  // namespace spikesink
