#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace spikesink::detail {

/// The tokens of a model or a file with their ids. Throws FileError for invalid content of the
/// file.
class Vocabulary {
 public:
  explicit Vocabulary(std::string where) : where_(std::move(where)) {}
  Vocabulary(Vocabulary&&) = default;
  Vocabulary& operator=(Vocabulary&&) = default;

  /// Throws FileError for an id out of range, a duplicate token or id, and a token that is not
  /// UTF-8.
  void add(std::string token, int64_t id);

  std::optional<int64_t> find(std::string_view token) const;
  /// Returns the id of a token. Throws FileError if it does not exist; `what` names it in the
  /// message.
  int64_t get(std::string_view token, std::string_view what) const;
  /// Returns the token of `id`, or nullptr.
  const std::string* token(int64_t id) const;

  size_t count() const { return tokens_.size(); }
  const std::unordered_map<int64_t, std::string>& tokens() const { return tokens_; }
  const std::string& where() const { return where_; }

 private:
  std::string where_;
  std::unordered_map<int64_t, std::string> tokens_;
  std::unordered_map<std::string_view, int64_t> ids_;  // views of the strings in tokens_
};

}  // namespace spikesink::detail
