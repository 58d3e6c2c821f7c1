#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "interventions/json_object.h"
#include "interventions/spikes_and_sinks.h"

namespace examples {

/// A list of interventions in JSON (docs/interventions.md).
struct InterventionList {
  Json entries;
  std::string file_name;
  /// Skips interventions that this model or text does not allow, instead of throwing.
  bool skip_impossible = true;

  std::vector<std::string> names() const;
  /// Returns their names and descriptions, for the end of --help.
  std::string help() const;
  /// Selects the interventions with these names and sets `skip_impossible` to false. Throws
  /// std::invalid_argument for an unknown name.
  void select(const std::vector<std::string>& names);
};

/// Returns the built-in interventions.
InterventionList default_interventions();
/// Reads the interventions of --file. Throws spikesink::FileError.
InterventionList read_interventions(const std::filesystem::path& file);

struct BuiltInterventions {
  std::vector<spikesink::NamedInterventions> interventions;
  std::vector<std::string> skipped;  // names, each with the reason in parentheses
};

/// Throws what `build_edit` throws, unless the list skips impossible interventions.
BuiltInterventions build_interventions(const InterventionList& list, const SpikesAndSinks& found,
                                       Experiment& experiment);

}  // namespace examples
