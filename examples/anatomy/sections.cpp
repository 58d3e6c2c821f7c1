#include "anatomy/sections.h"

#include <algorithm>

namespace examples {

const std::vector<std::string>& section_names() {
  static const std::vector<std::string> names = {
      "life_cycle",       "spike_tokens",     "gate_linearity", "quadratic_form",
      "vocabulary_probe", "sparse_constants", "sink_geometry",  "attention_sinks",
      "sinks_anywhere",   "quantisation",     "kv_cache",       "massive_activations",
      "perplexity",       "state_picture"};
  return names;
}

std::string section_name(std::string word) {
  std::replace(word.begin(), word.end(), '-', '_');
  return word == "sinks" ? "attention_sinks" : word;
}

Sections::Sections(const std::vector<std::string>& only, const std::vector<std::string>& skip) {
  const auto& all = only.empty() ? section_names() : only;
  wanted_.insert(all.begin(), all.end());
  for (const auto& name : skip) wanted_.erase(name);
}

bool Sections::wants_any(std::initializer_list<std::string_view> names) const {
  return std::any_of(names.begin(), names.end(), [this](auto name) { return wants(name); });
}

}  // namespace examples
