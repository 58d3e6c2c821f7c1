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

/// Cuts text into words, each step cutting what the one before has left.
class PreTokenizer {
 public:
  using Step = std::variant<SplitStep, PrefixSpaceStep>;
  using WordSink = std::function<void(std::string_view)>;

  void add(Step step) { steps_.push_back(std::move(step)); }
  /// Calls `sink` with each word in order, none of them empty; a word lives as long as the call.
  void split(std::string_view text, const WordSink& sink) const { run(steps_, text, sink); }

 private:
  static void run(std::span<const Step> steps, std::string_view text, const WordSink& sink);

  std::vector<Step> steps_;
};

}  // namespace spikesink::detail
