#include "text/merge_learner.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace spikesink::detail {
namespace {

// Order of the heap, whose top is its largest element: the most frequent pair, ties by the lowest
// ids.
bool has_lower_priority(const MergeLearner::Occurrences& a, const MergeLearner::Occurrences& b) {
  return std::tie(a.count, b.pair) < std::tie(b.count, a.pair);
}

}  // namespace

MergeLearner::MergeLearner(std::vector<CountedWord> words) : words_(std::move(words)) {
  for (uint32_t word = 0; word < words_.size(); ++word) {
    const auto& tokens = words_[word].tokens;
    for (size_t i = 1; i < tokens.size(); ++i) add({tokens[i - 1], tokens[i]}, word);
  }
  queue_gained();
}

std::optional<MergeLearner::Occurrences> MergeLearner::take_most_frequent(int64_t min_frequency) {
  while (!queue_.empty()) {
    std::ranges::pop_heap(queue_, has_lower_priority);
    Occurrences first = std::move(queue_.back());
    queue_.pop_back();
    const int64_t count = tallies_.at(first.pair).count;
    if (count == first.count) {
      if (count < min_frequency) return std::nullopt;
      return first;
    }
    first.count = count;
    push(std::move(first));
  }
  return std::nullopt;
}

void MergeLearner::join(const Occurrences& occurrences, uint32_t joined) {
  for (const uint32_t word : occurrences.words) join_in(word, occurrences.pair, joined);
  queue_gained();
}

// The count of the pair itself is not updated, because it is never read again: all occurrences are
// merged at once, each token is produced by only one pair, and so a merged pair never appears
// again.
void MergeLearner::join_in(uint32_t word, const TokenPair& pair, uint32_t joined) {
  auto& tokens = words_[word].tokens;
  size_t written = 0;
  for (size_t i = 0; i < tokens.size(); ++i, ++written) {
    const bool found =
        i + 1 < tokens.size() && tokens[i] == pair.left && tokens[i + 1] == pair.right;
    if (!found) {
      tokens[written] = tokens[i];
      continue;
    }
    if (written > 0) {
      remove({tokens[written - 1], pair.left}, word);
      add({tokens[written - 1], joined}, word);
    }
    if (i + 2 < tokens.size()) {
      remove({pair.right, tokens[i + 2]}, word);
      add({joined, tokens[i + 2]}, word);
    }
    tokens[written] = joined;
    ++i;
  }
  tokens.resize(written);
}

void MergeLearner::add(const TokenPair& pair, uint32_t word) {
  Tally& tally = tallies_[pair];
  tally.count += words_[word].count;
  if (tally.gained.empty()) gained_.push_back(pair);
  if (tally.gained.empty() || tally.gained.back() != word) tally.gained.push_back(word);
}

void MergeLearner::remove(const TokenPair& pair, uint32_t word) {
  tallies_.at(pair).count -= words_[word].count;
}

void MergeLearner::queue_gained() {
  for (const TokenPair& pair : gained_) {
    Tally& tally = tallies_.at(pair);
    auto words = std::exchange(tally.gained, {});
    if (tally.count > 0) push({pair, tally.count, std::move(words)});
  }
  gained_.clear();
}

void MergeLearner::push(Occurrences occurrences) {
  queue_.push_back(std::move(occurrences));
  std::ranges::push_heap(queue_, has_lower_priority);
}

}  // namespace spikesink::detail
