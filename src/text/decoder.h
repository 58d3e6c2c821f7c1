#pragma once

#include <functional>
#include <string>
#include <vector>

#include "text/regex.h"

namespace spikesink::detail {

/// Makes text of tokens, step by step; without a step they are put together with spaces between.
class Decoder {
 public:
  using Tokens = std::vector<std::string>;
  struct Step {
    std::function<void(Tokens&)> run;
    /// What the step makes of a token that stands alone, for a reader; may be empty.
    std::function<std::string(std::string)> show;
  };

  void add(Step step) { steps_.push_back(std::move(step)); }
  size_t steps() const { return steps_.size(); }
  /// Throws FormatError where the steps make a text too long.
  std::string decode(Tokens tokens) const;
  std::string show(std::string token) const;

 private:
  std::vector<Step> steps_;
};

/// Puts the bytes together that tokens spell; the result may not be UTF-8.
Decoder::Step byte_level_decoder();
/// Replaces `replacement` by a space, and by nothing in the first token when `drops_first`.
Decoder::Step metaspace_decoder(const std::string& replacement, bool drops_first);
/// Puts spaces before all tokens that do not begin with `prefix`.
Decoder::Step word_piece_decoder(std::string prefix, bool cleanup);
Decoder::Step replace_decoder(Regex pattern, std::string content);
/// Runs of tokens such as "<0x0A>" become the text of their bytes.
Decoder::Step byte_fallback_decoder();
Decoder::Step fuse_decoder();
/// Removes up to `start` and `stop` times `character` from the ends of each token.
Decoder::Step strip_decoder(std::string character, int64_t start, int64_t stop);
/// `suffix` becomes a space, in the last token nothing.
Decoder::Step suffix_decoder(std::string suffix);

}  // namespace spikesink::detail
