#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <utility>
#include <vector>

namespace examples {

/// Titles of the groups of options in --help, beside those of a program's own.
inline constexpr const char* kModelGroup = "Model";
inline constexpr const char* kTextGroup = "Text";
inline constexpr const char* kComputeGroup = "Compute";
inline constexpr const char* kOutputGroup = "Output";
inline constexpr const char* kHelpGroup = "Help";

/// Prints the options group by group, in two columns of 80 characters together. Defaults that CLI11
/// knows (`capture_default_str`) and "required" end an option's text.
class HelpFormatter : public CLI::FormatterBase {
 public:
  std::string make_help(const CLI::App* app, std::string name,
                        CLI::AppFormatMode mode) const override;
};

/// A titled list of names and their meanings for the end of --help (`App::footer`).
std::string help_list(const std::string& title,
                      const std::vector<std::pair<std::string, std::string>>& entries);
/// The same without meanings.
std::string help_list(const std::string& title, const std::vector<std::string>& names);

}  // namespace examples
