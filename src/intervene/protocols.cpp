#include "spikesink/intervene/protocols.h"

#include <fmt/format.h>

#include "spikesink/intervene/edit_channels.h"

namespace spikesink {
namespace {

NamedInterventions edit_after(const std::string& name, const std::vector<int64_t>& channels,
                              ChannelEdit edit, int64_t layer, TokenSelector tokens) {
  return {
      name,
      {std::make_shared<EditChannels>(
          channels, std::move(edit), EditSites{.layers = {{layer}}, .tokens = std::move(tokens)})}};
}

}  // namespace

std::vector<NamedInterventions> massive_activations_protocol(
    const MassiveActivationsResult& calibration, int64_t layer,
    const std::vector<int64_t>& channels) {
  return {
      edit_after("massive-activations/zero", channels, SetTo{0}, layer, FirstAndLargestTokens{}),
      edit_after("massive-activations/mean", channels, channel_means(calibration, layer, channels),
                 layer, FirstAndLargestTokens{})};
}

std::vector<NamedInterventions> onset_protocol(const MassiveOnsetResult& calibration,
                                               const SpikePositions& spike_positions,
                                               const std::vector<int64_t>& channels) {
  if (calibration.layers.empty()) return {};
  const int64_t layer = calibration.layers.front().layer;
  const TextPositions tokens{spike_positions};
  std::vector<NamedInterventions> result = {
      edit_after("refine/zero", channels, SetTo{0}, layer, tokens)};
  for (const auto& first : calibration.layers)
    result.push_back(edit_after(fmt::format("refine/mean-{}", first.layer), channels,
                                channel_means(first.channels, channels), layer, tokens));
  return result;
}

}  // namespace spikesink
