#include "report/json_values.h"

#include <fmt/format.h>

#include <cmath>

namespace spikesink::detail {

json number(double value) {
  return std::isfinite(value) ? json(value) : json(nullptr);
}

json digits(double value) {
  return std::isfinite(value) ? json(std::stod(fmt::format("{:.4g}", value))) : json(nullptr);
}

json ratio_entry(const ChannelRatio& ratio) {
  return {{"channel", ratio.channel},
          {"reference", ratio.reference},
          {"mean", ratio.ratio.mean},
          {"standard_deviation", ratio.ratio.standard_deviation()},
          {"count", ratio.ratio.count}};
}

json mean_or_null(const RunningMean& values) {
  return values.count == 0 ? json(nullptr) : json(values.mean);
}

json block_entry(const Block& block) {
  return {{"block", block.number}, {"layer", block.layer()}, {"kind", block.kind_name()}};
}

json token_entry(int64_t id, const Tokenizer* tokenizer) {
  json entry = {{"id", id}};
  if (!tokenizer) return entry;
  try {
    entry["text"] = tokenizer->token_text(id);
    if (tokenizer->is_special(id)) entry["special"] = true;
  } catch (const std::invalid_argument&) {  // embeddings may have rows that no token uses
  }
  return entry;
}

}  // namespace spikesink::detail
