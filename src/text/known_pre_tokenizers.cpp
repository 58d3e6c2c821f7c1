#include "text/known_pre_tokenizers.h"

#include <algorithm>
#include <array>
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
  // Each splits the pieces that the one before it produced.
  std::array<std::string_view, 6> patterns = {};
  KnownPreTokenizer known = {};
};

constexpr std::string_view kDigit = R"(\p{N})";
constexpr std::string_view kDigits = R"(\p{N}{1,3})";
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

// The patterns below are those of llama.cpp (src/llama-vocab.cpp).
constexpr std::string_view kLineBreak = R"([\r\n])";
constexpr std::string_view kLines = R"([^\n]+|[\n]+)";
constexpr std::string_view kCasedLetters =
    R"(\s?[A-Za-z\x{b5}\x{c0}-\x{d6}\x{d8}-\x{f6}\x{f8}-\x{1ba}\x{1bc}-\x{1bf}\x{1c4}-\x{293})"
    R"(\x{295}-\x{2af}\x{370}-\x{373}\x{376}\x{377}\x{37b}-\x{37d}\x{37f}\x{386}\x{388}-\x{38a})"
    R"(\x{38c}\x{38e}-\x{3a1}\x{3a3}-\x{3f5}\x{3f7}-\x{481}\x{48a}-\x{52f}\x{531}-\x{556})"
    R"(\x{10a0}-\x{10c5}\x{13a0}-\x{13f5}\x{13f8}-\x{13fd}\x{1c90}-\x{1cba}\x{1cbd}-\x{1cbf})"
    R"(\x{1d00}-\x{1d2b}\x{1d6b}-\x{1d77}\x{1d79}-\x{1d9a}\x{1e00}-\x{1f15}\x{1f18}-\x{1f1d})"
    R"(\x{1f20}-\x{1f45}\x{1f48}-\x{1f4d}\x{1f50}-\x{1f57}\x{1f59}\x{1f5b}\x{1f5d})"
    R"(\x{1f5f}-\x{1f7d}\x{1f80}-\x{1fb4}\x{1fb6}-\x{1fbc}\x{1fbe}\x{1fc2}-\x{1fc4})"
    R"(\x{1fc6}-\x{1fcc}\x{1fd0}-\x{1fd3}\x{1fd6}-\x{1fdb}\x{1fe0}-\x{1fec}\x{1ff2}-\x{1ff4})"
    R"(\x{1ff6}-\x{1ffc}\x{2102}\x{2107}\x{210a}-\x{2113}\x{2115}\x{2119}-\x{211d}\x{2124})"
    R"(\x{2126}\x{2128}\x{212a}-\x{212d}\x{212f}-\x{2134}\x{2139}\x{213c}-\x{213f})"
    R"(\x{2145}-\x{2149}\x{214e}\x{2183}\x{2184}\x{2c00}-\x{2c7b}\x{2c7e}-\x{2ce4})"
    R"(\x{2ceb}-\x{2cee}\x{2cf2}\x{2cf3}\x{a640}-\x{a66d}\x{a680}-\x{a69b}\x{a722}-\x{a76f})"
    R"(\x{a771}-\x{a787}\x{a78b}-\x{a78e}\x{ab70}-\x{abbf}\x{fb00}-\x{fb06}\x{fb13}-\x{fb17})"
    R"(\x{ff21}-\x{ff3a}\x{ff41}-\x{ff5a}\x{10400}-\x{1044f}\x{104b0}-\x{104d3})"
    R"(\x{104d8}-\x{104fb}\x{10c80}-\x{10cb2}\x{10cc0}-\x{10cf2}\x{118a0}-\x{118df})"
    R"(\x{1e900}-\x{1e943}]+)";
constexpr std::string_view kDeepSeekPunctuation =
    R"(\s?[!-/:-~\x{ff01}-\x{ff0f}\x{ff1a}-\x{ff5e}\x{2018}-\x{201f}\x{3000}-\x{3002}]+)";
