#pragma once

#include <string>

#include "text/byte_trie.h"
#include "text/token_model.h"
#include "text/vocabulary.h"

namespace spikesink::detail {

struct WordPieceOptions {
  int64_t unknown_id = 0;
  std::string continuing_prefix = "##";  // of tokens that do not start a word
  int64_t longest_word = 100;            // in code points
};

/// Takes the longest matching token, from left to right. A word that cannot be split completely, or
/// is too long, becomes one unknown token.
class WordPieceModel : public TokenModel {
 public:
  WordPieceModel(const Vocabulary& vocabulary, const WordPieceOptions& options);

  void encode(std::string_view word, std::vector<int64_t>& ids) const override;

 private:
  WordPieceOptions options_;
  ByteTrie tokens_;
  std::optional<ByteTrie::Node> continuing_;  // the node of the prefix
};

}  // namespace spikesink::detail
