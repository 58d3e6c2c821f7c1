#pragma once

#include <string>
#include <vector>

#include "text/byte_tokens.h"
#include "text/byte_trie.h"
#include "text/token_model.h"
#include "text/vocabulary.h"

namespace spikesink::detail {

struct UnigramOptions {
  std::optional<int64_t> unknown_id;
  bool byte_fallback = false;  // unknown text becomes the tokens of its bytes
};

/// Splits a word so that the sum of its token scores is maximal (Viterbi algorithm); adjacent
/// unknown characters become one token.
class UnigramModel : public TokenModel {
 public:
  /// `scores` are by id, one per token.
  UnigramModel(const Vocabulary& vocabulary, std::vector<double> scores, UnigramOptions options);

  /// Throws FileError for an unknown character if there is no unknown token.
  void encode(std::string_view word, std::vector<int64_t>& ids) const override;

 private:
  struct Arrival;
  std::vector<Arrival> best_paths(std::string_view word) const;
  void append_unknown(std::string_view text, std::vector<int64_t>& ids) const;
  int64_t unknown_id() const;

  std::vector<double> scores_;
  UnigramOptions options_;
  double unknown_score_;
  ByteTrie tokens_;
  ByteTokens byte_tokens_;
};

}  // namespace spikesink::detail
