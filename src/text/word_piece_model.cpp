#include "text/word_piece_model.h"

#include "detail/utf8.h"

namespace spikesink::detail {

WordPieceModel::WordPieceModel(const Vocabulary& vocabulary, const WordPieceOptions& options)
    : options_(options) {
  for (const auto& [id, token] : vocabulary.tokens()) tokens_.add(token, id);
  continuing_ = tokens_.walk(ByteTrie::kRoot, options_.continuing_prefix);
}

void WordPieceModel::encode(std::string_view word, std::vector<int64_t>& ids) const {
  const size_t first = ids.size();
  const auto unknown = [&] {
    ids.resize(first);
    ids.push_back(options_.unknown_id);
  };
  if (count_code_points(word) > options_.longest_word) return unknown();
  std::optional<ByteTrie::Node> start = ByteTrie::kRoot;
  for (size_t begin = 0; begin < word.size(); start = continuing_) {
    if (!start) return unknown();
    const auto token = tokens_.longest_match(*start, word, begin);
    if (!token) return unknown();
    ids.push_back(token->value);
    begin = token->end;
  }
}

}  // namespace spikesink::detail
