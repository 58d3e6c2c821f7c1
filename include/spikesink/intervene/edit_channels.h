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

/// Limits |x| and keeps the sign.
struct Clamp {
  double limit;
};
/// Replaces x by a constant. 0 removes the channel.
struct SetTo {
  double value;
};
/// Multiplies x.
struct Scale {
  double factor;
};
/// Replaces x by a mean of the calibration text. Each list has one signed mean per edited channel:
/// `at_start` for position 0, `elsewhere` for all other positions. If a mean is NaN (no value in
/// the calibration text), x is unchanged.
struct SetToMean {
  std::vector<double> at_start, elsewhere;
};
using ChannelEdit = std::variant<Clamp, SetTo, Scale, SetToMean>;

/// Every token.
struct AllTokens {};
/// The tokens that are massive in the edited hidden state, by the rule of `MassiveActivations`.
struct MassiveTokens {
  MassiveActivationsOptions massive;
};
/// The first token of each sequence and the token with the largest |h| in the edited hidden state.
struct FirstAndLargestTokens {};
/// Positions in every sequence, from 0; -1 is the last token. Positions past the end are ignored.
struct SequencePositions {
  std::vector<int64_t> positions;
};
/// Tokens of one particular text. An intervention with this selector must be attached with
/// `attach_for_batch`, and only for batches of that text.
struct TextPositions {
  SpikePositions positions;
};
/// Maps the edited hidden state [B, T, d_model] to a mask of the tokens to edit, [B, T] bool.
using TokenMaskFunction = std::function<torch::Tensor(const torch::Tensor& state)>;
using TokenSelector = std::variant<AllTokens, MassiveTokens, FirstAndLargestTokens,
                                   SequencePositions, TextPositions, TokenMaskFunction>;

/// The layers and tokens that an edit acts on.
struct EditSites {
  /// The hidden states after these layers are edited; nullopt: after every layer.
  std::optional<std::vector<int64_t>> layers;
  TokenSelector tokens;
};

/// Edits channels of the hidden state after a layer (the input of the next layer).
class EditChannels : public Intervention {
 public:
  /// Throws std::invalid_argument for a SetToMean with another number of channels.
  EditChannels(std::vector<int64_t> channels, ChannelEdit edit, EditSites sites = {});

  /// Throws std::invalid_argument if another active EditChannels sets (SetTo, SetToMean) the same
  /// channel after the same layer, with the same type of token selector.
  HookScope attach(Transformer& model) const override;
  HookScope attach_for_batch(Transformer& model, const TokenBatch& batch) const override;

 private:
  HookScope attach_to(Transformer& model, const torch::Tensor& tokens_of_text) const;

  std::vector<int64_t> channels_;
  ChannelEdit edit_;
  EditSites sites_;
};

/// Returns the signed means of the massive values of these channels; NaN for a channel without any.
SetToMean channel_means(const std::vector<MassiveChannel>& calibration,
                        const std::vector<int64_t>& channels);
/// Returns the same for the state after `layer`.
SetToMean channel_means(const MassiveActivationsResult& calibration, int64_t layer,
                        const std::vector<int64_t>& channels);

}  // namespace spikesink