constexpr std::string_view kAsian = R"([\x{4e00}-\x{9fa5}\x{800}-\x{4e00}\x{ac00}-\x{d7ff}]+)";
constexpr std::string_view kHanAndKana =
    R"([\x{4e00}-\x{9fa5}\x{3040}-\x{309f}\x{30a0}-\x{30ff}]+)";
constexpr std::string_view kDeepSeek3 =
    R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+|)"
    R"( ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kSpark =
    R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+|)"
    R"( ?[\p{P}\p{S}]+|[\r\n]|\s+(?!\S)|\s+)";
constexpr std::string_view kBloom =
    R"( ?[^(\s|.,!?\x{2026}\x{3002}\x{ff0c}\x{3001}\x{964}\x{6d4}\x{60c})]+)";
constexpr std::string_view kMiniCpm =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}+| ?[^\s\p{L}\p{N}]+[\r\n]*|)"
    R"(\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kBailing =
    R"('(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|)"
    R"(\s*[\r\n]|\s+(?!\S)|\s+)";
constexpr std::string_view kSeedCoder =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}\r\n]+|)"
    R"(\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kWithoutContractions =
    R"([^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

constexpr KnownPreTokenizer kWholeWords = {.ignore_merges = true};
constexpr KnownPreTokenizer kWholeWordsAndBos = {.ignore_merges = true, .adds_bos = true};

