#include "common/validators.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

namespace examples {
namespace {

// Parses `word`, which must be one number and nothing else.
template <typename Number>
std::optional<Number> parse(const std::string& word) {
  Number number{};
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  if (error != std::errc() || end != word.data() + word.size()) return std::nullopt;
  return number;
}

}  // namespace

CLI::Validator whole_number(int64_t least, int64_t most) {
  const auto check = [least, most](const std::string& word) -> std::string {
    const auto number = parse<int64_t>(word);
    if (number && *number >= least && *number <= most) return {};
    const bool is_open = most == std::numeric_limits<int64_t>::max();
    return fmt::format(
        "got '{}', expected a whole number {}", word,
        is_open ? fmt::format("from {}", least) : fmt::format("from {} to {}", least, most));
  };
  return {check, ""};
}

CLI::Validator magnitude() {
  const auto check = [](const std::string& word) -> std::string {
    const auto number = parse<double>(word);
    if (number && std::isfinite(*number) && *number >= 0) return {};
    return fmt::format("got '{}', expected a number from 0", word);
  };
  return {check, ""};
}

CLI::Validator byte_size() {
  const auto convert = [](std::string& word) -> std::string {
    auto bytes = word;
    try {
      CLI::AsSizeValue(/*kb_is_1000=*/true)(bytes);
    } catch (const CLI::Error&) {
      bytes.clear();
    }
    if (parse<int64_t>(bytes).value_or(0) < 1)
      return fmt::format("got '{}', expected a size such as 3GB or 500MiB", word);
    word = bytes;
    return {};
  };
  return {convert, ""};
}

CLI::Validator one_of(std::vector<std::string> words) {
  const auto check = [words = std::move(words)](const std::string& word) -> std::string {
    if (std::find(words.begin(), words.end(), word) != words.end()) return {};
    return fmt::format("got '{}', expected one of {}", word, fmt::join(words, ", "));
  };
  return {check, ""};
}

std::string hyphenated(std::string name) {
  std::replace(name.begin(), name.end(), '_', '-');
  return name;
}

}  // namespace examples
