#include "interventions/plan.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "interventions/parts.h"

extern "C" const char spikesink_interventions[], spikesink_interventions_end[];

namespace examples {
namespace {

using namespace spikesink;

constexpr int kDeepest = 16;  // objects and lists in each other

std::string place(const std::string& list, size_t index) {
  return fmt::format("{}[{}]", list, index);
}

Plan checked(Plan plan) {
  if (!plan.entries.is_array() || plan.entries.empty())
    throw FormatError(fmt::format("{}: expected a list of interventions", plan.where));
  std::vector<std::string> names;
  for (size_t index = 0; index < plan.entries.size(); ++index) {
    const Fields entry(plan.entries[index], place(plan.where, index),
                       {"name", "what", "parts", "protocol"});
    names.push_back(entry.text("name"));
    if (std::count(names.begin(), names.end(), names.back()) > 1)
      entry.refuse("name", "a name of its own");
    if (entry.has("parts") == entry.has("protocol")) entry.refuse("parts", "parts or a protocol");
    if (entry.has("parts") && !entry["parts"].is_array()) entry.refuse("parts", "a list");
  }
  return plan;
}

std::vector<NamedIntervention> protocol(const Fields& entry, const Targets& targets) {
  const auto name = entry.text("protocol");
  if (name != "refine" && name != "massive-activations")
    entry.refuse("protocol", "massive-activations or refine");
  if (!targets.birth || targets.first.layers.empty())
    throw NothingThere("the text shows no spikes");
  if (name == "refine")
    return refine_protocol(targets.first, targets.first.places, targets.channels);
  return massive_activations_protocol(targets.massive, targets.birth->layer(), targets.channels);
}

std::vector<NamedIntervention> made(const Json& json, const std::string& where,
                                    const Targets& targets, Experiment& experiment) {
  const Fields entry(json, where, {"name", "what", "parts", "protocol"});
  if (entry.has("protocol")) return protocol(entry, targets);
  NamedIntervention intervention{.name = entry.text("name")};
  for (size_t index = 0; index < entry["parts"].size(); ++index)
    intervention.parts.push_back(
        make_part(entry["parts"][index], place(entry.where("parts"), index), targets, experiment));
  return {intervention};
}

}  // namespace

std::vector<std::string> Plan::names() const {
  std::vector<std::string> names;
  for (const auto& entry : entries) names.push_back(entry["name"].get<std::string>());
  return names;
}

std::string Plan::words() const {
  std::string words;
  for (const auto& entry : entries)
    words += fmt::format("  {:<24} {}\n", entry["name"].get<std::string>(),
                         entry.value("what", std::string()));
  return words;
}

void Plan::choose(const std::vector<std::string>& chosen) {
  if (chosen.empty()) return;
  all = false;
  Json kept = Json::array();
  for (const auto& entry : entries) {
    const auto name = entry["name"].get<std::string>();
    if (std::find(chosen.begin(), chosen.end(), name) != chosen.end()) kept.push_back(entry);
  }
  for (const auto& name : chosen) {
    const auto known = names();
    if (std::find(known.begin(), known.end(), name) == known.end())
      throw std::invalid_argument(
          fmt::format("--run: got '{}', expected of {}", name, fmt::join(known, ", ")));
  }
  entries = std::move(kept);
}

Plan default_plan() {
  return {Json::parse(spikesink_interventions, spikesink_interventions_end), "interventions.json"};
}

Plan read_plan(const std::filesystem::path& file) {
  const auto is_shallow = [&](int depth, Json::parse_event_t, const Json&) {
    if (depth >= kDeepest)
      throw FormatError(
          fmt::format("--file: {} is nested deeper than {} levels", file.string(), kDeepest));
    return true;
  };
  auto json = Json::parse(read_file(file), is_shallow, /*allow_exceptions=*/false);
  if (json.is_discarded()) throw FormatError(fmt::format("--file: {} is not JSON", file.string()));
  return checked({std::move(json), file.filename().string(), false});
}

std::vector<NamedIntervention> make(const Plan& plan, const Targets& targets,
                                    Experiment& experiment, std::string& note) {
  std::vector<NamedIntervention> interventions;
  std::vector<std::string> left_out;
  for (size_t index = 0; index < plan.entries.size(); ++index) {
    const auto& entry = plan.entries[index];
    const auto leave_out = [&](const std::exception& why) {
      if (!plan.all) throw;
      left_out.push_back(fmt::format("{} ({})", entry["name"].get<std::string>(), why.what()));
    };
    try {
      auto more = made(entry, place(plan.where, index), targets, experiment);
      interventions.insert(interventions.end(), more.begin(), more.end());
    } catch (const NothingThere& why) {
      leave_out(why);
    } catch (const std::invalid_argument& why) {
      leave_out(why);
    }
  }
  if (!left_out.empty()) note = fmt::format("left out: {}", fmt::join(left_out, ", "));
  return interventions;
}

}  // namespace examples
