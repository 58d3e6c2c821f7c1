#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

struct pcre2_real_code_8;

namespace spikesink::detail {

/// A compiled PCRE2 pattern over valid UTF-8; `^` and `$` match at line boundaries. Thread-safe.
class Regex {
 public:
  /// Throws FileError for a pattern that PCRE2 rejects; `where` names the source of the pattern.
  Regex(std::string pattern, std::string_view where);

  struct Match {
    size_t begin;
    size_t end;
  };
  /// Returns the first match at or after `from`, which must be the start of a code point or the end
  /// of `text`. Throws FileError if the search needs too many steps or too much memory.
  std::optional<Match> find(std::string_view text, size_t from) const;

 private:
  struct FreeCode {
    void operator()(pcre2_real_code_8* code) const;
  };
  std::string pattern_;
  std::unique_ptr<pcre2_real_code_8, FreeCode> code_;
};

}  // namespace spikesink::detail
