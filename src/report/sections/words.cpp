#include "report/sections/words.h"

#include <cmath>

namespace spikesink::detail {

json number(double value) {
  return std::isfinite(value) ? json(value) : json(nullptr);
}

json mean_or_null(const RunningMean& values) {
  return values.count == 0 ? json(nullptr) : json(values.mean);
}

json entry_of(const Block& block) {
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
