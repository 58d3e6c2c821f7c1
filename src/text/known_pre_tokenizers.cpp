#include "text/known_pre_tokenizers.h"

#include <algorithm>
#include <iterator>
#include <vector>

#include "detail/fail.h"
#include "text/read_tokenizer.h"

namespace spikesink::detail {
namespace {

/// A pre-tokenizer by its name in `tokenizer.ggml.pre`. The steps run in the order of the members.
struct Entry {
  std::string_view name;
  bool nfc = false;
  bool punctuation = false;  // runs of punctuation are isolated
  bool digits = false;       // each digit is isolated
  std::string_view pattern;
  std::string_view last_pattern = {};  // splits the pieces that `pattern` produced
  KnownPreTokenizer known = {};
};

constexpr std::string_view kGpt2 = kByteLevelPattern;
constexpr std::string_view kLlama3 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|)"
    R"(\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kQwen2 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|)"
    R"(\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kQwen35 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}|)"
    R"( ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kTekken =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|)"
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|)"
    R"(\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kGpt4o =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+)"
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)?|)"
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*)"
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)?|)"
    R"(\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

constexpr KnownPreTokenizer kWholeWordsAndBos = {.ignore_merges = true, .adds_bos = true};

constexpr Entry kEntries[] = {
    {.name = "gpt-2", .pattern = kGpt2},
    {.name = "phi-2", .pattern = kGpt2},
    {.name = "roberta-bpe", .pattern = kGpt2},
    {.name = "mpt", .nfc = true, .pattern = kGpt2},
    {.name = "olmo", .nfc = true, .pattern = kGpt2},
    {.name = "smollm", .digits = true, .pattern = kGpt2},
    {.name = "starcoder", .digits = true, .pattern = kGpt2},
    {.name = "refact", .digits = true, .pattern = kGpt2},
    {.name = "codeshell", .digits = true, .pattern = kGpt2},
    {.name = "command-r", .nfc = true, .digits = true, .pattern = kGpt2},
    {.name = "falcon", .punctuation = true, .pattern = kGpt2, .last_pattern = "[0-9][0-9][0-9]"},
    {.name = "llama-bpe", .pattern = kLlama3, .known = kWholeWordsAndBos},
    {.name = "llama3", .pattern = kLlama3, .known = kWholeWordsAndBos},
    {.name = "llama-v3", .pattern = kLlama3, .known = kWholeWordsAndBos},
    {.name = "falcon3", .pattern = kLlama3, .known = kWholeWordsAndBos},
    {.name = "falcon-h1", .pattern = kLlama3, .known = kWholeWordsAndBos},
    {.name = "lfm2", .pattern = kLlama3, .known = kWholeWordsAndBos},
    {.name = "pixtral", .pattern = kLlama3, .known = kWholeWordsAndBos},
    {.name = "dbrx", .pattern = kLlama3},
    {.name = "smaug-bpe", .pattern = kLlama3},
    {.name = "glm4", .pattern = kLlama3},
    {.name = "chatglm-bpe", .pattern = kLlama3},
    {.name = "qwen2", .nfc = true, .pattern = kQwen2},
    {.name = "stablelm2", .pattern = kQwen2},
    {.name = "qwen35", .nfc = true, .pattern = kQwen35},
    {.name = "tekken", .pattern = kTekken, .known = kWholeWordsAndBos},
    {.name = "gpt-4o", .pattern = kGpt4o},
    {.name = "llama4", .pattern = kGpt4o},
};

const Entry& entry_named(const std::string& name, const std::string& where) {
  const auto* found = std::ranges::find(kEntries, name, &Entry::name);
  if (found != std::end(kEntries)) return *found;
  std::vector<std::string_view> names;
  for (const Entry& entry : kEntries) names.push_back(entry.name);
  fail_format(
      "[load_tokenizer] tokenizer.ggml.pre is not understood: got '{}', expected one of {} ({})",
      name, fmt::join(names, ", "), where);
}

}  // namespace

KnownPreTokenizer add_known_pre_tokenizer(const std::string& name, const std::string& where,
                                          TokenizerParts& parts) {
  const Entry& entry = entry_named(name, where);
  PreTokenizer& pre_tokenizer = parts.pre_tokenizer;
  if (entry.nfc) parts.normalizer.push_back(form_step(UnicodeForm::kC));
  if (entry.punctuation) pre_tokenizer.add(punctuation_step(SplitBehaviour::kContiguous));
  if (entry.digits) pre_tokenizer.add(isolating_step(R"(\p{N})", where));
  pre_tokenizer.add(isolating_step(entry.pattern, where));
  if (!entry.last_pattern.empty()) pre_tokenizer.add(isolating_step(entry.last_pattern, where));
  pre_tokenizer.add(SpellBytesStep{});
  return entry.known;
}

}  // namespace spikesink::detail
