#include "interventions/intervention_list.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

extern "C" const char spikesink_interventions[], spikesink_interventions_end[];

namespace examples {
namespace {

constexpr int kDeepest = 16;  // maximum nesting of objects and lists

std::string name_of(const Json& entry) {
  return entry["name"].get<std::string>();
}

void check_entry(const JsonObject& entry, const std::vector<std::string>& earlier_names) {
  const auto name = entry.string("name");
  if (std::count(earlier_names.begin(), earlier_names.end(), name) > 0)
    entry.refuse("name", "a name of its own");
  if (entry.has("parts") == entry.has("protocol")) entry.refuse("parts", "parts or a protocol");
  if (entry.has("parts") && !entry["parts"].is_array()) entry.refuse("parts", "a list");
}

void check(const InterventionList& list) {
  if (!list.entries.is_array() || list.entries.empty())
    throw spikesink::FileError(fmt::format("{}: expected a list of interventions", list.file_name));
  std::vector<std::string> names;
  for (size_t index = 0; index < list.entries.size(); ++index) {
    const JsonObject entry(list.entries[index], fmt::format("{}[{}]", list.file_name, index),
                           {"name", "what", "parts", "protocol"});
    check_entry(entry, names);
    names.push_back(entry.string("name"));
  }
}

}  // namespace

std::vector<std::string> InterventionList::names() const {
  std::vector<std::string> names;
  for (const auto& entry : entries) names.push_back(name_of(entry));
  return names;
}

std::string InterventionList::help() const {
  std::vector<std::pair<std::string, std::string>> lines;
  for (const auto& entry : entries)
    lines.emplace_back(name_of(entry), entry.value("what", std::string()));
  return help_list("Names for --run", lines);
}

void InterventionList::select(const std::vector<std::string>& wanted) {
  const auto known = names();
  for (const auto& name : wanted) {
    if (std::find(known.begin(), known.end(), name) == known.end())
      throw std::invalid_argument(
          fmt::format("--run: got '{}', expected one of {}", name, fmt::join(known, ", ")));
  }
  Json selected = Json::array();
  for (const auto& entry : entries) {
    if (std::find(wanted.begin(), wanted.end(), name_of(entry)) != wanted.end())
      selected.push_back(entry);
  }
  entries = std::move(selected);
  skip_impossible = false;
}

InterventionList default_interventions() {
  return {Json::parse(spikesink_interventions, spikesink_interventions_end), "interventions.json"};
}

InterventionList read_interventions(const std::filesystem::path& file) {
  const auto is_shallow = [&](int depth, Json::parse_event_t, const Json&) {
    if (depth >= kDeepest)
      throw spikesink::FileError(
          fmt::format("--file: {} is nested deeper than {} levels", file.string(), kDeepest));
    return true;
  };
  auto json = Json::parse(read_file(file), is_shallow, /*allow_exceptions=*/false);
  if (json.is_discarded())
    throw spikesink::FileError(fmt::format("--file: {} is not JSON", file.string()));
  InterventionList list{std::move(json), file.filename().string(), /*skip_impossible=*/false};
  check(list);
  return list;
}

}  // namespace examples
