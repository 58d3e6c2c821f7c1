#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

struct pcre2_real_code_8;

namespace spikesink::detail {

/// A compiled PCRE2 pattern over valid UTF-8; `^` and `$` are those of lines. Any number of threads
/// may search with it at once.
class Regex {
 public:
  /// A pattern that PCRE2 refuses is a FormatError; `where` says what asked for it.
  Regex(std::string pattern, std::string_view where);

  struct Match {
    size_t begin;
    size_t end;
  };
  /// The first match at or after `from`, which is a code point's beginning or the end of `text`.
  /// FormatError when the pattern needs too many steps or too much memory for it.
  std::optional<Match> find(std::string_view text, size_t from) const;

 private:
  struct FreeCode {
    void operator()(pcre2_real_code_8* code) const;
  };
  std::string pattern_;
  std::unique_ptr<pcre2_real_code_8, FreeCode> code_;
};

}  // namespace spikesink::detail
