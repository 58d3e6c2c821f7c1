#pragma once

#include <functional>
#include <string>
#include <vector>

#include "detail/regex.h"

namespace spikesink::detail {

/// Converts tokens to text in steps. Without steps, tokens are joined with spaces.
class Decoder {
 public:
  using Tokens = std::vector<std::string>;
  struct Step {
    std::function<void(Tokens&)> run;
    /// Converts a single token for display; may be empty.
    std::function<std::string(std::string)> show;
  };

  void add(Step step) { steps_.push_back(std::move(step)); }
  size_t steps() const { return steps_.size(); }
  /// Throws FileError if the steps make the text too long.
  std::string decode(Tokens tokens) const;
  std::string show(std::string token) const;

 private:
  std::vector<Step> steps_;
};

/// Converts tokens of the byte alphabet to bytes and joins them. In `decode`, invalid UTF-8 is
/// replaced by U+FFFD; `show` returns the bytes.
Decoder::Step byte_level_decoder();
/// Replaces `replacement` by a space; in the first token by nothing if `drops_first`.
Decoder::Step metaspace_decoder(const std::string& replacement, bool drops_first);
/// For all tokens except the first: removes `prefix` or, if the token does not begin with it, adds
/// a space before the token. With `cleanup`, also removes the extra spaces of English text.
Decoder::Step word_piece_decoder(std::string prefix, bool cleanup);
Decoder::Step replace_decoder(Regex pattern, std::string content);
/// Replaces runs of byte tokens such as "<0x0A>" by the text of their bytes.
Decoder::Step byte_fallback_decoder();
Decoder::Step fuse_decoder();
/// Removes `character` up to `start` times from the begin and up to `stop` times from the end of
/// each token.
Decoder::Step strip_decoder(std::string character, int64_t start, int64_t stop);
/// Replaces `suffix` by a space; in the last token by nothing.
Decoder::Step suffix_decoder(std::string suffix);

}  // namespace spikesink::detail
