#pragma once

#include <filesystem>

#include "interventions/fields.h"
#include "interventions/targets.h"

namespace examples {

/// A list of interventions, each with its name, what it does in words, and its parts or the
/// published protocol that it stands for.
struct Plan {
  Json entries;
  std::string where;  // its file's name
  bool all = true;    // what cannot be made of this model and text is left out, and said

  std::vector<std::string> names() const;
  /// A line each: name and what it does.
  std::string words() const;
  /// Only those.
  void choose(const std::vector<std::string>& chosen);
};

/// The interventions that come with the program.
Plan default_plan();
/// Those of a file. Throws spikesink::FormatError.
Plan read_plan(const std::filesystem::path& file);

/// `note` says what was left out, and why. What was asked for and cannot be made throws.
std::vector<spikesink::NamedIntervention> make(const Plan& plan, const Targets& targets,
                                               Experiment& experiment, std::string& note);

}  // namespace examples
