#pragma once

#include <stdexcept>

// Errors are exceptions. An invalid argument throws `std::invalid_argument`. A file that is damaged
// or has unsupported content throws `FileError`. Each message is one sentence: "[function] what
// is wrong: got X, expected Y (file, tensor)".

namespace [[gnu::visibility("default")]] spikesink {

/// A file cannot be read or written, is damaged or has unsupported content.
class FileError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace spikesink
