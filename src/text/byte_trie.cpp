#include "text/byte_trie.h"

namespace spikesink::detail {
namespace {

uint64_t edge_of(ByteTrie::Node node, char byte) {
  return uint64_t{node} << 8 | static_cast<uint8_t>(byte);
}

}  // namespace

void ByteTrie::add(std::string_view key, int64_t value) {
  Node node = kRoot;
  for (const char byte : key) {
    const auto [edge, is_new] =
        edges_.try_emplace(edge_of(node, byte), static_cast<Node>(values_.size()));
    node = edge->second;
    if (is_new) values_.emplace_back();
  }
  values_[node] = value;
}

std::optional<ByteTrie::Node> ByteTrie::step(Node node, char byte) const {
  const auto found = edges_.find(edge_of(node, byte));
  return found == edges_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<ByteTrie::Node> ByteTrie::walk(Node node, std::string_view bytes) const {
  std::optional<Node> reached = node;
  for (size_t i = 0; i < bytes.size() && reached; ++i) reached = step(*reached, bytes[i]);
  return reached;
}

std::optional<ByteTrie::Match> ByteTrie::longest_match(Node node, std::string_view text,
                                                       size_t begin) const {
  std::optional<Match> longest;
  for_each_match(node, text, begin, [&](const Match& match) { longest = match; });
  return longest;
}

}  // namespace spikesink::detail
