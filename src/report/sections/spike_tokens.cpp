#include <fmt/format.h>

#include <algorithm>

#include "report/json_values.h"
#include "report/section.h"
#include "spikesink/measure/spikes/spike_tokens.h"

namespace spikesink::detail {
namespace {

constexpr size_t kMostPairs = 10;  // listed pairs of channels that spike together in one state

json section(const SpikeState& state) {
  auto entry = block_entry(state.block);
  entry["tokens"] = state.tokens;
  entry["channels"] = json::array();
  for (const auto& [channel, value] : state.channels) {
    entry["channels"].push_back({{"channel", channel},
                                 {"count", value.count},
                                 {"mean", value.mean},
                                 {"standard_deviation", value.standard_deviation()}});
  }
  entry["pairs"] = first_of(state.pairs, kMostPairs, ratio_entry);
  return entry;
}

json section(const VocabularySpikeCounts& token, const Tokenizer* tokenizer) {
  auto entry = token_entry(token.id, tokenizer);
  entry["spiking"] = token.spiking;
  entry["seen"] = token.seen;
  entry["spiking_first"] = token.spiking_first;
  entry["seen_first"] = token.seen_first;
  entry["largest"] = token.largest;
  return entry;
}

// The number of vocabulary entries.
int64_t spiking_entries(const SpikeTokensResult& result) {
  return std::count_if(result.by_token.begin(), result.by_token.end(),
                       [](const VocabularySpikeCounts& token) { return token.spiking > 0; });
}

}  // namespace

void add_section(const SpikeTokensResult& result, ReportDocument& report) {
  const auto* tokenizer = report.tokenizer.get();
  const auto& massive = result.options.massive;
  json states = json::array(), tokens = json::array(), positions = json::array();
  for (const auto& state : result.states) states.push_back(section(state));
  for (const auto& token : result.by_token) {
    if (token.spiking == 0 || tokens.size() == kMostTokens) break;
    tokens.push_back(section(token, tokenizer));
  }
  for (const auto& [position, spiking, seen] : result.by_position)
    positions.push_back({{"position", position}, {"spiking", spiking}, {"seen", seen}});
  const json fields = {
      {"definition",
       fmt::format(
           "A spike token is massive in the hidden state after some block: max |h| > {:g} and "
           ">= {:g} medians of |h| over its sequence's state (arXiv 2402.17762).",
           massive.least_magnitude, massive.least_ratio)},
      {"tokens", result.tokens},
      {"spiking", result.spiking},
      {"spiking_entries", spiking_entries(result)},
      {"states", states},
      {"by_token", tokens},
      {"by_position", positions}};
  report.json["spike_tokens"] = fields;
}

}  // namespace spikesink::detail

namespace spikesink {
template void Report::add(const SpikeTokensResult&);
}  // namespace spikesink
