#include "spikesink/intervene/protocols.h"

#include <fmt/format.h>

#include "spikesink/intervene/edit_channels.h"

namespace spikesink {
namespace {

NamedIntervention edit_after(const std::string& name, const std::vector<int64_t>& channels,
                             ChannelEdit edit, int64_t layer, TokenChoice tokens) {
  return {name,
          {std::make_shared<EditChannels>(
              channels, std::move(edit),
              EditPlaces{.layers = {{layer}}, .tokens = std::move(tokens)})}};
}

}  // namespace

std::vector<NamedIntervention> massive_activations_protocol(
    const MassiveActivationsResult& calibration, int64_t layer,
    const std::vector<int64_t>& channels) {
  return {edit_after("massive-activations/zero", channels, SetTo{0}, layer, StartAndLargest{}),
          edit_after("massive-activations/mean", channels,
                     means_after(calibration, layer, channels), layer, StartAndLargest{})};
}

std::vector<NamedIntervention> refine_protocol(const FirstMassiveResult& calibration,
                                               const SpikePlaces& places,
                                               const std::vector<int64_t>& channels) {
  if (calibration.layers.empty()) return {};
  const int64_t layer = calibration.layers.front().layer;
  const TokensOfText tokens{places};
  std::vector<NamedIntervention> result = {
      edit_after("refine/zero", channels, SetTo{0}, layer, tokens)};
  for (const auto& first : calibration.layers)
    result.push_back(edit_after(fmt::format("refine/mean-{}", first.layer), channels,
                                means_of(first.channels, channels), layer, tokens));
  return result;
}

}  // namespace spikesink
