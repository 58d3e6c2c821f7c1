#pragma once

#include <string>

#include "text/byte_trie.h"
#include "text/token_model.h"
#include "text/vocabulary.h"

namespace spikesink::detail {

struct WordPieceOptions {
  int64_t unknown_id = 0;
  std::string continuing_prefix = "##";  // of tokens that stand within a word
  int64_t longest_word = 100;            // in code points
};

/// Takes the longest token there is, from left to right; a word that cannot be cut so, or is too
/// long, is unknown as a whole.
class WordPieceModel : public TokenModel {
 public:
  WordPieceModel(const Vocabulary& vocabulary, const WordPieceOptions& options);

  void encode(std::string_view word, std::vector<int64_t>& ids) const override;

 private:
  WordPieceOptions options_;
  ByteTrie tokens_;
  std::optional<ByteTrie::Node> continuing_;  // where the prefix leads to
};

}  // namespace spikesink::detail