constexpr Entry kEntries[] = {
    {.name = "gpt-2", .patterns = {kGpt2}},
    {.name = "phi-2", .patterns = {kGpt2}},
    {.name = "roberta-bpe", .patterns = {kGpt2}},
    {.name = "mpt", .nfc = true, .patterns = {kGpt2}},
    {.name = "olmo", .nfc = true, .patterns = {kGpt2}},
    {.name = "smollm", .patterns = {kDigit, kGpt2}},
    {.name = "starcoder", .patterns = {kDigit, kGpt2}},
    {.name = "refact", .patterns = {kDigit, kGpt2}},
    {.name = "codeshell", .patterns = {kDigit, kGpt2}},
    {.name = "command-r", .nfc = true, .patterns = {kDigit, kGpt2}},
    {.name = "falcon", .punctuation = true, .patterns = {kGpt2, "[0-9][0-9][0-9]"}},
    {.name = "llama-bpe", .patterns = {kLlama3}, .known = kWholeWordsAndBos},
    {.name = "llama3", .patterns = {kLlama3}, .known = kWholeWordsAndBos},
    {.name = "llama-v3", .patterns = {kLlama3}, .known = kWholeWordsAndBos},
    {.name = "falcon3", .patterns = {kLlama3}, .known = kWholeWordsAndBos},
    {.name = "falcon-h1", .patterns = {kLlama3}, .known = kWholeWordsAndBos},
    {.name = "lfm2", .patterns = {kLlama3}, .known = kWholeWordsAndBos},
    {.name = "pixtral", .patterns = {kLlama3}, .known = kWholeWordsAndBos},
    {.name = "dbrx", .patterns = {kLlama3}},
    {.name = "smaug-bpe", .patterns = {kLlama3}},
    {.name = "glm4", .patterns = {kLlama3}},
    {.name = "chatglm-bpe", .patterns = {kLlama3}},
    {.name = "qwen2", .nfc = true, .patterns = {kQwen2}},
    {.name = "stablelm2", .patterns = {kQwen2}},
    {.name = "qwen35", .nfc = true, .patterns = {kQwen35}},
    {.name = "tekken", .patterns = {kTekken}, .known = kWholeWordsAndBos},
    {.name = "gpt-4o", .patterns = {kGpt4o}},
    {.name = "llama4", .patterns = {kGpt4o}},
    {.name = "midm-2.0", .patterns = {kLlama3}, .known = kWholeWordsAndBos},
    {.name = "jina-v5-nano", .patterns = {kLlama3}, .known = kWholeWordsAndBos},
    {.name = "minicpm5", .patterns = {kDigits, kMiniCpm}, .known = kWholeWords},
    {.name = "glm5", .patterns = {kLlama3}, .known = kWholeWords},
    {.name = "deepseek-r1-qwen", .nfc = true, .patterns = {kQwen2}},
    {.name = "kormo", .patterns = {kQwen2}},
    {.name = "f2llmv2", .patterns = {kQwen2}},
    {.name = "megrez", .patterns = {kQwen2}},
    {.name = "hunyuan", .patterns = {kQwen2}},
    {.name = "solar-open", .patterns = {kQwen2}},
    {.name = "grok-2", .patterns = {kQwen2}},
    {.name = "ufakzeka", .patterns = {kWithoutContractions}},
    {.name = "laguna", .patterns = {kLines, kQwen2}},
    {.name = "seed-coder", .patterns = {kSeedCoder}},
    {.name = "bailingmoe", .patterns = {kBailing}},
    {.name = "bailingmoe2", .patterns = {kBailing}},
    {.name = "llada-moe", .patterns = {kBailing}},
    {.name = "kanana2", .patterns = {kGpt4o}},
    {.name = "talkie", .patterns = {kGpt4o}},
    {.name = "minimax-m2", .patterns = {kGpt4o}},
    {.name = "granite-embed-multi-97m", .patterns = {kGpt4o}, .known = kWholeWords},
    {.name = "deepseek-llm",
     .patterns = {kLineBreak, kCasedLetters, kDeepSeekPunctuation, R"(\s+$)", kAsian, R"(\p{N}+)"}},
    {.name = "deepseek-coder",
     .patterns = {kLineBreak, R"(\s?\p{L}+)", R"(\s?\p{P}+)", kAsian, kDigit}},
    {.name = "deepseek-v3", .patterns = {kDigits, kHanAndKana, kDeepSeek3}},
    {.name = "hunyuan-dense", .patterns = {kDigits, kHanAndKana, kDeepSeek3}},
    {.name = "joyai-llm", .patterns = {kDigits, kHanAndKana, kDeepSeek3}},
    {.name = "hy_v4", .patterns = {kDigits, kHanAndKana, kDeepSeek3}},
    {.name = "spark2_5", .patterns = {kDigits, kHanAndKana, kSpark, kDigit}},
    {.name = "jina-es", .patterns = {kGpt2}},
    {.name = "jina-de", .patterns = {kGpt2}},
    {.name = "jina-v2-es", .patterns = {kGpt2}},
    {.name = "jina-v2-de", .patterns = {kGpt2}},
    {.name = "gigachat", .patterns = {kGpt2}},
    {.name = "a.x-4.0", .patterns = {kGpt2}},
    {.name = "mellum", .patterns = {kGpt2}},
    {.name = "modern-bert", .patterns = {kGpt2}},
    {.name = "exaone4", .patterns = {kGpt2}},
    {.name = "jais", .patterns = {kGpt2}},
    {.name = "trillion", .patterns = {kGpt2}},
    {.name = "granite-docling", .patterns = {kGpt2}},
    {.name = "exaone", .patterns = {kDigit, kGpt2}},
    {.name = "minerva-7b", .patterns = {kDigit, kGpt2}},
    {.name = "mellum2", .patterns = {kDigit, kGpt2}},
    {.name = "poro-chat", .patterns = {kBloom}},
    {.name = "bloom", .patterns = {kBloom}},
    {.name = "gpt3-finnish", .patterns = {kBloom}},
    {.name = "viking", .patterns = {kBloom, kDigit}},
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
  for (const std::string_view pattern : entry.patterns) {
    if (!pattern.empty()) pre_tokenizer.add(isolating_step(pattern, where));
  }
  pre_tokenizer.add(SpellBytesStep{});
  return entry.known;
}

}  // namespace spikesink::detail
