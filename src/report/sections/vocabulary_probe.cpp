#include <cmath>
#include <map>

#include "report/json_values.h"
#include "report/section.h"
#include "spikesink/measure/weights/vocabulary_probe.h"

namespace spikesink::detail {
namespace {

constexpr double kBinsPerOctave = 4;  // bins per octave of the histogram of magnitudes

json histogram(const std::vector<ProbedEntry>& entries) {
  std::map<int64_t, int64_t> counts;
  for (const auto& entry : entries) {
    if (entry.magnitude > 0)
      ++counts[static_cast<int64_t>(std::floor(std::log2(entry.magnitude) * kBinsPerOctave))];
  }
  json bins = json::array();
  for (const auto& [bin, count] : counts) {
    bins.push_back({{"from", digits(std::exp2(static_cast<double>(bin) / kBinsPerOctave))},
                    {"to", digits(std::exp2(static_cast<double>(bin + 1) / kBinsPerOctave))},
                    {"count", count}});
  }
  return bins;
}

json section(const RunningMean& values) {
  return {{"mean", mean_or_null(values)}, {"standard_deviation", values.standard_deviation()}};
}

json section(const ProbedEntry& entry, bool has_trigger, const Tokenizer* tokenizer) {
  auto row = token_entry(entry.id, tokenizer);
  row["magnitude"] = number(entry.magnitude);
  row["channel"] = entry.channel;
  row["cosine"] = has_trigger ? number(entry.cosine) : json(nullptr);
  row["spikes"] = entry.spikes;
  return row;
}

}  // namespace

// Entries probed as the first token. Those probed after a prefix are in `later`.
void add_section(const VocabularyProbeResult& result, ReportDocument& report) {
  const auto* tokenizer = report.tokenizer.get();
  json course = json::array();
  const auto exceptions = result.minority_entries();
  const auto exception = [&](const ProbedEntry& entry) {
    return section(entry, !result.course.empty(), tokenizer);
  };
  for (const auto& [block, state, output] : result.course) {
    course.push_back(
        {{"block", block.number}, {"state", section(state)}, {"output", section(output)}});
  }
  auto probe = block_entry(result.block);
  probe["position"] = result.position;
  probe["vocabulary"] = result.entries.size();
  probe["spiking"] = result.spiking;
  probe["percent"] = number(result.percent());
  probe["spike"] = number(result.spike);
  probe["definition"] =
      "Every vocabulary entry as the first token, where it attends to itself alone; later: some of "
      "them after a prefix. An entry spikes when its max |h| after the block is at least "
      "least_share of the spike that the text showed there, and larger than least_magnitude (arXiv "
      "2603.05498, table 2). course: cosine of the trigger direction and the stream after each "
      "block, or the block's output.";
  probe["options"] = {{"least_share", result.options.least_share},
                      {"least_magnitude", result.options.least_magnitude}};
  probe["magnitudes"] = histogram(result.entries);
  probe["exception_count"] = exceptions.size();
  probe["exceptions"] = first_of(exceptions, kMostTokens, exception);
  probe["course"] = course;
  auto& section = report.json["vocabulary_probe"];
  if (result.position == 0) {
    section.update(probe);
  } else {
    section["later"] = probe;
  }
}

}  // namespace spikesink::detail

namespace spikesink {
template void Report::add(const VocabularyProbeResult&);
}  // namespace spikesink
