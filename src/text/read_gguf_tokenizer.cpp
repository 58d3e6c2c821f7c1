#include <algorithm>
#include <array>
#include <utility>

#include "detail/fail.h"
#include "spikesink/weights/gguf.h"
#include "text/bpe_model.h"
#include "text/byte_alphabet.h"
#include "text/read_tokenizer.h"
#include "text/unicode_nfc.h"

namespace spikesink::detail {
namespace {

enum TokenType : int64_t { kNormal = 1, kUnknown, kControl, kUserDefined, kUnused, kByte };

/// A pre-tokenizer that a GGUF file only names, and what goes with it in that family's
/// `tokenizer.json`.
struct KnownPreTokenizer {
  std::string_view name;
  bool individual_digits = false;
  std::string_view pattern = kByteLevelPattern;
  bool nfc = false;
  bool ignore_merges = false;
  bool adds_bos = false;  // where the file does not say
};

constexpr std::string_view kLlama3Pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|)"
    R"(\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kQwen2Pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|)"
    R"(\s*[\r\n]+|\s+(?!\S)|\s+)";

KnownPreTokenizer llama3(std::string_view name) {
  return {.name = name, .pattern = kLlama3Pattern, .ignore_merges = true, .adds_bos = true};
}

std::vector<KnownPreTokenizer> known_pre_tokenizers() {
  return {
      {.name = "gpt-2"},
      {.name = "smollm", .individual_digits = true},
      {.name = "starcoder", .individual_digits = true},
      {.name = "refact", .individual_digits = true},
      {.name = "codeshell", .individual_digits = true},
      llama3("llama-bpe"),
      llama3("llama3"),
      llama3("llama-v3"),
      {.name = "qwen2", .pattern = kQwen2Pattern, .nfc = true},
  };
}

KnownPreTokenizer pre_tokenizer_named(const std::string& name, const std::string& where) {
  const auto known = known_pre_tokenizers();
  const auto found = std::ranges::find(known, name, &KnownPreTokenizer::name);
  if (found != known.end()) return *found;
  std::vector<std::string_view> names;
  for (const auto& entry : known) names.push_back(entry.name);
  fail_format(
      "[load_tokenizer] tokenizer.ggml.pre is not understood: got '{}', expected one of {} ({})",
      name, fmt::join(names, ", "), where);
}

Vocabulary read_vocabulary(const GgufFile& file, const std::string& where) {
  Vocabulary vocabulary(where);
  const auto& tokens = file.get<std::vector<std::string>>("tokenizer.ggml.tokens");
  for (size_t id = 0; id < tokens.size(); ++id)
    vocabulary.add(tokens[id], static_cast<int64_t>(id));
  return vocabulary;
}

std::vector<BpeModel::Merge> read_merges(const GgufFile& file, const std::string& where) {
  std::vector<BpeModel::Merge> merges;
  for (const std::string_view text : file.get<std::vector<std::string>>("tokenizer.ggml.merges")) {
    const size_t space = text.find(' ');
    if (space == std::string_view::npos)
      fail_format("[load_tokenizer] a merge is not two tokens: got '{}' ({})", text, where);
    merges.emplace_back(text.substr(0, space), text.substr(space + 1));
  }
  return merges;
}

/// Control tokens and the user's own are found in the text as they stand.
void read_tokens(const GgufFile& file, const Vocabulary& vocabulary, TokenizerParts& parts) {
  const auto* types = file.find<std::vector<int64_t>>("tokenizer.ggml.token_type");
  if (types != nullptr && types->size() != vocabulary.count()) {
    fail_format("[load_tokenizer] tokenizer.ggml.token_type has {} elements, expected {} ({})",
                types->size(), vocabulary.count(), vocabulary.where());
  }
  for (const auto& [id, token] : vocabulary.tokens()) {
    const int64_t type = types == nullptr ? int64_t{kNormal} : types->at(static_cast<size_t>(id));
    const bool is_added = type == kControl || type == kUserDefined;
    if (is_added) parts.added.push_back({.id = id, .content = token});
    parts.token_bytes.emplace(id, is_added ? token : spelled_bytes(token).value_or(token));
  }
}

std::optional<int64_t> boundary_id(const GgufFile& file, std::string_view key,
                                   const Vocabulary& vocabulary) {
  const auto* id = file.find<int64_t>(key);
  if (id == nullptr) return std::nullopt;
  if (vocabulary.token(*id) == nullptr)
    fail_format("[load_tokenizer] {} is not in the vocabulary: got {} ({})", key, *id,
                vocabulary.where());
  return *id;
}

/// Whether the file says so, or else `absent`; saying so without a token to add is an error.
bool adds(const GgufFile& file, std::string_view key, bool absent, std::optional<int64_t> id,
          const std::string& where) {
  const auto* flag = file.find<bool>(key);
  if (flag == nullptr) return absent && id.has_value();
  if (*flag && !id)
    fail_format("[load_tokenizer] {} is true but the token's id is missing ({})", key, where);
  return *flag;
}

}  // namespace

TokenizerParts read_gguf_tokenizer(const std::filesystem::path& path) {
  const GgufFile file(path);
  const std::string where = path.string();
  const auto& model = file.get<std::string>("tokenizer.ggml.model");
  if (model != "gpt2") {
    fail_format(
        "[load_tokenizer] tokenizer.ggml.model is not understood: got '{}', expected gpt2 ({})",
        model, where);
  }
  const auto known = pre_tokenizer_named(file.get<std::string>("tokenizer.ggml.pre"), where);

  TokenizerParts parts;
  if (known.nfc) parts.normalize = to_nfc;
  if (known.individual_digits) parts.pre_tokenizer.add(isolating_step(R"(\p{N})", where));
  parts.pre_tokenizer.add(isolating_step(known.pattern, where));

  const Vocabulary vocabulary = read_vocabulary(file, where);
  parts.model = std::make_unique<BpeModel>(vocabulary, read_merges(file, where),
                                           BpeOptions{.ignore_merges = known.ignore_merges});
  read_tokens(file, vocabulary, parts);
  BoundaryTokens& boundaries = parts.boundaries;
  boundaries.bos_id = boundary_id(file, "tokenizer.ggml.bos_token_id", vocabulary);
  boundaries.eos_id = boundary_id(file, "tokenizer.ggml.eos_token_id", vocabulary);
  boundaries.adds_bos =
      adds(file, "tokenizer.ggml.add_bos_token", known.adds_bos, boundaries.bos_id, where);
  boundaries.adds_eos = adds(file, "tokenizer.ggml.add_eos_token", false, boundaries.eos_id, where);
  return parts;
}

}  // namespace spikesink::detail
