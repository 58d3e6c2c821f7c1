#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <unordered_map>
#include <vector>

namespace spikesink::detail {

/// The ids of two neighbours.
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

/// A word as the tokens that it is cut into, and how often the texts have it.
struct CountedWord {
  std::vector<uint32_t> tokens;
  int64_t count;
};

/// Finds the pairs that byte-pair encoding joins, one after the other.
class MergeLearner {
 public:
  explicit MergeLearner(std::vector<CountedWord> words);

  /// A pair, how often it occurs, and in which words.
  struct Occurrences {
    TokenPair pair;
    int64_t count;
    std::vector<uint32_t> words;  // places in the list of words, none of them twice
  };
  /// Takes out the most frequent pair, of equals the lowest; nothing where none occurs
  /// `least_count` times. The caller is to join it.
  std::optional<Occurrences> take_most_frequent(int64_t least_count);
  /// Puts the token `joined` in the place of the pair, in each of the words.
  void join(const Occurrences& occurrences, uint32_t joined);

 private:
  struct Tally {
    int64_t count = 0;
    std::vector<uint32_t> gained;  // words that have got the pair since the last `queue_gained`
  };

  void join_in(uint32_t word, const TokenPair& pair, uint32_t joined);
  void add(const TokenPair& pair, uint32_t word);
  void remove(const TokenPair& pair, uint32_t word);
  void queue_gained();
  void push(Occurrences occurrences);

  std::vector<CountedWord> words_;
  std::unordered_map<TokenPair, Tally, TokenPairHash> tallies_;
  std::vector<TokenPair> gained_;   // those whose tally has gained words
  std::vector<Occurrences> queue_;  // a heap; counts are those of the time when an entry came in
};

}  // namespace spikesink::detail
