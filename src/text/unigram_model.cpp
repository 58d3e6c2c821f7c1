#include "text/unigram_model.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "detail/fail.h"
#include "detail/utf8.h"

namespace spikesink::detail {
namespace {

constexpr double kUnknownPenalty = 10;  // below the lowest score
constexpr size_t kUnreached = std::string_view::npos;

}  // namespace

/// The best path to an offset in the word: its score, and the id and begin of its last token.
struct UnigramModel::Arrival {
  double score = 0;
  size_t begin = kUnreached;
  int64_t id = 0;

  void offer(double other_score, size_t other_begin, int64_t other_id) {
    if (begin == kUnreached || other_score > score) *this = {other_score, other_begin, other_id};
  }
};

UnigramModel::UnigramModel(const Vocabulary& vocabulary, std::vector<double> scores,
                           UnigramOptions options)
    : scores_(std::move(scores)),
      options_(options),
      unknown_score_(std::numeric_limits<double>::infinity()),
      byte_tokens_(vocabulary) {
  for (const double score : scores_) unknown_score_ = std::min(unknown_score_, score);
  unknown_score_ -= kUnknownPenalty;
  for (const auto& [id, token] : vocabulary.tokens()) tokens_.add(token, id);
}

int64_t UnigramModel::unknown_id() const {
  if (!options_.unknown_id)
    fail_format("[Tokenizer] a character is not in the vocabulary, which has no unknown token");
  return *options_.unknown_id;
}

std::vector<UnigramModel::Arrival> UnigramModel::best_paths(std::string_view word) const {
  std::vector<Arrival> arrivals(word.size() + 1);
  for (size_t begin = 0; begin < word.size();) {
    const double score = arrivals[begin].score;
    const size_t next = begin + utf8_sequence(word, begin).bytes;
    bool character_known = false;
    tokens_.for_each_match(ByteTrie::kRoot, word, begin, [&](const ByteTrie::Match& token) {
      arrivals[token.end].offer(score + scores_[static_cast<size_t>(token.value)], begin,
                                token.value);
      character_known |= token.end == next;
    });
    if (!character_known) arrivals[next].offer(score + unknown_score_, begin, unknown_id());
    begin = next;
  }
  return arrivals;
}

void UnigramModel::append_unknown(std::string_view text, std::vector<int64_t>& ids) const {
  const auto node = tokens_.walk(ByteTrie::kRoot, text);
  if (node && tokens_.value(*node)) return ids.push_back(*tokens_.value(*node));
  if (options_.byte_fallback && byte_tokens_.append(text, ids)) return;
  ids.push_back(unknown_id());
}

void UnigramModel::encode(std::string_view word, std::vector<int64_t>& ids) const {
  const auto arrivals = best_paths(word);
  // Begin and id of each token, from the last to the first until they are reversed.
  std::vector<std::pair<size_t, int64_t>> tokens;
  for (size_t end = word.size(); end > 0; end = arrivals[end].begin)
    tokens.emplace_back(arrivals[end].begin, arrivals[end].id);
  std::ranges::reverse(tokens);
  for (size_t i = 0; i < tokens.size();) {
    const auto [begin, id] = tokens[i++];
    if (id != options_.unknown_id) {
      ids.push_back(id);
      continue;
    }
    while (i < tokens.size() && tokens[i].second == id) ++i;
    const size_t end = i < tokens.size() ? tokens[i].first : word.size();
    append_unknown(word.substr(begin, end - begin), ids);
  }
}

}  // namespace spikesink::detail
