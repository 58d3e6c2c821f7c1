#pragma once

#include <memory>
#include <stdexcept>

#include "interventions/fields.h"
#include "interventions/targets.h"

namespace examples {

/// The text shows nothing that an intervention could be made from.
struct NothingThere : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// One part of an intervention, as docs/interventions.md describes it. Throws
/// spikesink::FormatError for what is not understood, NothingThere, and what the library throws.
std::shared_ptr<const spikesink::Intervention> make_part(const Json& part, const std::string& where,
                                                         const Targets& targets,
                                                         Experiment& experiment);

}  // namespace examples
