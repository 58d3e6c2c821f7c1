#include "spikesink/measure/practice/quantisation.h"

#include <algorithm>
#include <cmath>

#include "detail/fail.h"
#include "measure/core/expect_same.h"
#include "measure/core/serialize.h"
#include "measure/core/sort_by.h"
#include "measure/practice/rounding_error.h"
#include "spikesink/hooks/hook_names.h"

namespace spikesink {

using namespace hook_names;

namespace {

// Returns the inputs of the linear maps, in the order of the forward pass.
std::vector<LinearInputError> linear_inputs(const TransformerImpl& model) {
  std::vector<LinearInputError> inputs;
  const auto add = [&](std::string point, int64_t layer, LinearReader reader) {
    LinearInputError input;
    input.point = std::move(point);
    input.layer = layer;
    input.reader = reader;
    inputs.push_back(std::move(input));
  };
  for (int64_t layer = 0; layer < model.config().n_layers; ++layer) {
    if (model.config().layer(layer).mixer == MixerKind::kAttention) {
      add(layer_hook_name(layer, kAttentionIn), layer, LinearReader::kAttention);
      add(layer_hook_name(layer, kZ), layer, LinearReader::kAttentionOutput);
    } else {
      add(layer_hook_name(layer, kDeltaIn), layer, LinearReader::kMixer);
      add(layer_hook_name(layer, kDeltaZ), layer, LinearReader::kMixerOutput);
    }
    const auto mlp = layer_hook_name(layer, "mlp.");
    const auto kind = model.config().feed_forward;
    if (kind != FeedForwardKind::kNone)
      add(mlp + std::string(kMlpIn), layer, LinearReader::kFeedForward);
    if (kind == FeedForwardKind::kMlp && !model.config().layer(layer).has_experts)
      add(mlp + std::string(kMlpPost), layer, LinearReader::kFeedForwardOutput);
  }
  if (model.config().head != OutputHead::kNone)
    add(std::string(kUnembedIn), -1, LinearReader::kUnembedding);
  return inputs;
}

torch::Tensor finite_or_zero(const torch::Tensor& values) {
  return values.masked_fill(values.isfinite().logical_not(), 0);
}

// Returns the largest finite value; 0 if there is none.
double largest_of(const torch::Tensor& values) {
  return values.numel() == 0 ? 0.0 : finite_or_zero(values).max().item<double>();
}

// Adds the values of tokens that are not spike tokens. Both tensors are [B, T].
void add_values(RunningMean& mean, const torch::Tensor& values, const torch::Tensor& is_spike) {
  const auto *value = values.data_ptr<double>(), *end = value + values.numel();
  const auto* spike = is_spike.data_ptr<bool>();
  for (; value != end; ++value, ++spike) {
    if (!*spike && std::isfinite(*value)) mean.add(*value);
  }
}

double ratio(const RunningMean& above, const RunningMean& below) {
  return above.mean / below.mean;
}

HighPrecisionInput high_precision_inputs(const LinearInputError& input, double least_gain) {
  HighPrecisionInput kept{&input, false, {}, 1};
  const auto error = [&](HighPrecisionPart what) -> const RunningMean& {
    return input.error(ScaleGranularity::kPerTensor, what);
  };
  const auto& plain = error(HighPrecisionPart::kNothing);
  if (plain.count == 0) return kept;
  kept.spike_tokens = ratio(plain, error(HighPrecisionPart::kSpikeTokens)) >= least_gain;
  const auto& current =
      error(kept.spike_tokens ? HighPrecisionPart::kSpikeTokens : HighPrecisionPart::kNothing);
  const auto& with_channels =
      error(kept.spike_tokens ? HighPrecisionPart::kBoth : HighPrecisionPart::kOutlierChannels);
  kept.gain = ratio(plain, current);
  if (!(ratio(current, with_channels) >= least_gain)) return kept;
  for (const auto& channel : input.channels) {
    if (channel.share_of_sequences >= 0.5) kept.channels.push_back(channel.channel);
  }
  if (!kept.channels.empty()) kept.gain = ratio(plain, with_channels);
  return kept;
}

}  // namespace

const char* to_string(LinearReader reader) {
  switch (reader) {
    case LinearReader::kAttention:
      return "attention";
    case LinearReader::kAttentionOutput:
      return "attention_output";
    case LinearReader::kMixer:
      return "mixer";
    case LinearReader::kMixerOutput:
      return "mixer_output";
    case LinearReader::kFeedForward:
      return "feed_forward";
    case LinearReader::kFeedForwardOutput:
      return "feed_forward_output";
    case LinearReader::kUnembedding:
      break;
  }
  return "unembedding";
}

std::vector<HighPrecisionInput> QuantisationResult::high_precision_inputs() const {
  std::vector<HighPrecisionInput> list;
  for (const auto& input : inputs) {
    auto kept = spikesink::high_precision_inputs(input, options.least_gain);
    if (kept.spike_tokens || !kept.channels.empty()) list.push_back(std::move(kept));
  }
  detail::sort_by(list, [](const auto& entry) { return entry.gain; });
  return list;
}

HookScope Quantisation::attach(Transformer& model, RunContext& context) {
  if (options_.bits < 2 || options_.bits > 16)
    detail::fail_argument("[Quantisation] bits: got {}, expected 2 to 16", options_.bits);
  inputs_.clear();
  for (auto& input : linear_inputs(*model)) inputs_.push_back({std::move(input), {}, {}});
  tokens_ = spike_tokens_ = sequences_ = 0;
  HookScope scope;
  for (auto& input : inputs_) {
    const bool is_first = &input == &inputs_.front();
    scope += model->hooks().add(
        input.sums.point, [this, &input, &context, is_first](const torch::Tensor& x) {
          const auto mask = spike_positions_.mask(context.batch());
          if (is_first) {
            sequences_ += mask.size(0);
            tokens_ += mask.numel();
            spike_tokens_ += mask.sum().item<int64_t>();
          }
          const auto dtype = x.scalar_type() == torch::kDouble ? torch::kDouble : torch::kFloat;
          add(input, x.detach().to(torch::kCPU, dtype).flatten(2), mask);
        });
  }
  return scope;
}

// x is [B, T, width], is_spike [B, T].
void Quantisation::add(Input& input, const torch::Tensor& x, const torch::Tensor& is_spike) {
  const auto magnitudes = x.abs();
  const auto maxima = magnitudes.amax(1, /*keepdim=*/true);  // [B, 1, width]
  const auto ordinary_maxima =
      magnitudes.masked_fill(is_spike.unsqueeze(2), 0).amax(1, /*keepdim=*/true);
  const auto medians = std::get<0>(maxima.median(2, /*keepdim=*/true));
  const auto is_outlier = (medians > 0).logical_and(maxima >= options_.outlier_ratio * medians);
  add_channels(input, maxima, is_outlier);
  auto& sums = input.sums;
  sums.largest_spike = std::max(sums.largest_spike, largest_of(magnitudes.index({is_spike})));
  sums.largest_ordinary = std::max(sums.largest_ordinary, largest_of(ordinary_maxima));

  const double steps = std::exp2(options_.bits - 1) - 1;
  const auto norms = x.norm(2, {2}, /*keepdim=*/false, torch::kDouble);
  for (const bool channels_high_precision : {false, true}) {
    const auto quantised_only = [&](const torch::Tensor& values) {
      return channels_high_precision ? values.masked_fill(is_outlier, 0) : values;
    };
    const auto rounded = quantised_only(x), token_maxima = quantised_only(magnitudes).amax(2, true);
    for (const bool tokens_high_precision : {false, true}) {
      const auto channel_maxima = quantised_only(tokens_high_precision ? ordinary_maxima : maxima);
      const auto kept = static_cast<size_t>(2 * channels_high_precision + tokens_high_precision);
      const auto add_error = [&](ScaleGranularity scale, const torch::Tensor& largest) {
        const auto errors = detail::rounding_error(rounded, largest / steps) / norms;
        add_values(sums.errors[static_cast<size_t>(scale)][kept], errors, is_spike);
      };
      add_error(ScaleGranularity::kPerTensor, channel_maxima.amax(2, true));
      add_error(ScaleGranularity::kPerToken, token_maxima);
      add_error(ScaleGranularity::kPerChannel, channel_maxima);
    }
  }
}

// Both [B, 1, width].
void Quantisation::add_channels(Input& input, const torch::Tensor& maxima,
                                const torch::Tensor& is_outlier) {
  const int64_t width = maxima.size(2);
  input.sums.width = width;
  input.outlier_sequences.resize(width);
  input.largest.resize(width);
  const auto sequences = is_outlier.sum({0, 1});
  const auto largest = finite_or_zero(maxima).amax({0, 1}).to(torch::kDouble);
  for (int64_t channel = 0; channel < width; ++channel) {
    input.outlier_sequences[channel] += sequences.data_ptr<int64_t>()[channel];
    input.largest[channel] = std::max(input.largest[channel], largest.data_ptr<double>()[channel]);
  }
}

void Quantisation::merge(const Quantisation& other) {
  detail::expect_same("Quantisation", "bits", other.options_.bits, options_.bits);
  detail::expect_same("Quantisation", "outlier_ratio", other.options_.outlier_ratio,
                      options_.outlier_ratio);
  const auto same = [](const Input& a, const Input& b) { return a.sums.point == b.sums.point; };
  if (!std::equal(inputs_.begin(), inputs_.end(), other.inputs_.begin(), other.inputs_.end(),
                  same)) {
    detail::fail_argument("[Quantisation] cannot merge: got {} inputs, expected the same {}",
                          other.inputs_.size(), inputs_.size());
  }
  sequences_ += other.sequences_;
  tokens_ += other.tokens_;
  spike_tokens_ += other.spike_tokens_;
  for (size_t index = 0; index < inputs_.size(); ++index)
    join(inputs_[index], other.inputs_[index]);
}

void Quantisation::join(Input& ours, const Input& theirs) {
  if (theirs.sums.width == 0) return;
  if (ours.sums.width == 0) {
    ours = theirs;
    return;
  }
  for (size_t scale = 0; scale < ours.sums.errors.size(); ++scale) {
    for (size_t kept = 0; kept < ours.sums.errors[scale].size(); ++kept)
      ours.sums.errors[scale][kept].merge(theirs.sums.errors[scale][kept]);
  }
  ours.sums.largest_spike = std::max(ours.sums.largest_spike, theirs.sums.largest_spike);
  ours.sums.largest_ordinary = std::max(ours.sums.largest_ordinary, theirs.sums.largest_ordinary);
  for (int64_t channel = 0; channel < ours.sums.width; ++channel) {
    ours.outlier_sequences[channel] += theirs.outlier_sequences[channel];
    ours.largest[channel] = std::max(ours.largest[channel], theirs.largest[channel]);
  }
}

QuantisationResult Quantisation::result() const {
  QuantisationResult result{options_, tokens_, spike_tokens_, {}};
  for (const auto& [sums, outlier_sequences, largest] : inputs_) {
    auto& input = result.inputs.emplace_back(sums);
    for (int64_t channel = 0; channel < sums.width; ++channel) {
      const auto share = static_cast<double>(outlier_sequences[channel]) / sequences_;
      if (share > 0) input.channels.push_back({channel, share, largest[channel]});
    }
    detail::sort_by(input.channels, [](const auto& entry) {
      return std::pair(entry.share_of_sequences, entry.largest);
    });
  }
  return result;
}

template class Mergeable<Quantisation>;

}  // namespace spikesink
