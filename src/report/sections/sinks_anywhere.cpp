#include "spikesink/measure/sinks/sinks_anywhere.h"
#include "report/json_values.h"
#include "report/section.h"

namespace spikesink::detail {
namespace {

constexpr size_t kMostPlaces = 200;

json section(const SinkToken& token, const Tokenizer* tokenizer) {
  auto entry = token_entry(token.id, tokenizer);
  entry["at_start"] = token.at_start;
  entry["count"] = token.count;
  entry["places"] = token.token_positions;
  entry["occurrences"] = token.occurrences;
  return entry;
}

json section(const SinkOccurrence& token, const Tokenizer* tokenizer) {
  auto entry = token_entry(token.id, tokenizer);
  entry["sequence"] = token.sequence;
  entry["position"] = token.position;
  entry["heads"] = token.heads;
  return entry;
}

json section(const HeadSinks& head) {
  return {{"layer", head.layer},
          {"head", head.head},
          {"share_of_sequences", number(head.share_of_sequences)},
          {"position", head.position},
          {"share_at_position", number(head.share_at_position)},
          {"sinks", number(head.sinks)},
          {"attention", number(head.attention)}};
}

}  // namespace

void add_section(const SinksAnywhereResult& result, ReportDocument& report) {
  const auto* tokenizer = report.tokenizer.get();
  json heads = json::array();
  for (const auto& head : result.heads) heads.push_back(section(head));
  const auto told = [&](const auto& entry) { return section(entry, tokenizer); };
  const json fields = {
      {"definition",
       "A key is a sink of a head in a sequence when its importance, the mean of A[i, key] over "
       "the queries i that may see it, exceeds epsilon and at least least_queries may see it. "
       "count: (sequence, layer, head) in whose attention it was one; places: tokens of the text "
       "that were one for some head."},
      {"options",
       {{"epsilon", result.options.epsilon}, {"least_queries", result.options.least_queries}}},
      {"sequences", result.sequences},
      {"positions", first_of(result.positions, kMostPlaces,
                             [](const SinkPosition& at) {
                               return json{{"position", at.position},
                                           {"count", at.count},
                                           {"sequences", at.sequences}};
                             })},
      {"tokens", first_of(result.tokens, kMostTokens, told)},
      {"heads", heads},
      {"place_count", result.token_position_count},
      {"places", first_of(result.token_positions, kMostPlaces, told)}};
  report.json["sinks_anywhere"] = fields;
}

}  // namespace spikesink::detail

namespace spikesink {
template void Report::add(const SinksAnywhereResult&);
}  // namespace spikesink
