#include "text/bpe_model.h"

#include <algorithm>
#include <queue>
#include <tuple>

#include "detail/utf8.h"

namespace spikesink::detail {
namespace {

constexpr size_t kNone = static_cast<size_t>(-1);
constexpr size_t kLongestCodePoint = 4;  // bytes

/// A node of a linked list of the word's tokens. Its id is -1 after it was merged into its left
/// neighbour.
struct Symbol {
  int64_t id;
  size_t previous;
  size_t next;
};

/// A merge that was possible when it was queued; it may be outdated.
struct Candidate {
  int64_t rank;
  size_t left;
  int64_t merged_id;

  // The top of a priority queue is its largest element.
  bool operator<(const Candidate& other) const {
    return std::tie(rank, left) > std::tie(other.rank, other.left);
  }
};

uint64_t key_of(int64_t left, int64_t right) {
  return static_cast<uint64_t>(left) << 32 | static_cast<uint64_t>(right);
}

}  // namespace

BpeModel::BpeModel(const Vocabulary& vocabulary, const std::vector<Merge>& merges,
                   BpeOptions options)
    : options_(std::move(options)), byte_tokens_(vocabulary) {
  merges_.reserve(merges.size());
  for (size_t rank = 0; rank < merges.size(); ++rank) {
    const auto& [left, right] = merges[rank];
    const int64_t left_id = vocabulary.get(left, "a merge's left token");
    const int64_t right_id = vocabulary.get(right, "a merge's right token");
    const auto appended = right.substr(std::min(options_.continuing_prefix.size(), right.size()));
    const int64_t id = vocabulary.get(std::string(left).append(appended), "a merge's joined token");
    merges_.insert_or_assign(key_of(left_id, right_id),
                             MergeResult{static_cast<int64_t>(rank), id});
  }
  const size_t longest =
      options_.continuing_prefix.size() + kLongestCodePoint + options_.end_suffix.size();
  for (const auto& [id, token] : vocabulary.tokens()) {
    if (token.size() <= longest) characters_.emplace(token, id);
    if (options_.ignore_merges) whole_words_.emplace(token, id);
  }
}

const BpeModel::MergeResult* BpeModel::find_merge(int64_t left, int64_t right) const {
  const auto found = merges_.find(key_of(left, right));
  return found == merges_.end() ? nullptr : &found->second;
}

std::vector<int64_t> BpeModel::characters(std::string_view word) const {
  std::vector<int64_t> ids;
  ids.reserve(word.size());
  // An unknown token is pending. As in `tokenizers`, byte tokens that follow are written before it.
  bool unknown = false;
  const auto put_unknown = [&] {
    if (std::exchange(unknown, false)) ids.push_back(*options_.unknown_id);
  };
  std::string piece;
  for (size_t begin = 0; begin < word.size();) {
    const size_t end = begin + utf8_sequence(word, begin).bytes;
    piece.clear();
    if (begin > 0) piece += options_.continuing_prefix;
    piece += word.substr(begin, end - begin);
    if (end == word.size()) piece += options_.end_suffix;
    begin = end;
    if (const auto found = characters_.find(piece); found != characters_.end()) {
      put_unknown();
      ids.push_back(found->second);
      continue;
    }
    if (options_.byte_fallback && byte_tokens_.append(piece, ids)) continue;
    if (!options_.fuse_unknown) put_unknown();
    unknown = options_.unknown_id.has_value();
  }
  put_unknown();
  return ids;
}

void BpeModel::encode(std::string_view word, std::vector<int64_t>& ids) const {
  if (options_.ignore_merges) {
    const auto whole = whole_words_.find(word);
    if (whole != whole_words_.end()) return ids.push_back(whole->second);
  }
  std::vector<Symbol> symbols;
  for (const int64_t id : characters(word))
    symbols.push_back({id, symbols.size() - 1, symbols.size() + 1});
  if (symbols.empty()) return;
  symbols.back().next = kNone;

  std::priority_queue<Candidate> candidates;
  const auto queue_merge = [&](size_t left) {
    if (left == kNone || symbols[left].next == kNone) return;
    const MergeResult* found = find_merge(symbols[left].id, symbols[symbols[left].next].id);
    if (found != nullptr) candidates.push({found->rank, left, found->id});
  };
  for (size_t i = 0; i < symbols.size(); ++i) queue_merge(i);
  while (!candidates.empty()) {
    const Candidate best = candidates.top();
    candidates.pop();
    Symbol& left = symbols[best.left];
    if (left.id < 0 || left.next == kNone) continue;
    Symbol& right = symbols[left.next];
    const MergeResult* current = find_merge(left.id, right.id);
    if (current == nullptr || current->id != best.merged_id) continue;
    left.id = best.merged_id;
    left.next = right.next;
    right.id = -1;
    if (left.next != kNone) symbols[left.next].previous = best.left;
    queue_merge(left.previous);
    queue_merge(best.left);
  }
  for (size_t i = 0; i != kNone; i = symbols[i].next) ids.push_back(symbols[i].id);
}

}  // namespace spikesink::detail
