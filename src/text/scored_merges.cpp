#include "text/scored_merges.h"

#include <algorithm>
#include <tuple>

#include "detail/utf8.h"

namespace spikesink::detail {
namespace {

struct ScoredMerge {
  BpeModel::Merge merge;
  double score;
  int64_t left_length;  // in code points
  int64_t right_length;

  auto order() const { return std::tie(score, left_length, right_length); }
};

/// Calls `visit(left, right)` for each split of `token` into two tokens.
template <typename Visit>
void for_each_pair(std::string_view token, const Vocabulary& vocabulary, Visit visit) {
  if (token.empty()) return;
  for (size_t split = utf8_sequence(token, 0).bytes; split < token.size();
       split += utf8_sequence(token, split).bytes) {
    const auto left = token.substr(0, split);
    const auto right = token.substr(split);
    if (vocabulary.find(left) && vocabulary.find(right)) visit(left, right);
  }
}

}  // namespace

std::vector<BpeModel::Merge> scored_merges(const Vocabulary& vocabulary,
                                           const std::vector<double>& scores) {
  std::vector<ScoredMerge> scored;
  for (size_t id = 0; id < scores.size(); ++id) {
    const std::string& token = *vocabulary.token(static_cast<int64_t>(id));
    for_each_pair(token, vocabulary, [&](std::string_view left, std::string_view right) {
      scored.push_back(
          {{left, right}, scores[id], count_code_points(left), count_code_points(right)});
    });
  }
  std::ranges::stable_sort(scored, std::ranges::greater{}, &ScoredMerge::order);
  std::vector<BpeModel::Merge> merges;
  merges.reserve(scored.size());
  for (const ScoredMerge& entry : scored) merges.push_back(entry.merge);
  return merges;
}

}  // namespace spikesink::detail
