#include "common/help.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

namespace examples {
namespace {

constexpr size_t kWidth = 80;
constexpr size_t kTextColumn = 27;

// Breaks `text` between words. Each line starts at `column`; the first line is already there.
std::string wrap(const std::string& text, size_t column) {
  std::istringstream words(text);
  std::string wrapped, word;
  size_t end = column;
  while (words >> word) {
    if (end > column && end + 1 + word.size() > kWidth) {
      wrapped += "\n" + std::string(column, ' ');
      end = column;
    }
    if (end > column) wrapped += " ";
    end += word.size() + (end > column ? 1 : 0);
    wrapped += word;
  }
  return wrapped;
}

std::string two_columns(const std::string& left, const std::string& right, size_t column) {
  if (right.empty()) return fmt::format("  {}\n", left);
  const bool fits = left.size() + 4 <= column;
  const auto gap =
      fits ? std::string(column - 2 - left.size(), ' ') : "\n" + std::string(column, ' ');
  return fmt::format("  {}{}{}\n", left, gap, wrap(right, column));
}

std::string describe(const CLI::Option& option) {
  auto names = option.get_name(/*positional=*/false, /*all_options=*/true);
  names = CLI::detail::find_and_replace(names, ",", ", ");
  if (option.get_type_size() > 0) names += " " + option.get_type_name();
  auto text = option.get_description();
  if (!option.get_default_str().empty())
    text += fmt::format(" (default: {})", option.get_default_str());
  if (option.get_required()) text += " (required)";
  return two_columns(names, text, kTextColumn);
}

// The program's own groups come after the input and before the rest.
int rank(const std::string& group) {
  if (group == kModelGroup) return 0;
  if (group == kTextGroup) return 1;
  if (group == kComputeGroup) return 3;
  if (group == kOutputGroup) return 4;
  return group == kHelpGroup ? 5 : 2;
}

}  // namespace

std::string HelpFormatter::make_help(const CLI::App* app, std::string name,
                                     CLI::AppFormatMode) const {
  auto help =
      fmt::format("{}\n\nUsage: {} [OPTIONS]\n", wrap(app->get_description(), 0), std::move(name));
  auto groups = app->get_groups();
  std::stable_sort(groups.begin(), groups.end(),
                   [](const auto& a, const auto& b) { return rank(a) < rank(b); });
  for (const auto& group : groups) {
    help += fmt::format("\n{}:\n", group);
    for (const auto* option :
         app->get_options([&](const CLI::Option* other) { return other->get_group() == group; }))
      help += describe(*option);
  }
  return app->get_footer().empty() ? help : help + "\n" + app->get_footer();
}

std::string help_list(const std::string& title,
                      const std::vector<std::pair<std::string, std::string>>& entries) {
  std::string list = title + ":\n";
  size_t longest = 0;
  for (const auto& [name, meaning] : entries) longest = std::max(longest, name.size());
  for (const auto& [name, meaning] : entries) list += two_columns(name, meaning, longest + 4);
  return list;
}

std::string help_list(const std::string& title, const std::vector<std::string>& names) {
  std::vector<std::pair<std::string, std::string>> entries;
  for (const auto& name : names) entries.emplace_back(name, "");
  return help_list(title, entries);
}

}  // namespace examples
