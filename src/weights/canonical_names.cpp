#include "weights/canonical_names.h"

#include <algorithm>
#include <array>
#include <utility>

namespace spikesink::detail {
namespace {

void remove_all(std::string& name, std::string_view part) {
  for (auto at = name.find(part); at != std::string::npos; at = name.find(part, at))
    name.erase(at, part.size());
}

// Removes a prefix if all names have it; returns whether they did.
bool remove_prefix(std::vector<std::string>& names, std::string_view prefix) {
  const auto has_prefix = [&](const std::string& name) { return name.starts_with(prefix); };
  if (names.empty() || !std::ranges::all_of(names, has_prefix)) return false;
  for (auto& name : names) name.erase(0, prefix.size());
  return true;
}

void remove_prefixes(std::vector<std::string>& names) {
  constexpr std::array<std::string_view, 2> kPrefixes{"module.", "base_model.model."};
  while (
      std::ranges::any_of(kPrefixes, [&](auto prefix) { return remove_prefix(names, prefix); })) {
  }
}

// The names of the file's tensors without wrappers, in the same order.
std::vector<std::string> canonical_names(const WeightSource& source) {
  std::vector<std::string> names;
  for (const auto& info : source.tensors()) names.push_back(info.name);
  for (auto& name : names) remove_all(name, "_orig_mod.");
  remove_prefixes(names);
  for (auto& name : names) {
    for (const char* part : {"base_layer.", "modules_to_save.default."}) remove_all(name, part);
  }
  return names;
}

}  // namespace

std::unique_ptr<WeightSource> with_canonical_names(std::unique_ptr<WeightSource> source) {
  constexpr std::string_view kReplaced = ".original_module.";  // by `modules_to_save`
  const auto names = canonical_names(*source);
  std::vector<DerivedTensor> derived;
  std::vector<std::string> hidden;
  for (size_t i = 0; i < names.size(); ++i) {
    const auto& info = source->tensors()[i];
    if (info.name.find(kReplaced) != std::string::npos) {
      hidden.push_back(info.name);
    } else if (names[i] != info.name) {
      derived.push_back(renamed(info, names[i]));
    }
  }
  return with_derived(std::move(source), std::move(derived), hidden);
}

}  // namespace spikesink::detail
