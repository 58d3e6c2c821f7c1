#include "spikesink/measure/spikes/state_picture.h"
#include "report/json_values.h"
#include "report/section.h"

namespace spikesink::detail {

void add_section(const StatePicture& picture, ReportDocument& report) {
  const auto* tokenizer = report.tokenizer.get();
  auto entry = block_entry(picture.block);
  entry["sequence"] = picture.sequence;
  for (size_t row = 0; row < picture.tokens.size(); ++row) {
    auto token = token_entry(picture.tokens[row], tokenizer);
    token["position"] = picture.first_position + static_cast<int64_t>(row);
    entry["tokens"].push_back(token);
  }
  for (const auto& [first, last] : picture.channels) entry["channels"].push_back({first, last});
  for (const auto& row : picture.magnitudes) {
    json drawn = json::array();
    for (const float value : row) drawn.push_back(digits(value));
    entry["magnitudes"].push_back(drawn);
  }
  report.json["state_picture"] = entry;
}

}  // namespace spikesink::detail

namespace spikesink {
template void Report::add(const StatePicture&);
}  // namespace spikesink
