#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <utility>
#include <vector>

namespace examples {

/// Titles of the common groups of options in --help. A program may add its own.
inline constexpr const char* kModelGroup = "Model";
inline constexpr const char* kTextGroup = "Text";
inline constexpr const char* kComputeGroup = "Compute";
inline constexpr const char* kOutputGroup = "Output";
inline constexpr const char* kHelpGroup = "Help";

/// Prints the options by group in two columns, 80 characters wide. The text of an option ends with
/// its default (from `capture_default_str`) or "required".
class HelpFormatter : public CLI::FormatterBase {
 public:
  std::string make_help(const CLI::App* app, std::string name,
                        CLI::AppFormatMode mode) const override;
};

/// Returns a list with a title, of names and their meanings, for the end of --help (`App::footer`).
std::string help_list(const std::string& title,
                      const std::vector<std::pair<std::string, std::string>>& entries);
/// Returns the same without meanings.
std::string help_list(const std::string& title, const std::vector<std::string>& names);

}  // namespace examples
