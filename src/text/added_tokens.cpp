#include "text/added_tokens.h"

#include <algorithm>
#include <utility>

#include "detail/regex.h"
#include "detail/utf8.h"
#include "text/limits.h"
#include "text/split_pattern.h"

namespace spikesink::detail {
namespace {

bool begins_with_word(std::string_view text) {
  static const Regex kWord("\\A[" + word_members() + "]", "words");
  return !text.empty() && kWord.find(text.substr(0, utf8_sequence(text, 0).bytes), 0).has_value();
}

bool ends_with_word(std::string_view text) {
  return !text.empty() && begins_with_word(text.substr(previous_code_point(text, text.size())));
}

}  // namespace

void AddedTokens::add(AddedToken token, std::string_view form) {
  check_token_length("a normalized added token", form.size(), fmt::format("id {}", token.id));
  forms_.add(form, static_cast<int64_t>(tokens_.size()));
  tokens_.push_back(std::move(token));
}

std::vector<AddedTokens::Piece> AddedTokens::split(std::string_view text) const {
  std::vector<Piece> pieces;
  size_t done = 0;
  struct {
    size_t begin = 0, end = 0;
  } spaces;  // the last run of white space found, so that it is not searched again
  for (size_t position = 0; !tokens_.empty() && position < text.size();) {
    const auto match = forms_.longest_match(ByteTrie::kRoot, text, position);
    if (!match) {
      ++position;
      continue;
    }
    const AddedToken& token = tokens_[static_cast<size_t>(match->value)];
    size_t begin = std::exchange(position, match->end);
    size_t end = match->end;
    if (token.single_word &&
        (ends_with_word(text.substr(0, begin)) || begins_with_word(text.substr(end))))
      continue;
    if (token.left_strip)
      begin = begin < done ? done : done + skip_space_left(text.substr(done), begin - done);
    if (token.right_strip) {
      if (end < spaces.begin || end > spaces.end) spaces = {end, skip_space_right(text, end)};
      end = spaces.end;
    }
    if (done < begin) pieces.push_back({text.substr(done, begin - done), std::nullopt});
    pieces.push_back({text.substr(begin, end - begin), token.id});
    done = end;
  }
  if (done < text.size()) pieces.push_back({text.substr(done), std::nullopt});
  return pieces;
}

}  // namespace spikesink::detail
