#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace spikesink::detail {

/// A trie of byte strings with values.
class ByteTrie {
 public:
  using Node = uint32_t;
  static constexpr Node kRoot = 0;

  /// Adds a key, or replaces the value of an existing key.
  void add(std::string_view key, int64_t value);

  std::optional<Node> step(Node node, char byte) const;
  /// Returns the node reached from `node` by `bytes`; nothing if there is none.
  std::optional<Node> walk(Node node, std::string_view bytes) const;
  std::optional<int64_t> value(Node node) const { return values_[node]; }

  struct Match {
    size_t end;
    int64_t value;
  };
  /// Calls `visit(match)` for each key that matches `text` at `begin`, shortest first. Keys are
  /// read from `node` on and are not empty.
  template <typename Visit>
  void for_each_match(Node node, std::string_view text, size_t begin, Visit visit) const {
    for (size_t end = begin; end < text.size();) {
      const auto next = step(node, text[end++]);
      if (!next) return;
      node = *next;
      if (values_[node]) visit(Match{end, *values_[node]});
    }
  }
  std::optional<Match> longest_match(Node node, std::string_view text, size_t begin) const;

 private:
  std::unordered_map<uint64_t, Node> edges_;  // key: node and byte
  std::vector<std::optional<int64_t>> values_ = decltype(values_)(1);
};

}  // namespace spikesink::detail
