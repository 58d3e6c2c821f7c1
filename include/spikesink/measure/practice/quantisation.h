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
  int64_t bits = 8;           // of a symmetric grid of integers, 2 to 16
  double outlier_ratio = 20;  // an outlier channel's maximum in medians of all maxima, if not 0
  double least_gain = 1.5;    // by which an error must fall for something to be worth keeping
};

/// Which linear maps read a tensor.
enum class LinearReader {
  kAttention,          // query, key and value projections
  kAttentionOutput,    // the output projection
  kFeedForward,        // gate and up, or the router of experts
  kFeedForwardOutput,  // down
  kUnembedding
};
/// "attention", "attention_output", "feed_forward", "feed_forward_output", "unembedding".
const char* to_string(LinearReader reader);

/// What shares a scale: a whole tensor, which here is one sequence, or a row or column of it.
enum class ScaleGranularity { kPerTensor, kPerToken, kPerChannel };

/// What is kept in high precision. It has no error, and no scale looks at it.
enum class HighPrecision { kNothing, kSpikeTokens, kOutlierChannels, kBoth };

struct OutlierChannel {
  int64_t channel = 0;
  double share_of_sequences = 0;  // where it is an outlier, 0..1
  double largest = 0;             // |x| over all tokens
};

/// One tensor that linear maps read.
struct LinearInputError {
  std::string point;   // its hook point
  int64_t layer = -1;  // -1: the unembedding
  LinearReader reader = LinearReader::kAttention;
  int64_t width = 0;
  double largest_spike = 0;              // |x| of spike tokens; 0 without any
  double largest_ordinary = 0;           // of the others
  std::vector<OutlierChannel> channels;  // most frequent first

  /// Mean over ordinary tokens of ||x - Q(x)|| / ||x||. A count of 0 says that there were none.
  const RunningMean& error(ScaleGranularity scale, HighPrecision kept) const {
    return errors[static_cast<size_t>(scale)][static_cast<size_t>(kept)];
  }

  std::array<std::array<RunningMean, 4>, 3> errors;

  auto fields() {
    return std::tie(point, layer, reader, width, largest_spike, largest_ordinary, channels, errors);
  }
};

/// What is worth keeping in high precision at one linear input, by the error of a scale a tensor.
struct HighPrecisionInput {
  const LinearInputError* input = nullptr;  // of the result
  bool spike_tokens = false;
  std::vector<int64_t> channels;  // outliers of at least half of the sequences
  double gain = 0;  // error with nothing kept over that with these, or each sequence's outliers
};

struct QuantisationResult {
  QuantisationOptions options;
  int64_t tokens = 0;
  int64_t spike_tokens = 0;
  std::vector<LinearInputError> inputs;  // in the order of the forward pass

  /// Where the error falls by `least_gain` when the spike tokens are kept, or the outlier channels
  /// besides. Most gain first.
  std::vector<HighPrecisionInput> keep_list() const;
};

/// What spikes do to the quantisation of activations: each linear input is rounded to a symmetric
/// grid of integers, x -> s round(x / s) with s = max |x| / (2^(bits-1) - 1), with one scale a
/// tensor, a token or a channel, with and without the spike tokens and the outlier channels (mixed
/// precision as in LLM.int8(), arXiv 2208.07339). A tensor is one sequence: scales are those of
/// dynamic quantisation. The error is that of ordinary tokens, whose values a large scale rounds
/// away. A token whose error is no number, because its values are zero or not finite, is left out.
///
/// The inputs are what q, k and v read (`attn.hook_in`), what o reads (`attn.hook_z`), what gate
/// and up or a router read (`mlp.hook_in`), what down reads (`mlp.hook_post`; not inside experts)
/// and what the unembedding reads. State: two numbers a channel and twelve means for each of them.
class Quantisation : public Mergeable<Quantisation> {
 public:
  /// `spike_positions` are those of the text that will be measured.
  explicit Quantisation(SpikePositions spike_positions, QuantisationOptions options = {})
      : spike_positions_(std::move(spike_positions)), options_(options) {}

  /// Throws std::invalid_argument for bits outside 2 to 16.
  HookScope attach(Transformer& model, RunContext& context) override;
  /// Throws std::invalid_argument when the other measured other inputs or by other options.
  void merge(const Quantisation& other);
  QuantisationResult result() const;

 private:
  friend class Mergeable<Quantisation>;
  auto fields() { return std::tie(tokens_, spike_tokens_, sequences_, inputs_); }

  struct Input {
    LinearInputError sums;                   // its `channels` are still empty
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
