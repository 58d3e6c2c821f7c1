#include "report/report_sections.h"
#include "report/sections/words.h"

namespace spikesink::detail {

json section(const StatePicture& picture, const Tokenizer* tokenizer) {
  auto entry = entry_of(picture.block);
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
  return entry;
}

}  // namespace spikesink::detail
