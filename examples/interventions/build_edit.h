#pragma once

#include <memory>
#include <stdexcept>
#include <string>

#include "interventions/json_object.h"
#include "interventions/spikes_and_sinks.h"

namespace examples {

/// The text or the tokenizer lacks what an edit acts on.
struct NothingToEdit : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// One edit of an intervention, as docs/interventions.md describes its JSON. Throws
/// spikesink::FormatError for JSON that is not understood, NothingToEdit, and what the library
/// throws.
std::shared_ptr<const spikesink::Intervention> build_edit(const Json& json,
                                                          const std::string& location,
                                                          const SpikesAndSinks& found,
                                                          Experiment& experiment);

}  // namespace examples
