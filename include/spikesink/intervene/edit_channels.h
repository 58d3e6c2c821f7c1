#pragma once

#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "spikesink/model/transformer.h"

namespace spikesink {

/// Limits |x|, keeping the sign.
struct Clamp {
  double limit;
};
/// Replaces x by a constant; 0 removes the channel.
struct SetTo {
  double value;
};
using ChannelEdit = std::variant<Clamp, SetTo>;

/// Changes channels of the residual stream of all tokens, after every layer or after those given.
class EditChannels {
 public:
  EditChannels(std::vector<int64_t> channels, ChannelEdit edit)
      : channels_(std::move(channels)), edit_(edit) {}
  EditChannels(std::vector<int64_t> channels, ChannelEdit edit, std::vector<int64_t> layers)
      : channels_(std::move(channels)), edit_(edit), layers_(std::move(layers)) {}

  /// In force for the life of the scope. Channels or layers that the model does not have throw
  /// std::invalid_argument.
  HookScope attach(Transformer& model) const;

 private:
  std::vector<int64_t> channels_;
  ChannelEdit edit_;
  std::optional<std::vector<int64_t>> layers_;
};

}  // namespace spikesink
