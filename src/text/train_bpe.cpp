#include "spikesink/text/train_bpe.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <set>
#include <unordered_map>
#include <utility>

#include "detail/fail.h"
#include "detail/utf8.h"
#include "text/byte_alphabet.h"
#include "text/limits.h"
#include "text/merge_learner.h"
#include "text/read_tokenizer.h"
#include "text/string_hash.h"

namespace spikesink {
namespace {

using detail::TokenPair;
using nlohmann::ordered_json;

constexpr const char* kTrainBpe = "train_bpe";
constexpr int64_t kByteCount = 256;

using WordCounts = std::unordered_map<std::string, int64_t, detail::StringHash, std::equal_to<>>;

/// Tokens; the id of a token is its index.
class GrowingVocabulary {
 public:
  /// Returns the id of `token`; appends the token if it is new.
  uint32_t add(const std::string& token) {
    const auto [entry, is_new] = ids_.try_emplace(token, static_cast<uint32_t>(tokens_.size()));
    if (is_new) tokens_.push_back(token);
    return entry->second;
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
      detail::fail_argument("[{}] special_tokens: got an empty one, expected text", kTrainBpe);
    if (!detail::is_valid_utf8(token))
      detail::fail_argument("[{}] special_tokens: got one that is not UTF-8 at index {}", kTrainBpe,
                            seen.size());
    if (!seen.insert(token).second)
      detail::fail_argument("[{}] special_tokens: got '{}' twice, expected it once", kTrainBpe,
                            token);
  }
}

void check_training(const std::vector<std::string_view>& texts, const TrainBpeOptions& options) {
  check_special_tokens(options.special_tokens);
  const auto special = static_cast<int64_t>(options.special_tokens.size());
  if (options.vocabulary_size < kByteCount + special)
    detail::fail_argument("[{}] vocabulary_size: got {}, expected at least {}", kTrainBpe,
                          options.vocabulary_size, kByteCount + special);
  if (options.min_frequency < 1)
    detail::fail_argument("[{}] min_frequency: got {}, expected 1 or more", kTrainBpe,
                          options.min_frequency);
  if (!options.bos_token.empty() &&
      std::ranges::find(options.special_tokens, options.bos_token) == options.special_tokens.end())
    detail::fail_argument("[{}] bos_token: got '{}', expected one of special_tokens", kTrainBpe,
                          options.bos_token);
  if (std::ranges::all_of(texts, &std::string_view::empty))
    detail::fail_argument("[{}] texts: got 0 bytes, expected text to learn from", kTrainBpe);
}

WordCounts count_words(const std::vector<std::string_view>& texts) {
  detail::PreTokenizer pre_tokenizer;
  pre_tokenizer.add(detail::isolating_step(detail::kByteLevelPattern, kTrainBpe));
  WordCounts counts;
  const detail::PreTokenizer::WordSink count = [&](std::string_view word) {
    const auto known = counts.find(word);
    if (known == counts.end()) {
      counts.emplace(word, 1);
    } else {
      ++known->second;
    }
  };
  for (std::string_view text : texts) {
    std::string repaired;
    if (!detail::is_valid_utf8(text)) text = repaired = detail::repair_utf8(text);
    pre_tokenizer.split(text, /*from_start=*/true, count);
  }
  return counts;
}

/// Adds the tokens of the 256 bytes, sorted by their characters; returns the id of each byte.
std::array<uint32_t, kByteCount> add_bytes(GrowingVocabulary& vocabulary) {
  std::array<std::string, kByteCount> symbols;
  for (int64_t byte = 0; byte < kByteCount; ++byte)
    symbols[byte] = detail::spelled(std::string(1, static_cast<char>(byte)));
  auto in_order = symbols;
  std::ranges::sort(in_order);
  for (const std::string& symbol : in_order) vocabulary.add(symbol);
  std::array<uint32_t, kByteCount> ids;
  std::ranges::transform(symbols, ids.begin(),
                         [&](const std::string& symbol) { return vocabulary.add(symbol); });
  return ids;
}

std::vector<detail::CountedWord> in_bytes(const WordCounts& counts,
                                          const std::array<uint32_t, kByteCount>& byte_ids) {
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
  while (vocabulary.size() < options.vocabulary_size) {
    const auto found = learner.take_most_frequent(options.min_frequency);
    if (!found) break;
    const auto& [left, right] = found->pair;
    const auto joined = vocabulary.tokens()[left] + vocabulary.tokens()[right];
    if (joined.size() > detail::kLongestToken) continue;
    merges.push_back(found->pair);
    learner.join(*found, vocabulary.add(joined));
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
  ordered_json::object_t ids;  // appended to, because operator[] searches the whole list
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

/// The template that puts `bos_token` before every text, or null.
ordered_json post_processor(const TrainBpeOptions& options) {
  const std::string& bos = options.bos_token;
  if (bos.empty()) return nullptr;
  const auto& tokens = options.special_tokens;
  const auto id = std::ranges::find(tokens, bos) - tokens.begin();
  const auto piece = [](const char* type, const std::string& name, int type_id) {
    return ordered_json{{type, {{"id", name}, {"type_id", type_id}}}};
  };
  return {{"type", "TemplateProcessing"},
          {"single", {piece("SpecialToken", bos, 0), piece("Sequence", "A", 0)}},
          {"pair",
           {piece("SpecialToken", bos, 0), piece("Sequence", "A", 0), piece("SpecialToken", bos, 1),
            piece("Sequence", "B", 1)}},
          {"special_tokens",
           {{bos,
             {{"id", bos},
              {"ids", ordered_json::array({id})},
              {"tokens", ordered_json::array({bos})}}}}}};
}

}  // namespace

std::string train_bpe(const std::vector<std::string_view>& texts, const TrainBpeOptions& options) {
  check_training(texts, options);
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
                                  {"post_processor", post_processor(options)},
                                  {"decoder", byte_level(/*add_prefix_space=*/true)},
                                  {"model", model_of(vocabulary.tokens(), merges)}};
  return tokenizer.dump(2);
}

}  // namespace spikesink
