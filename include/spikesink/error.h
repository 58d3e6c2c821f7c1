#pragma once

#include <stdexcept>

// Errors are exceptions. A caller's mistake is `std::invalid_argument`; a file that is broken, or
// says something the library does not understand, is `FormatError`. Each message is one sentence:
// "[function] what is wrong: got X, expected Y (file, tensor)".

namespace [[gnu::visibility("default")]] spikesink {

/// A file cannot be read, is damaged, or holds something that is not understood.
class FormatError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace spikesink
