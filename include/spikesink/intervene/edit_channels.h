#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <variant>
#include <vector>

#include "spikesink/intervene/intervention.h"
#include "spikesink/measure/spikes/massive_activations.h"
#include "spikesink/measure/spikes/spike_positions.h"

namespace [[gnu::visibility("default")]] spikesink {

/// Limits |x|, keeping the sign.
struct Clamp {
  double limit;
};
/// Replaces x by a constant; 0 removes the channel.
struct SetTo {
  double value;
};
/// Multiplies x.
struct Scale {
  double factor;
};
/// Replaces x by what a calibration found, one signed number for each edited channel: of tokens at
/// position 0, and of all others. NaN, where the calibration saw none, leaves x as it is.
struct SetToMean {
  std::vector<double> at_start, elsewhere;
};
using ChannelEdit = std::variant<Clamp, SetTo, Scale, SetToMean>;

struct AllTokens {};
/// Those that are massive in the state that is edited, by the rule of `MassiveActivations`.
struct MassiveTokens {
  MassiveActivationsOptions massive;
};
/// The first token and the one with the largest |h| of the state that is edited, of each sequence.
struct FirstAndLargestTokens {};
/// In every sequence, from 0; -1 is a sequence's last token. A shorter sequence has none there.
struct SequencePositions {
  std::vector<int64_t> positions;
};
/// Places of one text: to be attached for its batches (`attach_for_batch`).
struct TextPositions {
  SpikePositions positions;
};
/// The state that is edited, [B, T, d_model] -> which of its tokens, [B, T] bool.
using TokenMaskFunction = std::function<torch::Tensor(const torch::Tensor& state)>;
using TokenChoice = std::variant<AllTokens, MassiveTokens, FirstAndLargestTokens, SequencePositions,
                                 TextPositions, TokenMaskFunction>;

struct EditSites {
  std::optional<std::vector<int64_t>> layers;  // after which the stream is edited; none: after all
  TokenChoice tokens;
};

/// Changes channels of the residual stream after layers: of the state that the next layer reads.
class EditChannels : public Intervention {
 public:
  /// Throws std::invalid_argument for a SetToMean of another number of channels.
  EditChannels(std::vector<int64_t> channels, ChannelEdit edit, EditSites sites = {});

  /// Two edits that set one channel of the same kind of tokens after one layer contradict each
  /// other.
  HookScope attach(Transformer& model) const override;
  HookScope attach_for_batch(Transformer& model, const TokenBatch& batch) const override;

 private:
  HookScope attach_to(Transformer& model, const torch::Tensor& tokens_of_text) const;

  std::vector<int64_t> channels_;
  ChannelEdit edit_;
  EditSites sites_;
};

/// The signed means that massive values of these channels have, where they have any.
SetToMean channel_means(const std::vector<MassiveChannel>& calibration,
                        const std::vector<int64_t>& channels);
/// The same after a layer.
SetToMean channel_means(const MassiveActivationsResult& calibration, int64_t layer,
                        const std::vector<int64_t>& channels);

}  // namespace spikesink
