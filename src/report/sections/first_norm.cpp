#include "spikesink/measure/weights/first_norm.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "measure/core/sorted_values.h"
#include "report/json_values.h"
#include "report/section.h"

namespace spikesink::detail {
namespace {

using Group = std::pair<const char*, const std::vector<int64_t>*>;

std::array<Group, 3> groups_of(const FirstNormResult& result) {
  return {{{"delimiter", &result.groups.delimiters},
           {"first", &result.groups.first},
           {"spike", &result.groups.spike}}};
}

json section(const EmbeddingMedians& medians, size_t entries) {
  return {{"entries", entries},
          {"l2_norm", number(medians.l2_norm)},
          {"l2_norm_ratio", number(medians.l2_norm_ratio)},
          {"cosine", number(medians.cosine)}};
}

// Minimum, deciles and maximum.
json deciles(const SortedValues& values) {
  json list = json::array();
  if (values.size() == 0) return list;
  for (int64_t percent = 0; percent <= 100; percent += 10)
    list.push_back(values.at_percent(percent));
  return list;
}

// The groups of each listed vocabulary entry, by id.
std::map<int64_t, json> listed_entries(const FirstNormResult& result) {
  std::map<int64_t, json> entries;
  for (const auto& [name, ids] : groups_of(result)) {
    for (size_t index = 0; index < std::min(ids->size(), kMostTokens); ++index)
      entries[(*ids)[index]].push_back(name);
  }
  return entries;
}

}  // namespace

void add_section(const FirstNormResult& result, ReportDocument& report) {
  const SortedValues l2_norms(result.l2_norms), cosines(result.cosines);
  json groups = json::object(), tokens = json::array();
  for (const auto& [name, ids] : groups_of(result))
    groups[name] = section(result.medians(*ids), ids->size());
  for (const auto& [id, names] : listed_entries(result)) {
    const double l2_norm = result.l2_norms[id], cosine = result.cosines[id];
    auto entry = token_entry(id, report.tokenizer.get());
    entry["groups"] = names;
    entry["l2_norm"] = number(l2_norm);
    entry["l2_norm_percentile"] = number(l2_norms.percent_below(l2_norm));
    entry["cosine"] = number(cosine);
    entry["cosine_percentile"] = number(cosines.percent_below(cosine));
    tokens.push_back(entry);
  }
  const json fields = {
      {"definition",
       "l2_norm: ||norm(e)||_2 of a vocabulary entry's embedding e after the first norm, with its "
       "learned scale and bias; cosine: of e with that scale (arXiv 2603.05498, section 3.1.3). "
       "Percentiles: the share of the vocabulary with a smaller value. l2_norm_ratio: median of "
       "the group over that of the vocabulary. delimiter, first, spike: entries that the text "
       "has as delimiters, at position 0, as spike tokens beyond it."},
      {"norm", result.norm},
      {"l2_norm_deciles", deciles(l2_norms)},
      {"cosine_deciles", deciles(cosines)},
      {"groups", groups},
      {"tokens", tokens}};
  report.json["first_norm"] = fields;
}

}  // namespace spikesink::detail

namespace spikesink {
template void Report::add(const FirstNormResult&);
}  // namespace spikesink
