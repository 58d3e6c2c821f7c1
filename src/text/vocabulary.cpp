#include "text/vocabulary.h"

#include <limits>
#include <utility>

#include "detail/fail.h"
#include "detail/utf8.h"
#include "text/limits.h"

namespace spikesink::detail {

void Vocabulary::add(std::string token, int64_t id) {
  if (id < 0 || id > std::numeric_limits<int32_t>::max()) {
    fail_format("[load_tokenizer] the id of '{}' is out of range: got {}, expected 0 to {} ({})",
                token, id, std::numeric_limits<int32_t>::max(), where_);
  }
  check_token_length("a token", token.size(), where_);
  if (!is_valid_utf8(token))
    fail_format("[load_tokenizer] a token is not UTF-8: got id {} ({})", id, where_);
  const auto [entry, is_new] = tokens_.try_emplace(id, std::move(token));
  if (!is_new) {
    fail_format("[load_tokenizer] two tokens have one id: got {} for '{}' and for '{}' ({})", id,
                entry->second, token, where_);
  }
  if (!ids_.emplace(entry->second, id).second) {
    fail_format("[load_tokenizer] a token occurs twice: got '{}' with ids {} and {} ({})",
                entry->second, ids_.at(entry->second), id, where_);
  }
}

std::optional<int64_t> Vocabulary::find(std::string_view token) const {
  const auto found = ids_.find(token);
  return found == ids_.end() ? std::nullopt : std::optional(found->second);
}

int64_t Vocabulary::get(std::string_view token, std::string_view what) const {
  const auto id = find(token);
  if (!id) {
    fail_format("[load_tokenizer] {} is not in the vocabulary: got '{}' ({})", what, token, where_);
  }
  return *id;
}

const std::string* Vocabulary::token(int64_t id) const {
  const auto found = tokens_.find(id);
  return found == tokens_.end() ? nullptr : &found->second;
}

}  // namespace spikesink::detail
