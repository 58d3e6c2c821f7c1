#include <fmt/format.h>
#include <fmt/ranges.h>

#include "anatomy/anatomy.h"

namespace examples {
namespace {

void tell(const spikesink::SpikePrediction& prediction) {
  fmt::print("from the weights  channels {}; up {}; down {}\n", list(prediction.spike_channels),
             list(prediction.step_up), list(prediction.step_down));
}

void tell(const spikesink::LifeCycleResult& life) {
  fmt::print("spike channels    {}\n", list(life.spike_channels));
  fmt::print("step-up blocks    {}\n", list(life.step_up));
  fmt::print("step-down blocks  {}\n", list(life.step_down));
  if (const auto excess = life.first_over(spikesink::kLargestFloat16))
    fmt::print("float16           would overflow: {:.0f} in channel {} at block {}\n",
               excess->peak.magnitude, excess->peak.channel, excess->block.number);
}

void tell(const spikesink::SpikeTokensResult& tokens) {
  int64_t first = 0;
  for (const auto& place : tokens.places.all()) first += place.position == 0;
  fmt::print("spike tokens      {} of {}, {} of them at position 0\n", tokens.spiking,
             tokens.tokens, first);
}

void tell(const std::vector<spikesink::VocabularyProbeResult>& probes) {
  for (const auto& probe : probes) {
    fmt::print("vocabulary        {} of {} entries spike at position {} ({:.2f} %)\n",
               probe.spiking, probe.entries.size(), probe.position, probe.percent());
  }
}

void tell(const spikesink::AttentionSinksResult& sinks) {
  for (const auto& [key, sequences, tokens] : sinks.keys) {
    fmt::print("sink ratio        {:.1f} % ({}, {}, epsilon {})\n",
               sinks.sink_ratio(spikesink::SinkDefinition::kGu, key),
               to_string(spikesink::SinkDefinition::kGu),
               key < 0 ? "last key" : fmt::format("key {}", key), sinks.epsilon);
    fmt::print("sink heads        {} of {}\n", sinks.sink_heads(key).size(),
               sinks.heads.size() / sinks.keys.size());
  }
  if (sinks.learned.empty()) return;
  double mass = 0;
  for (const auto& head : sinks.learned)
    mass += head.mass / static_cast<double>(sinks.learned.size());
  fmt::print("learned sinks     take {:.1f} % of the attention\n", 100 * mass);
}

void tell(const spikesink::PerplexityResult& perplexity) {
  if (perplexity.tokens == 0) return;  // no token has one before it
  fmt::print("perplexity        {:.2f} over {} tokens\n", perplexity.perplexity, perplexity.tokens);
}

void tell(const spikesink::NotFiniteValues& first, size_t points) {
  const auto place = first.sequence ? fmt::format(", [{}] of sequence {}",
                                                  fmt::join(first.index, ", "), *first.sequence)
                                    : std::string();
  fmt::print(
      "NOT FINITE        at {} hook points; first at {}{}: {} infinite, {} NaN. They were left "
      "out\n",
      points, first.point, place, first.infinite, first.nan);
}

}  // namespace

void tell(const Findings& findings) {
  const auto tell_if = [](const auto& result) {
    if (result) tell(*result);
  };
  if (findings.forms) tell(findings.forms->prediction());
  if (!findings.note.empty()) fmt::print("from the weights  {}\n", findings.note);
  tell_if(findings.life);
  tell_if(findings.tokens);
  tell(findings.probes);
  tell_if(findings.sinks);
  tell_if(findings.perplexity);
  if (!findings.not_finite.empty()) tell(findings.not_finite.front(), findings.not_finite.size());
}

}  // namespace examples
