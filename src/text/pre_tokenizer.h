#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "text/regex.h"

namespace spikesink::detail {

/// What becomes of a piece that the pattern matches.
enum class SplitBehaviour {
  kRemoved,
  kIsolated,
  kMergedWithPrevious,
  kMergedWithNext,
  kContiguous
};

/// Cuts a piece of text by a pattern; inverted, what the pattern does not match counts as matched.
struct SplitStep {
  Regex pattern;
  SplitBehaviour behaviour = SplitBehaviour::kIsolated;
  bool invert = false;
};

/// Puts a space before a piece that does not begin with one.
struct PrefixSpaceStep {};

/// Spells each byte as a character of the byte alphabet.
struct SpellBytesStep {};

/// Replaces spaces, and puts a replacement before pieces that do not begin with one: before none,
/// before that which begins the text, or before all.
struct MetaspaceStep {
  enum class Prepend { kNever, kFirst, kAlways };
  std::string replacement;
  Prepend prepend = Prepend::kAlways;
};

/// Cuts text into words, each step cutting or changing what the one before has left.
class PreTokenizer {
 public:
  using Step = std::variant<SplitStep, PrefixSpaceStep, SpellBytesStep, MetaspaceStep>;
  using WordSink = std::function<void(std::string_view)>;

  void add(Step step) { steps_.push_back(std::move(step)); }
  size_t steps() const { return steps_.size(); }
  /// Calls `sink` with each word in order, none of them empty; a word lives as long as the call.
  /// `from_start` says whether the text begins what the user gave. Throws FormatError where the
  /// steps make a piece too long.
  void split(std::string_view text, bool from_start, const WordSink& sink) const {
    Run{sink, text.size()}.run(steps_, text, from_start);
  }

 private:
  struct Run {
    const WordSink& sink;
    size_t whole;  // bytes of the text

    void run(std::span<const Step> steps, std::string_view text, bool from_start) const;
    void cut(const SplitStep& step, std::span<const Step> rest, std::string_view text,
             bool from_start) const;
    std::string checked(std::string longer) const;
  };

  std::vector<Step> steps_;
};

}  // namespace spikesink::detail
