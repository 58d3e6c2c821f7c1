#include "spikesink/text/train_bpe.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <set>
#include <unordered_map>
#include <utility>

#include "detail/fail.h"
#include "text/byte_alphabet.h"
#include "text/merge_learner.h"
#include "text/read_tokenizer.h"
#include "text/string_hash.h"
#include "text/utf8.h"

namespace spikesink {
namespace {

using detail::TokenPair;
using nlohmann::ordered_json;

constexpr int64_t kBytes = 256;

using WordCounts = std::unordered_map<std::string, int64_t, detail::StringHash, std::equal_to<>>;

/// Tokens whose ids are their places.
class GrowingVocabulary {
 public:
  /// The id of `token`, which is put at the end unless it is there.
  uint32_t add(const std::string& token) {
    const auto [place, is_new] = ids_.try_emplace(token, static_cast<uint32_t>(tokens_.size()));
    if (is_new) tokens_.push_back(token);
    return place->second;
  }
  const std::vector<std::string>& tokens() const { return tokens_; }
  int64_t size() const { return static_cast<int64_t>(tokens_.size()); }

 private:
  std::vector<std::string> tokens_;
  std::unordered_map<std::string, uint32_t> ids_;
};

void check_special_tokens(const std::vector<std::string>& tokens) {
  std::set<std::string_view> seen;
  for (const std::string& token : tokens) {
    if (token.empty())
      detail::fail_argument("[train_bpe] special_tokens: got an empty one, expected text");
    if (!detail::is_valid_utf8(token))
      detail::fail_argument("[train_bpe] special_tokens: number {} is not UTF-8", seen.size());
    if (!seen.insert(token).second)
      detail::fail_argument("[train_bpe] special_tokens: got '{}' twice, expected it once", token);
  }
}

void check(const std::vector<std::string_view>& texts, const TrainBpeOptions& options) {
  check_special_tokens(options.special_tokens);
  const int64_t least = kBytes + static_cast<int64_t>(options.special_tokens.size());
  if (options.vocabulary < least)
    detail::fail_argument("[train_bpe] vocabulary: got {}, expected at least {}",
                          options.vocabulary, least);
  if (options.least_count < 1)
    detail::fail_argument("[train_bpe] least_count: got {}, expected 1 or more",
                          options.least_count);
  if (std::ranges::all_of(texts, &std::string_view::empty))
    detail::fail_argument("[train_bpe] texts: got {} without a byte, expected text", texts.size());
}

WordCounts count_words(const std::vector<std::string_view>& texts) {
  detail::PreTokenizer pre_tokenizer;
  pre_tokenizer.add(detail::isolating_step(detail::kByteLevelPattern, "train_bpe"));
  WordCounts counts;
  const detail::PreTokenizer::WordSink count_word = [&](std::string_view word) {
    const auto known = counts.find(word);
    known == counts.end() ? void(counts.emplace(word, 1)) : void(++known->second);
  };
  for (const std::string_view text : texts) {
    if (detail::is_valid_utf8(text)) {
      pre_tokenizer.split(text, /*from_start=*/true, count_word);
    } else {
      pre_tokenizer.split(detail::repair_utf8(text), /*from_start=*/true, count_word);
    }
  }
  return counts;
}

/// Adds the tokens of the 256 bytes in the order of their characters; returns each byte's id.
std::array<uint32_t, kBytes> add_bytes(GrowingVocabulary& vocabulary) {
  std::array<std::string, kBytes> symbols;
  for (int64_t byte = 0; byte < kBytes; ++byte)
    symbols[byte] = detail::spelled(std::string(1, static_cast<char>(byte)));
  auto in_order = symbols;
  std::ranges::sort(in_order);
  for (const std::string& symbol : in_order) vocabulary.add(symbol);
  std::array<uint32_t, kBytes> ids;
  std::ranges::transform(symbols, ids.begin(),
                         [&](const std::string& symbol) { return vocabulary.add(symbol); });
  return ids;
}

std::vector<detail::CountedWord> in_bytes(const WordCounts& counts,
                                          const std::array<uint32_t, kBytes>& byte_ids) {
  std::vector<detail::CountedWord> words;
  words.reserve(counts.size());
  for (const auto& [word, count] : counts) {
    auto& tokens = words.emplace_back(detail::CountedWord{{}, count}).tokens;
    tokens.reserve(word.size());
    for (const char byte : word) tokens.push_back(byte_ids[static_cast<uint8_t>(byte)]);
  }
  return words;
}

std::vector<TokenPair> learn_merges(std::vector<detail::CountedWord> words,
                                    const TrainBpeOptions& options, GrowingVocabulary& vocabulary) {
  detail::MergeLearner learner(std::move(words));
  std::vector<TokenPair> merges;
  while (vocabulary.size() < options.vocabulary) {
    const auto found = learner.take_most_frequent(options.least_count);
    if (!found) break;
    const TokenPair pair = found->pair;
    const auto known = vocabulary.size();
    const uint32_t joined =
        vocabulary.add(vocabulary.tokens()[pair.left] + vocabulary.tokens()[pair.right]);
    // A token that two pairs make can bring a pair back, whose last place is then its rank.
    if (joined < known) std::erase(merges, pair);
    merges.push_back(pair);
    learner.join(*found, joined);
  }
  return merges;
}

ordered_json added_tokens(const std::vector<std::string>& special_tokens) {
  auto entries = ordered_json::array();
  for (size_t id = 0; id < special_tokens.size(); ++id) {
    entries.push_back({{"id", id},
                       {"content", special_tokens[id]},
                       {"single_word", false},
                       {"lstrip", false},
                       {"rstrip", false},
                       {"normalized", false},
                       {"special", true}});
  }
  return entries;
}

ordered_json byte_level(bool add_prefix_space) {
  return {{"type", "ByteLevel"},
          {"add_prefix_space", add_prefix_space},
          {"trim_offsets", true},
          {"use_regex", true}};
}

ordered_json model_of(const std::vector<std::string>& tokens,
                      const std::vector<TokenPair>& merges) {
  ordered_json::object_t ids;  // appended to: its operator[] would look through all of it
  for (size_t id = 0; id < tokens.size(); ++id) ids.emplace_back(tokens[id], id);
  auto pairs = ordered_json::array();
  for (const auto& [left, right] : merges)
    pairs.push_back(ordered_json::array({tokens[left], tokens[right]}));
  return {{"type", "BPE"},
          {"dropout", nullptr},
          {"unk_token", nullptr},
          {"continuing_subword_prefix", nullptr},
          {"end_of_word_suffix", nullptr},
          {"fuse_unk", false},
          {"byte_fallback", false},
          {"ignore_merges", false},
          {"vocab", std::move(ids)},
          {"merges", std::move(pairs)}};
}

}  // namespace

std::string train_bpe(const std::vector<std::string_view>& texts, const TrainBpeOptions& options) {
  check(texts, options);
  GrowingVocabulary vocabulary;
  for (const std::string& token : options.special_tokens) vocabulary.add(token);
  const auto byte_ids = add_bytes(vocabulary);
  const auto merges = learn_merges(in_bytes(count_words(texts), byte_ids), options, vocabulary);
  const ordered_json tokenizer = {{"version", "1.0"},
                                  {"truncation", nullptr},
                                  {"padding", nullptr},
                                  {"added_tokens", added_tokens(options.special_tokens)},
                                  {"normalizer", nullptr},
                                  {"pre_tokenizer", byte_level(/*add_prefix_space=*/false)},
                                  {"post_processor", nullptr},
                                  {"decoder", byte_level(/*add_prefix_space=*/true)},
                                  {"model", model_of(vocabulary.tokens(), merges)}};
  return tokenizer.dump(2);
}

}  // namespace spikesink
