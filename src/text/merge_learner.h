#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <unordered_map>
#include <vector>

namespace spikesink::detail {

/// The ids of two adjacent tokens.
struct TokenPair {
  uint32_t left;
  uint32_t right;

  auto operator<=>(const TokenPair&) const = default;
};

struct TokenPairHash {
  size_t operator()(const TokenPair& pair) const {
    return std::hash<uint64_t>()(uint64_t{pair.left} << 32 | pair.right);
  }
};

/// The tokens of a word, and how often the word occurs in the texts.
struct CountedWord {
  std::vector<uint32_t> tokens;
  int64_t count;
};

/// Learns the merges of byte-pair encoding, one after the other.
class MergeLearner {
 public:
  explicit MergeLearner(std::vector<CountedWord> words);

  /// A pair, its count, and the words that contain it.
  struct Occurrences {
    TokenPair pair;
    int64_t count;
    std::vector<uint32_t> words;  // indices of words, without duplicates
  };
  /// Removes and returns the most frequent pair (ties: the lowest ids); nothing if no pair occurs
  /// `min_frequency` times. The caller then merges it with `join`.
  std::optional<Occurrences> take_most_frequent(int64_t min_frequency);
  /// Replaces the pair by the token `joined` in each of its words.
  void join(const Occurrences& occurrences, uint32_t joined);

 private:
  struct Tally {
    int64_t count = 0;
    std::vector<uint32_t> gained;  // words that gained the pair since the last `queue_gained`
  };

  void join_in(uint32_t word, const TokenPair& pair, uint32_t joined);
  void add(const TokenPair& pair, uint32_t word);
  void remove(const TokenPair& pair, uint32_t word);
  void queue_gained();
  void push(Occurrences occurrences);

  std::vector<CountedWord> words_;
  std::unordered_map<TokenPair, Tally, TokenPairHash> tallies_;
  std::vector<TokenPair> gained_;  // pairs whose tally has gained words
  // A heap. Counts are from the time of insertion and may be outdated.
  std::vector<Occurrences> queue_;
};

}  // namespace spikesink::detail
