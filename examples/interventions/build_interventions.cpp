#include <fmt/format.h>

#include "interventions/build_edit.h"
#include "interventions/intervention_list.h"

namespace examples {
namespace {

using namespace spikesink;

std::vector<NamedInterventions> build_protocol(const JsonObject& entry,
                                               const SpikesAndSinks& found) {
  const auto name = entry.string("protocol");
  if (name != "refine" && name != "massive-activations")
    entry.refuse("protocol", "massive-activations or refine");
  if (!found.birth || found.first_massive.layers.empty())
    throw NothingToEdit("the text shows no spikes");
  if (name == "refine")
    return onset_protocol(found.first_massive, found.first_massive.spike_positions, found.channels);
  return massive_activations_protocol(found.massive, found.birth->layer(), found.channels);
}

// One protocol contains several interventions.
std::vector<NamedInterventions> build_entry(const Json& json, const std::string& location,
                                            const SpikesAndSinks& found, Experiment& experiment) {
  const JsonObject entry(json, location, {"name", "what", "parts", "protocol"});
  if (entry.has("protocol")) return build_protocol(entry, found);
  NamedInterventions intervention{.name = entry.string("name")};
  const auto& edits = entry["parts"];
  for (size_t index = 0; index < edits.size(); ++index)
    intervention.interventions.push_back(build_edit(
        edits[index], fmt::format("{}[{}]", entry.location("parts"), index), found, experiment));
  return {intervention};
}

}  // namespace

BuiltInterventions build_interventions(const InterventionList& list, const SpikesAndSinks& found,
                                       Experiment& experiment) {
  BuiltInterventions built;
  for (size_t index = 0; index < list.entries.size(); ++index) {
    const auto& entry = list.entries[index];
    const auto skip = [&](const std::exception& reason) {
      if (!list.skip_impossible) throw;
      built.skipped.push_back(
          fmt::format("{} ({})", entry["name"].get<std::string>(), reason.what()));
    };
    try {
      auto more =
          build_entry(entry, fmt::format("{}[{}]", list.file_name, index), found, experiment);
      built.interventions.insert(built.interventions.end(), more.begin(), more.end());
    } catch (const NothingToEdit& reason) {
      skip(reason);
    } catch (const std::invalid_argument& reason) {
      skip(reason);
    }
  }
  return built;
}

}  // namespace examples
