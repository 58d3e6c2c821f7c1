#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "detail/regex.h"

namespace spikesink::detail {

/// What to do with a piece that matches the pattern; the names are those of `tokenizers`.
enum class SplitBehaviour {
  kRemoved,
  kIsolated,
  kMergedWithPrevious,
  kMergedWithNext,
  kContiguous
};

/// Splits a piece of text at matches of a pattern. With `invert`, the text between matches counts
/// as matched.
struct SplitStep {
  Regex pattern;
  SplitBehaviour behaviour = SplitBehaviour::kIsolated;
  bool invert = false;
};

/// Adds a space before a piece that does not begin with one.
struct PrefixSpaceStep {};

/// Replaces each byte by its character of the byte alphabet.
struct SpellBytesStep {};

/// Replaces spaces by `replacement`, and adds it before pieces that do not begin with it: never,
/// only at the start of the text, or always.
struct MetaspaceStep {
  enum class Prepend { kNever, kFirst, kAlways };
  std::string replacement;
  Prepend prepend = Prepend::kAlways;
};

/// Splits text into words. Each step splits or changes the pieces of the previous step.
class PreTokenizer {
 public:
  using Step = std::variant<SplitStep, PrefixSpaceStep, SpellBytesStep, MetaspaceStep>;
  using WordSink = std::function<void(std::string_view)>;

  void add(Step step) { steps_.push_back(std::move(step)); }
  size_t steps() const { return steps_.size(); }
  /// Calls `sink` with each word in order; no word is empty, and it is valid only during the call.
  /// `from_start`: `text` is the start of the user's text. Throws FileError if the steps make a
  /// piece too long.
  void split(std::string_view text, bool from_start, const WordSink& sink) const {
    Run{sink, text.size()}.run(steps_, text, from_start);
  }

 private:
  struct Run {
    const WordSink& sink;
    size_t text_bytes;

    void run(std::span<const Step> steps, std::string_view text, bool from_start) const;
    void apply_split(const SplitStep& step, std::span<const Step> rest, std::string_view text,
                     bool from_start) const;
    std::string checked(std::string longer) const;
  };

  std::vector<Step> steps_;
};

}  // namespace spikesink::detail
