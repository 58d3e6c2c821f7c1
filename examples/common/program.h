#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>

namespace examples {

/// Parses the command line and runs `body`; returns the exit status. Adds --help and --version.
/// On an error, prints one sentence to stderr; the status is 1, or 2 if the command line is wrong.
/// On Ctrl-C, prints which files remain in --out, and then `advice_when_interrupted`.
int run_example(CLI::App& app, int argc, char** argv, const std::function<void()>& body,
                const std::string& advice_when_interrupted = "");

}  // namespace examples
