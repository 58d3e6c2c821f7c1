#include "interventions/plan.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>

namespace examples {
namespace {

using namespace spikesink;

enum class Needs { kNothing, kSpikes, kSinkHeads };
using Part = std::shared_ptr<const Intervention>;

struct Entry {
  const char* name;
  const char* words;
  Needs needs;
  std::function<Part(const Targets&)> make;
};

Part edit_spikes(const Targets& targets, ChannelEdit edit, TokenChoice tokens) {
  return std::make_shared<EditChannels>(
      targets.channels, std::move(edit),
      EditPlaces{.layers = {{targets.layer}}, .tokens = std::move(tokens)});
}

Part remove_sinks(SinkRemoval how, std::optional<std::vector<HeadPlace>> heads = {}) {
  return std::make_shared<RemoveSinks>(how, SinkRemovalPlaces{.heads = std::move(heads)});
}

const std::vector<Entry>& entries() {
  static const std::vector<Entry> all = {
      {"spikes/zero", "the spike channels of spiking tokens are 0 after the layer of their birth",
       Needs::kSpikes, [](const auto& at) { return edit_spikes(at, SetTo{0}, SpikingTokens{}); }},
      {"spikes/mean", "there they are what they are on average", Needs::kSpikes,
       [](const auto& at) { return edit_spikes(at, at.means, SpikingTokens{}); }},
      {"spikes/half", "there they are half as large", Needs::kSpikes,
       [](const auto& at) { return edit_spikes(at, Scale{0.5}, SpikingTokens{}); }},
      {"spikes/clamp-20", "there no token's are larger than 20", Needs::kSpikes,
       [](const auto& at) { return edit_spikes(at, Clamp{20}, AllTokens{}); }},
      {"sinks/mask", "no head attends to key 0", Needs::kNothing,
       [](const auto&) { return remove_sinks(MaskSink{}); }},
      {"sinks/mask-sink-heads", "no sink head does", Needs::kSinkHeads,
       [](const auto& at) { return remove_sinks(MaskSink{}, at.sink_heads); }},
      {"sinks/drop-value", "attention to key 0 brings no value", Needs::kNothing,
       [](const auto&) { return remove_sinks(DropSinkValue{}); }},
      {"sinks/cap-0.3", "key 0 gets at most 0.3 of a query's attention", Needs::kNothing,
       [](const auto&) { return remove_sinks(CapSink{0.3}); }},
      {"sinks/softmax-plus-one", "every softmax has 1 more in its denominator", Needs::kNothing,
       [](const auto&) { return remove_sinks(AddSinkLogit{0}); }},
      {"heads/remove-sink-heads", "sink heads give nothing", Needs::kSinkHeads,
       [](const auto& at) -> Part { return std::make_shared<EditHeads>(at.sink_heads, Scale{0}); }},
  };
  return all;
}

bool can_make(const Entry& entry, const Targets& targets) {
  if (entry.needs == Needs::kSpikes) return targets.layer >= 0 && !targets.channels.empty();
  return entry.needs == Needs::kNothing || !targets.sink_heads.empty();
}

}  // namespace

Targets find_targets(Transformer& model, const TokenBatches& batches, const Progress& progress) {
  MassiveActivations massive;
  LifeCycle life;
  AttentionSinks sinks;
  run(model, batches, {&massive, &life, &sinks}, progress);
  Targets targets{.channels = massive.result().channels()};
  if (const auto birth = life.result().birth()) {
    targets.layer = birth->layer();
    targets.means = means_after(massive.result(), targets.layer, targets.channels);
  }
  for (const auto& head : sinks.result().sink_heads())
    targets.sink_heads.emplace_back(head.layer, head.head);
  return targets;
}

std::vector<std::pair<std::string, std::string>> intervention_names() {
  std::vector<std::pair<std::string, std::string>> names;
  for (const auto& entry : entries()) names.emplace_back(entry.name, entry.words);
  return names;
}

std::vector<NamedIntervention> plan(const Targets& targets, const std::vector<std::string>& names,
                                    std::string& note) {
  std::vector<NamedIntervention> planned;
  std::vector<std::string> left_out;
  for (const auto& entry : entries()) {
    if (!names.empty() && std::find(names.begin(), names.end(), entry.name) == names.end())
      continue;
    if (can_make(entry, targets)) {
      planned.push_back({entry.name, {entry.make(targets)}});
    } else {
      left_out.push_back(entry.name);
    }
  }
  if (!left_out.empty())
    note = fmt::format("left out, as the text shows no such spikes or sinks: {}",
                       fmt::join(left_out, ", "));
  return planned;
}

}  // namespace examples
