#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "interventions/json_object.h"
#include "interventions/spikes_and_sinks.h"

namespace examples {

/// Interventions in JSON (docs/interventions.md).
struct InterventionList {
  Json entries;
  std::string file_name;
  bool skip_impossible = true;  // those that this model or text does not allow, instead of an error

  std::vector<std::string> names() const;
  /// Their names and what they do, for the end of --help.
  std::string help() const;
  /// Keeps those with these names; an impossible one is then an error. Throws std::invalid_argument
  /// for an unknown name.
  void select(const std::vector<std::string>& names);
};

/// The interventions that come with the program.
InterventionList default_interventions();
/// Those of --file. Throws spikesink::FormatError.
InterventionList read_interventions(const std::filesystem::path& file);

struct BuiltInterventions {
  std::vector<spikesink::NamedIntervention> interventions;
  std::vector<std::string> skipped;  // names, each with the reason in parentheses
};

/// Throws what `build_edit` throws if the list does not skip impossible ones.
BuiltInterventions build_interventions(const InterventionList& list, const SpikesAndSinks& found,
                                       Experiment& experiment);

}  // namespace examples
