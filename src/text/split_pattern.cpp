#include "text/split_pattern.h"

#include <algorithm>
#include <array>

#include "detail/fail.h"
#include "text/limits.h"

namespace spikesink::detail {
namespace {

struct LateCategory {
  char32_t first;
  char32_t last;
  std::string_view category;
};

#include "text/unicode_late_categories.inc"

// ASCII only, because the text is UTF-8 and the result must not depend on the locale.
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_hex_digit(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

bool is_general_category(std::string_view name) {
  constexpr std::string_view kMajor = "LMNPSZC";
  return !name.empty() && name.size() <= 2 && kMajor.find(name[0]) != std::string_view::npos;
}

/// Returns the members of a general category, for a character class. The newest characters are
/// listed explicitly, because older PCRE2 versions do not have them.
std::string category_members(std::string_view name) {
  std::string members = fmt::format("\\p{{{}}}", name);
  for (const LateCategory& late : kLateCategories) {
    if (late.category.starts_with(name))
      members += fmt::format("\\x{{{:x}}}-\\x{{{:x}}}", uint32_t{late.first}, uint32_t{late.last});
  }
  return members;
}

std::string letters_and_digits() {
  return "\\p{Alphabetic}" + category_members("L") + category_members("M") +
         category_members("Nd") + "\\p{Pc}";
}

/// In Oniguruma, the superscripts and fractions of Latin-1 are word characters.
std::string oniguruma_word_members() {
  return letters_and_digits() + "\\x{b2}\\x{b3}\\x{b9}\\x{bc}-\\x{be}";
}

class Translator {
 public:
  Translator(std::string_view pattern, std::string_view where) : pattern_(pattern), where_(where) {}

  std::string run() {
    while (!at_end()) {
      switch (peek()) {
        case '\\':
          escape();
          break;
        case '[':
          character_class();
          break;
        case '(':
          group();
          break;
        case '{':
          interval();
          break;
        default:
          out_ += take();
      }
    }
    return std::move(out_);
  }

 private:
  bool at_end() const { return position_ == pattern_.size(); }
  char peek() const { return at_end() ? '\0' : pattern_[position_]; }
  std::string_view rest() const { return pattern_.substr(position_); }
  char take() {
    if (at_end()) refuse("an unfinished pattern");
    return pattern_[position_++];
  }
  std::string_view take_while(bool wanted(char)) {
    const size_t begin = position_;
    while (!at_end() && wanted(peek())) ++position_;
    return pattern_.substr(begin, position_ - begin);
  }

  [[noreturn]] void refuse(std::string_view what) const {
    fail_format("[load_tokenizer] a pattern has {}, which is not understood: got '{}' ({})", what,
                pattern_, where_);
  }

  /// Translates an escape outside a class; a set is written in brackets.
  void escape() {
    ++position_;
    const char letter = peek();
    if (letter == 'A' || letter == 'z') {
      out_ += {'\\', take()};
    } else if (letter == 'W') {
      ++position_;
      out_ += "[^" + oniguruma_word_members() + "]";
    } else if (letter == 'D') {
      ++position_;
      out_ += "[^" + category_members("Nd") + "]";
    } else {
      out_ += set_or_literal(/*in_class=*/false);
    }
  }

  /// Translates the escapes that are valid inside and outside a class.
  std::string set_or_literal(bool in_class) {
    const auto set = [&](const std::string& members) {
      return in_class ? members : "[" + members + "]";
    };
    const char letter = take();
    switch (letter) {
      case 's':
        return "\\p{White_Space}";
      case 'S':
        return "\\P{White_Space}";
      case 'd':
        return set(category_members("Nd"));
      case 'w':
        return set(oniguruma_word_members());
      case 'p':
      case 'P':
        return property(letter == 'P', in_class);
      case 'v':
        return "\\x{b}";
      case 'x':
      case 'u':
        return code_point(letter);
      default:
        if (std::string_view("nrtfae").find(letter) != std::string_view::npos)
          return {'\\', letter};
        if (is_letter(letter) || is_digit(letter)) refuse(fmt::format("the escape \\{}", letter));
        return static_cast<unsigned char>(letter) < 0x80 ? std::string{'\\', letter}
                                                         : std::string{letter};
    }
  }

  std::string property(bool negated, bool in_class) {
    if (take() != '{') refuse("a property without braces");
    if (peek() == '^') {
      negated = !negated;
      ++position_;
    }
    const std::string name(take_while([](char c) { return is_letter(c) || c == '_'; }));
    if (take() != '}' || name.empty()) refuse("a property that is no name");
    // Scripts: `sc:` excludes the script extensions, which PCRE2 includes by default.
    if (!is_general_category(name)) return fmt::format("\\{}{{sc:{}}}", negated ? 'P' : 'p', name);
    if (!in_class) return fmt::format("[{}{}]", negated ? "^" : "", category_members(name));
    return negated ? fmt::format("\\P{{{}}}", name) : category_members(name);
  }

  /// Translates \xHH below 80 (above, Oniguruma reads a byte), \x{H...} and \uHHHH.
  std::string code_point(char letter) {
    const bool braces = letter == 'x' && peek() == '{';
    if (braces) ++position_;
    std::string_view digits = rest().substr(0, letter == 'u' ? 4 : 2);
    if (braces) {
      digits = take_while(is_hex_digit);
      if (take() != '}' || digits.empty()) refuse("an unfinished \\x{...}");
    } else {
      const bool whole = digits.size() == (letter == 'u' ? 4U : 2U);
      if (!whole || !std::ranges::all_of(digits, is_hex_digit))
        refuse(fmt::format("an unfinished \\{}", letter));
      if (letter == 'x' && digits[0] > '7') refuse("a byte beyond \\x7f");
      position_ += digits.size();
    }
    return fmt::format("\\x{{{}}}", digits);
  }

  void character_class() {
    out_ += take();
    if (peek() == '^') out_ += take();
    if (peek() == ']') refuse("a class that begins with ']'");
    while (peek() != ']' || at_end()) {
      const char c = take();
      if (c == '[') refuse("a class within a class");
      if (c == '&' && peek() == '&') refuse("an intersection of classes");
      if (c != '\\') {
        out_ += c;
      } else if (peek() == 'W' || peek() == 'D') {
        refuse("a negated set within a class");
      } else {
        out_ += set_or_literal(/*in_class=*/true);
      }
    }
    out_ += take();
  }

  void group() {
    constexpr std::array<std::string_view, 9> kOpenings = {"(?:",  "(?i:", "(?-i:", "(?=", "(?!",
                                                           "(?<=", "(?<!", "(?>",   "(?i)"};
    std::string_view opening = rest().substr(0, 1);
    if (rest().starts_with("(*")) refuse("a verb");
    if (rest().starts_with("(?")) {
      const auto known =
          std::ranges::find_if(kOpenings, [&](auto text) { return rest().starts_with(text); });
      // Only at the start: elsewhere, Ruby and PCRE2 differ for alternatives after an option.
      if (known == kOpenings.end() || (*known == "(?i)" && position_ != 0))
        refuse("a group of another kind");
      opening = *known;
    }
    out_ += opening;
    position_ += opening.size();
  }

  /// Copies {n}, {n,} and {n,m}. A '+' after them, and a '?' after {n}, have another meaning in
  /// Ruby.
  void interval() {
    const size_t begin = position_++;
    const auto least = take_while(is_digit);
    const bool range = peek() == ',';
    if (range) {
      ++position_;
      take_while(is_digit);
    }
    if (least.empty() || peek() != '}') refuse("a '{' that opens no {n}, {n,} or {n,m}");
    ++position_;
    if (peek() == '+' || (peek() == '?' && !range)) refuse("a sign after {n}");
    out_ += pattern_.substr(begin, position_ - begin);
  }

  std::string_view pattern_;
  std::string_view where_;
  size_t position_ = 0;
  std::string out_;
};

}  // namespace

std::string to_pcre2(std::string_view pattern, std::string_view where) {
  check_pattern_length(pattern.size(), where);
  return Translator(pattern, where).run();
}

std::string word_members() {
  return letters_and_digits() + "\\x{200c}\\x{200d}";
}

std::string quoted_pattern(std::string_view text) {
  std::string result;
  for (const char c : text) {
    const bool plain = is_letter(c) || is_digit(c) || static_cast<unsigned char>(c) >= 0x80;
    if (!plain) result += '\\';
    result += c;
  }
  return result;
}

}  // namespace spikesink::detail
