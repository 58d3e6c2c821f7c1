#pragma once

#include <memory>
#include <stdexcept>
#include <string>

#include "interventions/json_object.h"
#include "interventions/spikes_and_sinks.h"

namespace examples {

/// Thrown if the text or the tokenizer does not have what an edit acts on.
struct NothingToEdit : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Builds one edit of an intervention from its JSON (docs/interventions.md). Throws
/// spikesink::FileError for invalid JSON, NothingToEdit, and what the library throws.
std::shared_ptr<const spikesink::Intervention> build_edit(const Json& json,
                                                          const std::string& location,
                                                          const SpikesAndSinks& found,
                                                          Experiment& experiment);

}  // namespace examples
