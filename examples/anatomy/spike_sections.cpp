#include "anatomy/spike_sections.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

namespace examples {
namespace {

// Whether a token consists only of punctuation or line breaks.
bool is_delimiter(const spikesink::Tokenizer& tokenizer, int64_t id) {
  try {
    const auto text = tokenizer.token_text(id);
    return text.find_first_not_of(" .,;:!?\n") == std::string::npos &&
           text.find_first_not_of(' ') != std::string::npos;
  } catch (
      const std::invalid_argument&) {  // --tokens may contain ids that the tokenizer does not have
    return false;
  }
}

std::vector<int64_t> delimiters(const Experiment& experiment,
                                const spikesink::SpikeTokensResult& tokens) {
  std::vector<int64_t> ids;
  if (!experiment.tokenizer) return ids;
  for (const auto& token : tokens.by_token) {
    if (is_delimiter(*experiment.tokenizer, token.id)) ids.push_back(token.id);
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

// The ids with a positive count, the most frequent first.
template <typename Count>
std::vector<int64_t> ids_by(std::vector<spikesink::VocabularySpikeCounts> tokens, Count count) {
  std::erase_if(tokens, [&](const auto& token) { return count(token) == 0; });
  std::sort(tokens.begin(), tokens.end(), [&](const auto& a, const auto& b) {
    return std::pair(-count(a), a.id) < std::pair(-count(b), b.id);
  });
  std::vector<int64_t> ids;
  for (const auto& token : tokens) ids.push_back(token.id);
  return ids;
}

spikesink::FirstNormGroups first_norm_groups(const Experiment& experiment,
                                             const spikesink::SpikeTokensResult& tokens) {
  return {.delimiters = delimiters(experiment, tokens),
          .first = ids_by(tokens.by_token, [](const auto& token) { return token.seen_first; }),
          .spike = ids_by(tokens.by_token,
                          [](const auto& token) { return token.spiking - token.spiking_first; })};
}

}  // namespace

LifeCycleSection::LifeCycleSection(SectionTable& table)
    : FirstRunSection(table, "life_cycle", [](auto&) { return spikesink::LifeCycle(); }) {}

void LifeCycleSection::print_summary() const {
  const auto& life = *result();
  fmt::print("spike channels    {}\n", list(life.spike_channels));
  fmt::print("step-up blocks    {}\n", list(life.step_up));
  fmt::print("step-down blocks  {}\n", list(life.step_down));
  if (const auto excess = life.first_overflow(spikesink::kMaxFloat16))
    fmt::print("float16           would overflow: {:.0f} in channel {} at block {}\n",
               excess->peak.magnitude, excess->peak.channel, excess->block.number);
}

SpikeTokensSection::SpikeTokensSection(SectionTable& table)
    : FirstRunSection(table, "spike_tokens", [](auto&) { return spikesink::SpikeTokens(); }) {}

void SpikeTokensSection::join_second_run(const Experiment& experiment, TextRun& run) {
  if (!in_report()) return;
  run.measure(
      spikesink::SelfAttention(positions(), {.delimiters = delimiters(experiment, *result())}),
      self_attention_);
}

void SpikeTokensSection::finish(Experiment& experiment, const Options&) {
  if (!in_report()) return;
  first_norm_ = spikesink::first_norm(experiment.model, first_norm_groups(experiment, *result()));
}

void SpikeTokensSection::add_to(spikesink::Report& report) const {
  report.add(*result());
  report.add(*self_attention_);
  if (first_norm_) report.add(*first_norm_);
}

void SpikeTokensSection::print_summary() const {
  const auto& all = positions().positions();
  const auto first =
      std::count_if(all.begin(), all.end(), [](const auto& token) { return token.position == 0; });
  fmt::print("spike tokens      {} of {}, {} of them at position 0\n", result()->spiking,
             result()->tokens, first);
}

SpikeCosinesSection::SpikeCosinesSection(SectionTable& table, LifeCycleSection& life_cycle,
                                         SpikeTokensSection& spike_tokens)
    : SecondRunSection(table, "spike_cosines",
                       [&](auto&) {
                         return spikesink::SpikeCosines(spike_tokens.positions(),
                                                        *life_cycle.result()->spike_origin());
                       },
                       {&life_cycle, &spike_tokens}),
      life_cycle_(life_cycle) {}

void SpikeCosinesSection::join_second_run(const Experiment& experiment, TextRun& run) {
  if (life_cycle_.result()->spike_origin()) SecondRunSection::join_second_run(experiment, run);
}

void StatePictureSection::finish(Experiment& experiment, const Options&) {
  picture_ =
      spikesink::largest_state_picture(experiment.model, experiment.batches, *life_cycle_.result());
}

void StatePictureSection::add_to(spikesink::Report& report) const {
  if (picture_) report.add(*picture_);
}

void NotFiniteSection::join_second_run(const Experiment&, TextRun& run) {
  if (life_cycle_.result()->not_finite() > 0) run.measure(spikesink::NotFinite(), result_);
}

void NotFiniteSection::add_to(spikesink::Report& report) const {
  if (result_ && !result_->points.empty()) report.add(*result_);
}

void NotFiniteSection::print_summary() const {
  if (!result_ || result_->points.empty()) return;
  const auto& first = result_->points.front();
  const auto index = first.sequence ? fmt::format(", [{}] of sequence {}",
                                                  fmt::join(first.index, ", "), *first.sequence)
                                    : std::string();
  fmt::print(
      "NOT FINITE        at {} hook points; first at {}{}: {} infinite, {} NaN. They were left "
      "out\n",
      result_->points.size(), first.point, index, first.infinite, first.nan);
}

}  // namespace examples
