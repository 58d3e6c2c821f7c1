#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "text/byte_tokens.h"
#include "text/string_hash.h"
#include "text/token_model.h"
#include "text/vocabulary.h"

namespace spikesink::detail {

struct BpeOptions {
  bool ignore_merges = false;         // a word that is a token is that token, whatever the merges
  std::optional<int64_t> unknown_id;  // of a character without a token; without one it is dropped
  bool fuse_unknown = false;          // neighbouring unknown characters are one token
  bool byte_fallback = false;         // a character without a token becomes those of its bytes
  std::string continuing_prefix;      // of all tokens but a word's first
  std::string end_suffix;             // of a word's last token
};

/// Byte-pair encoding: of the neighbours that a word's characters are, those whose merges rank
/// lowest are joined first, of equal ones the leftmost.
class BpeModel : public TokenModel {
 public:
  using Merge = std::pair<std::string_view, std::string_view>;

  /// Reads what it needs of both. Merges rank as they stand; one of tokens that `vocabulary` lacks
  /// is a FormatError.
  BpeModel(const Vocabulary& vocabulary, const std::vector<Merge>& merges, BpeOptions options);

  void encode(std::string_view word, std::vector<int64_t>& ids) const override;

 private:
  struct Joint {
    int64_t rank;
    int64_t id;
  };
  const Joint* joint(int64_t left, int64_t right) const;
  /// The ids of the word's characters, none of them joined.
  std::vector<int64_t> characters(std::string_view word) const;

  using Ids = std::unordered_map<std::string, int64_t, StringHash, std::equal_to<>>;
  BpeOptions options_;
  Ids characters_;   // with prefix and suffix
  Ids whole_words_;  // where merges are ignored
  ByteTokens byte_tokens_;
  std::unordered_map<uint64_t, Joint> joints_;  // by the ids of left and right
};

}  // namespace spikesink::detail
