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
  // A word that is a token is encoded as that token, without merges.
  bool ignore_merges = false;
  // For a character that has no token; if not set, the character is removed.
  std::optional<int64_t> unknown_id;
  // Adjacent unknown characters become one token.
  bool fuse_unknown = false;
  // A character that has no token becomes the tokens of its bytes.
  bool byte_fallback = false;
  // Prefix of all tokens except the first of a word.
  std::string continuing_prefix;
  // Suffix of the last token of a word.
  std::string end_suffix;
};

/// Byte-pair encoding. Starts with the characters of a word and repeatedly merges the adjacent pair
/// with the lowest rank; ties: leftmost first.
class BpeModel : public TokenModel {
 public:
  using Merge = std::pair<std::string_view, std::string_view>;

  /// Copies what it needs from both. The rank of a merge is its index. Throws FileError for a
  /// merge with tokens that are not in `vocabulary`.
  BpeModel(const Vocabulary& vocabulary, const std::vector<Merge>& merges, BpeOptions options);

  void encode(std::string_view word, std::vector<int64_t>& ids) const override;

 private:
  struct MergeResult {
    int64_t rank;
    int64_t id;
  };
  const MergeResult* find_merge(int64_t left, int64_t right) const;
  /// Returns the ids of the characters of a word, before any merge.
  std::vector<int64_t> characters(std::string_view word) const;

  using Ids = std::unordered_map<std::string, int64_t, StringHash, std::equal_to<>>;
  BpeOptions options_;
  Ids characters_;   // with prefix and suffix
  Ids whole_words_;  // used if merges are ignored
  ByteTokens byte_tokens_;
  std::unordered_map<uint64_t, MergeResult> merges_;  // key: the ids of left and right
};

}  // namespace spikesink::detail
