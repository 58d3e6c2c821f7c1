#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace examples {

/// Checks that an argument is a whole number from `least` to `most`.
CLI::Validator whole_number(int64_t least, int64_t most = std::numeric_limits<int64_t>::max());

/// Checks that an argument is a finite number that is not negative.
CLI::Validator magnitude();

/// Converts a positive number of bytes such as "3GB" or "500 MiB" to digits.
CLI::Validator byte_size();

/// Checks that an argument is one of `words`.
CLI::Validator one_of(std::vector<std::string> words);

/// Returns a name of report.json in the spelling of the command line: "life_cycle" becomes
/// "life-cycle".
std::string hyphenated(std::string name);

}  // namespace examples
