#pragma once

#include <stdexcept>

// Errors are exceptions. An invalid argument throws `std::invalid_argument`. A file that is damaged
// or has unsupported content throws `FormatError`. Each message is one sentence: "[function] what
// is wrong: got X, expected Y (file, tensor)".

namespace [[gnu::visibility("default")]] spikesink {

/// A file cannot be read, is damaged or has unsupported content.
class FormatError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace spikesink
