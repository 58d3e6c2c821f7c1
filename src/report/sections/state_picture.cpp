#include "report/report_sections.h"
#include "report/sections/words.h"

#include <fmt/format.h>

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
  // Four digits are more than a picture shows; the exact peaks are in life_cycle.
  for (const auto& row : picture.magnitudes) {
    json drawn = json::array();
    for (const float value : row) drawn.push_back(number(std::stod(fmt::format("{:.4g}", value))));
    entry["magnitudes"].push_back(drawn);
  }
  return entry;
}

}  // namespace spikesink::detail
