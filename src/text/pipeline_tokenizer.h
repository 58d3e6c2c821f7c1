#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "spikesink/text/tokenizer.h"
#include "text/added_tokens.h"
#include "text/decoder.h"
#include "text/normalizer.h"
#include "text/pre_tokenizer.h"
#include "text/token_model.h"
#include "text/vocabulary.h"

namespace spikesink::detail {

/// The tokens that start and end a text, and those that are added by default.
struct BoundaryTokens {
  std::optional<int64_t> bos_id;
  std::optional<int64_t> eos_id;
  std::vector<int64_t> prefix;
  std::vector<int64_t> suffix;
};

/// The components of a tokenizer, as read from a file.
struct TokenizerParts {
  std::vector<NormalizerStep> normalizer;
  PreTokenizer pre_tokenizer;
  std::unique_ptr<TokenModel> model;
  Decoder decoder;
  std::vector<AddedToken> added;
  std::unordered_map<int64_t, std::string> tokens;  // all ids, including added tokens
  BoundaryTokens boundaries;
};

/// Tokenizes in steps: splits at added tokens, normalises the text between them, splits it into
/// words, and encodes each word with the model. The decoder converts tokens to text.
class PipelineTokenizer : public Tokenizer {
 public:
  explicit PipelineTokenizer(TokenizerParts parts);

  std::vector<int64_t> encode(std::string_view text) const override;
  std::string decode(const std::vector<int64_t>& ids) const override;
  std::string token_text(int64_t id) const override;
  int64_t vocabulary_size() const override { return vocabulary_size_; }
  std::optional<int64_t> bos_id() const override { return parts_.boundaries.bos_id; }
  std::optional<int64_t> eos_id() const override { return parts_.boundaries.eos_id; }
  bool adds_bos() const override { return !parts_.boundaries.prefix.empty(); }
  bool adds_eos() const override { return !parts_.boundaries.suffix.empty(); }
  std::vector<int64_t> prefix_ids() const override { return parts_.boundaries.prefix; }
  std::vector<int64_t> suffix_ids() const override { return parts_.boundaries.suffix; }
  bool is_special(int64_t id) const override { return special_.contains(id); }

 private:
  NormalText normalized(std::string_view text, bool from_start) const;
  const std::string& token(int64_t id, std::string_view caller) const;

  TokenizerParts parts_;
  std::unordered_map<int64_t, std::string> added_contents_;
  std::unordered_set<int64_t> special_;
  AddedTokens added_as_written_;
  AddedTokens added_normalized_;
  int64_t vocabulary_size_ = 0;
};

}  // namespace spikesink::detail
