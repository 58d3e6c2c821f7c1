#pragma once

#include <array>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "spikesink/measure/core/mergeable.h"
#include "spikesink/measure/core/running_mean.h"
#include "spikesink/measure/spikes/spike_positions.h"

namespace [[gnu::visibility("default")]] spikesink {

struct QuantisationOptions {
  int64_t bits = 8;  // of the symmetric integer grid, 2 to 16
  /// A channel is an outlier in a sequence if its max |x| is >= outlier_ratio x the median of these
  /// maxima over all channels. If the median is 0, there are no outlier channels.
  double outlier_ratio = 20;
  double least_gain = 1.5;  // minimum error reduction factor for a recommendation
};

/// Which linear maps take the tensor as their input.
enum class LinearReader {
  kAttention,          // query, key and value projections
  kAttentionOutput,    // output projection
  kMixer,              // all projections of a mixer other than attention
  kMixerOutput,        // its output projection
  kFeedForward,        // gate and up projections, or the router of experts
  kFeedForwardOutput,  // down
  kUnembedding
};
/// Returns "attention", "attention_output", "mixer", "mixer_output", "feed_forward",
/// "feed_forward_output" or "unembedding".
const char* to_string(LinearReader reader);

/// The values that share one scale: a whole tensor (here one sequence), or one row (token) or
/// column (channel) of it.
enum class ScaleGranularity { kPerTensor, kPerToken, kPerChannel };

/// The values that stay in high precision. They have no error and do not affect the scale.
enum class HighPrecisionPart { kNothing, kSpikeTokens, kOutlierChannels, kBoth };

struct OutlierChannel {
  int64_t channel = 0;
  double share_of_sequences = 0;  // sequences where it is an outlier, 0..1
  double largest = 0;             // |x| over all tokens
};

/// Quantisation errors of the input of one or more linear maps.
struct LinearInputError {
  std::string point;   // hook point
  int64_t layer = -1;  // -1: the unembedding
  LinearReader reader = LinearReader::kAttention;
  int64_t width = 0;
  double largest_spike = 0;              // max |x| of spike tokens; 0 without spike tokens
  double largest_ordinary = 0;           // max |x| of the other tokens
  std::vector<OutlierChannel> channels;  // most frequent first

  /// Returns the mean over ordinary tokens of ||x - Q(x)|| / ||x||. If its `count` is 0, there were
  /// no ordinary tokens.
  const RunningMean& error(ScaleGranularity scale, HighPrecisionPart kept) const {
    return errors[static_cast<size_t>(scale)][static_cast<size_t>(kept)];
  }

  std::array<std::array<RunningMean, 4>, 3> errors;

  auto fields() {
    return std::tie(point, layer, reader, width, largest_spike, largest_ordinary, channels, errors);
  }
};

/// The values that should stay in high precision at one linear input, based on the per-tensor
/// error.
struct HighPrecisionInput {
  const LinearInputError* input = nullptr;  // points into the result
  bool spike_tokens = false;
  std::vector<int64_t> channels;  // outliers in at least half of the sequences
  /// (error with everything quantised) / (error with these values in high precision). Outlier
  /// channels are found separately in each sequence.
  double gain = 0;
};

struct QuantisationResult {
  QuantisationOptions options;
  int64_t tokens = 0;
  int64_t spike_tokens = 0;
  std::vector<LinearInputError> inputs;  // in the order of the forward pass

  /// Returns the inputs for which high precision helps. First the spike tokens are chosen, then the
  /// outlier channels: each if keeping them in high precision divides the remaining error by at
  /// least `least_gain`. Largest gain first.
  std::vector<HighPrecisionInput> high_precision_inputs() const;
};

/// Measures how spikes affect the quantisation of activations. Each linear input is rounded to a
/// symmetric integer grid: x -> s round(x / s) with s = max |x| / (2^(bits-1) - 1). There is one
/// scale per tensor, per token or per channel, with and without the spike tokens and the outlier
/// channels (mixed precision as in LLM.int8(), arXiv 2208.07339). Per tensor means one scale per
/// sequence. All scales are computed from the data (dynamic quantisation). The error is measured on
/// ordinary tokens: a spike can make the scale so large that their values are rounded to zero.
/// Tokens whose error is NaN (all values zero, or some not finite) are skipped.
///
/// The inputs are those of q, k and v (`attn.hook_in`), of o (`attn.hook_z`), of gate and up or the
/// router (`mlp.hook_in`), of down (`mlp.hook_post`; not inside experts) and of the unembedding.
/// Memory per input: two numbers per channel and twelve means.
class Quantisation : public Mergeable<Quantisation> {
 public:
  /// `spike_positions`: the spike tokens of the text that will be measured (`SpikeTokens` finds
  /// them).
  explicit Quantisation(SpikePositions spike_positions, QuantisationOptions options = {})
      : spike_positions_(std::move(spike_positions)), options_(options) {}

  /// Throws std::invalid_argument if `bits` is not in 2 to 16.
  HookScope attach(Transformer& model, RunContext& context) override;
  /// Throws std::invalid_argument if the inputs or the options differ.
  void merge(const Quantisation& other);
  QuantisationResult result() const;

 private:
  friend class Mergeable<Quantisation>;
  auto fields() { return std::tie(tokens_, spike_tokens_, sequences_, inputs_); }

  struct Input {
    LinearInputError sums;                   // `channels` is empty until `result`
    std::vector<int64_t> outlier_sequences;  // [width]
    std::vector<double> largest;             // [width]

    auto fields() { return std::tie(sums, outlier_sequences, largest); }
  };

  static void join(Input& ours, const Input& theirs);
  void add(Input& input, const torch::Tensor& x, const torch::Tensor& is_spike);
  static void add_channels(Input& input, const torch::Tensor& maxima,
                           const torch::Tensor& is_outlier);

  SpikePositions spike_positions_;
  QuantisationOptions options_;
  int64_t tokens_ = 0, spike_tokens_ = 0, sequences_ = 0;
  std::vector<Input> inputs_;
};

}  // namespace spikesink
