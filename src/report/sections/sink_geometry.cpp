#include "report/json_values.h"
#include "report/section.h"
#include "spikesink/measure/sinks/sink_geometry_summary.h"

namespace spikesink::detail {
namespace {

json section(const KeyGeometry& keys) {
  return {{"norm", number(keys.norm)},
          {"value_norm", number(keys.value_norm)},
          {"effective_rank", number(keys.effective_rank)},
          {"first_direction", number(keys.first_direction)},
          {"first_two_directions", number(keys.first_two_directions)},
          {"squared_distance", number(keys.squared_distance)},
          {"cosine", number(keys.cosine)}};
}

json section(const HeadGeometry& head) {
  return {{"layer", head.layer},
          {"head", head.head},
          {"key_head", head.key_head},
          {"logit_gap", number(head.logit_gap)},
          {"margin", number(head.margin(QkDistance::kEuclidean))},
          {"named", head.is_predicted_sink_head(QkDistance::kEuclidean)},
          {"value_drain", number(head.value_drain())},
          {"sinks", section(head.sinks)},
          {"others", section(head.others)}};
}

json section(const SinkHeadAgreement& agreement) {
  return {{"heads", agreement.heads},
          {"named", agreement.named},
          {"measured", agreement.measured},
          {"both", agreement.both},
          {"precision", number(agreement.precision())},
          {"recall", number(agreement.recall())},
          {"base_rate", number(agreement.base_rate())},
          {"area_by_margin", number(agreement.area_by_margin)},
          {"area_by_logit_gap", number(agreement.area_by_logit_gap)}};
}

json rows(const torch::Tensor& points) {
  json list = json::array();
  for (int64_t row = 0; row < points.size(0); ++row)
    list.push_back({digits(points[row][0].item<double>()), digits(points[row][1].item<double>())});
  return list;
}

json section(const HeadPicture& picture, const Tokenizer* tokenizer) {
  const auto& sample = picture.sample;
  json points = json::array();
  const auto list = [&](const std::vector<QkVector>& vectors, const char* kind) {
    for (const auto& vector : vectors) {
      auto entry = token_entry(vector.id, tokenizer);
      entry["kind"] = kind;
      entry["sequence"] = vector.token.sequence;
      entry["position"] = vector.token.position;
      points.push_back(entry);
    }
  };
  list(sample.queries, "query");
  list(sample.other_keys, "key");
  list(sample.sink_keys, "sink key");
  return {{"layer", sample.layer}, {"head", sample.head},        {"role", picture.role},
          {"points", points},      {"tsne", rows(picture.tsne)}, {"pca", rows(picture.pca)}};
}

}  // namespace

void add_section(const SinkGeometrySummary& geometry, ReportDocument& report) {
  const auto* tokenizer = report.tokenizer.get();
  const auto& options = geometry.result.options;
  json heads = json::array(), pictures = json::array();
  for (const auto& head : geometry.result.heads) heads.push_back(section(head));
  for (const auto& picture : geometry.pictures) pictures.push_back(section(picture, tokenizer));
  json agreements;
  for (const auto& [distance, agreement] : geometry.agreements)
    agreements[to_string(distance)] = section(agreement);
  const json fields = {
      {"definition",
       "Of queries and keys as they enter the dot product. named: the head's non-sink queries lie "
       "closer to the sink keys than to the other keys (arXiv 2603.05498, eq. 26); margin: by how "
       "much, mean ||q - k||^2 of the others less that of the sinks. logit_gap: the mean score of "
       "the sinks that a query sees less that of its other keys. effective_rank: exp of the "
       "entropy of the eigenvalues of the keys' second moment. value_drain: ||v|| of the sinks "
       "over that of the others. precision and recall are against heads whose mean importance "
       "exceeds epsilon; an area is the chance that such a head ranks above another. pictures are "
       "of the first batch."},
      {"options", {{"positions", options.sinks.positions}, {"before_rope", options.before_rope}}},
      {"sink_keys", geometry.result.sink_keys},
      {"other_keys", geometry.result.other_keys},
      {"heads", heads},
      {"agreement", agreements},
      {"pictures", pictures}};
  report.json["sink_geometry"] = fields;
}

}  // namespace spikesink::detail

namespace spikesink {
template void Report::add(const SinkGeometrySummary&);
}  // namespace spikesink
