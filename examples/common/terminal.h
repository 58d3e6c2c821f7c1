#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "common/options.h"
#include "spikesink/measure/core/measurement.h"

namespace examples {

/// Writes to stderr. Output that cannot be written is lost: a closed terminal must not end a run.
template <typename... Args>
void print_stderr(fmt::format_string<Args...> format, Args&&... args) {
  std::fputs(fmt::format(format, std::forward<Args>(args)...).c_str(), stderr);
}

/// A progress bar on stderr when that is a terminal; nothing with --quiet.
spikesink::ProgressCallback progress_bar(const ProgramOptions& options, const std::string& task);

/// Returns "1, 2, 3", or "none".
std::string list(const std::vector<int64_t>& numbers);

}  // namespace examples
