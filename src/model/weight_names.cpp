#include "model/weight_names.h"

#include <algorithm>

#include "detail/fail.h"

namespace spikesink::detail {
namespace {

// A name with one number replaced by "{}": "experts.7.up" -> "experts.{}.up" and 7.
struct Numbered {
  std::string name;
  int64_t number = 0;
};

Numbered without_number(const std::string& name, const std::string& prefix) {
  const auto found = name.find(prefix);
  if (found == std::string::npos) return {name};
  const auto begin = found + prefix.size(), end = name.find('.', begin);
  return {name.substr(0, begin) + "{}" + name.substr(end),
          std::stoll(name.substr(begin, end - begin))};
}

std::string with_number(const std::string& name, int64_t number) {
  return fmt::format(fmt::runtime(name), number);
}

bool has_number(const std::string& name) {
  return name.find("{}") != std::string::npos;
}

// "attn.q.weight" can have its own entry or that of its module, "attn.q".
std::optional<std::string> tensor_of(const WeightName& entry, const std::string& parameter) {
  if (entry.parameter == parameter) return entry.tensor;
  const auto dot = parameter.rfind('.');
  if (dot == std::string::npos || entry.parameter != parameter.substr(0, dot)) return std::nullopt;
  return entry.tensor + parameter.substr(dot);
}

void add_alternatives(const std::string& parameter, int64_t rows, const std::string& prefix,
                      const std::vector<WeightName>& entries,
                      std::vector<StoredParameter>& alternatives) {
  const auto [name, expert] = without_number(parameter, "experts.");
  for (const auto& entry : entries) {
    const auto tensor = tensor_of(entry, name);
    if (!tensor) continue;
    const bool stacked = has_number(*tensor) && !has_number(name);
    StoredParameter stored{{}, stacked, entry.extract, expert};
    for (int64_t row = 0; row < (stacked ? rows : 1); ++row)
      stored.tensors.push_back(prefix + with_number(*tensor, stacked ? row : expert));
    alternatives.push_back(std::move(stored));
  }
}

}  // namespace

std::vector<StoredParameter> stored_as(const std::string& parameter, int64_t rows,
                                       const WeightNames& names, const std::string& base) {
  std::vector<StoredParameter> alternatives;
  const auto [pattern, layer] = without_number(parameter, "blocks.");
  if (pattern == parameter) {
    add_alternatives(parameter, rows, base, names.body, alternatives);
    add_alternatives(parameter, rows, "", names.end, alternatives);
  } else {
    add_alternatives(pattern.substr(std::string("blocks.{}.").size()), rows,
                     base + with_number(names.layer, layer), names.in_layer, alternatives);
  }
  return alternatives;
}

bool matches_any(const std::string& tensor, const std::vector<std::string>& patterns) {
  return std::ranges::any_of(patterns, [&](const auto& pattern) {
    if (pattern.starts_with('*')) return tensor.ends_with(pattern.substr(1));
    if (pattern.ends_with('*')) return tensor.starts_with(pattern.substr(0, pattern.size() - 1));
    return tensor == pattern;
  });
}

void rename(WeightNames& names, std::string_view parameter, const std::string& tensor,
            Extract extract) {
  for (auto* entries : {&names.body, &names.in_layer, &names.end}) {
    for (auto& entry : *entries) {
      if (entry.parameter == parameter) entry = {entry.parameter, tensor, extract};
    }
  }
}

std::vector<WeightName> operator+(std::vector<WeightName> a, const std::vector<WeightName>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

}  // namespace spikesink::detail
