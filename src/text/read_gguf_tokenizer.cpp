#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

#include "detail/fail.h"
#include "text/char_map.h"
#include "text/gguf_vocabulary.h"
#include "text/known_pre_tokenizers.h"
#include "text/read_tokenizer.h"
#include "text/scored_merges.h"
#include "text/split_pattern.h"
#include "text/unigram_model.h"
#include "text/word_piece_model.h"

namespace spikesink::detail {
namespace {

constexpr const char* kMetaspace = "\u2581";

Regex literal(std::string_view text) {
  return {quoted_pattern(text), "a literal"};
}

std::string architecture_of(const GgufFile& file) {
  const auto* architecture = file.find<std::string>("general.architecture");
  return architecture == nullptr ? "" : *architecture;
}

/// Sets the fields that all tokenizer types share, after the model is set.
TokenizerParts with_shared_fields(TokenizerParts parts, const GgufVocabulary& vocabulary,
                                  bool adds_bos, bool adds_eos) {
  parts.added = vocabulary.added();
  parts.tokens = vocabulary.tokens().tokens();
  BoundaryTokens& boundaries = parts.boundaries;
  boundaries.bos_id = vocabulary.id({"tokenizer.ggml.bos_token_id"});
  boundaries.eos_id = vocabulary.id({"tokenizer.ggml.eos_token_id"});
  if (vocabulary.adds("tokenizer.ggml.add_bos_token", adds_bos, boundaries.bos_id))
    boundaries.prefix = {*boundaries.bos_id};
  if (vocabulary.adds("tokenizer.ggml.add_eos_token", adds_eos, boundaries.eos_id))
    boundaries.suffix = {*boundaries.eos_id};
  return parts;
}

TokenizerParts read_byte_level(const GgufFile& file) {
  TokenizerParts parts;
  const auto known = add_known_pre_tokenizer(file.get<std::string>("tokenizer.ggml.pre"),
                                             file.path().string(), parts);
  const GgufVocabulary vocabulary(file);
  BpeOptions options;
  options.ignore_merges = known.ignore_merges;
  parts.model = std::make_unique<BpeModel>(vocabulary.tokens(), vocabulary.merges(), options);
  parts.decoder.add(byte_level_decoder());
  return with_shared_fields(std::move(parts), vocabulary, known.adds_bos, /*adds_eos=*/false);
}

/// GGUF files of Gemma contain tokens of several spaces; `tokenizers` writes them with U+2581.
std::string respell_gemma(const std::string& token, GgufTokenType) {
  if (token.find_first_not_of(' ') != std::string::npos) return token;
  std::string result;
  for (size_t i = 0; i < token.size(); ++i) result += kMetaspace;
  return result;
}

/// Returns the merges in the order of the scores. For Gemma, in the order of the ids, because its
/// scores do not give the order in which merges were learned.
std::vector<BpeModel::Merge> sentence_piece_merges(const GgufVocabulary& vocabulary, bool gemma) {
  if (vocabulary.file().find<std::vector<std::string>>("tokenizer.ggml.merges") != nullptr)
    return vocabulary.merges();
  if (!gemma) return scored_merges(vocabulary.tokens(), vocabulary.scores());
  std::vector<double> by_id(vocabulary.tokens().count());
  std::iota(by_id.rbegin(), by_id.rend(), 0.0);
  return scored_merges(vocabulary.tokens(), by_id);
}

/// As llama.cpp: with `prefix`, every piece of text between special tokens gets a space, one that
/// begins with a space too.
void add_sentence_piece_spaces(TokenizerParts& parts, bool prefix) {
  if (prefix) parts.normalizer.push_back(prepend_step(kMetaspace));
  parts.normalizer.push_back(replace_step(literal(" "), kMetaspace));
  parts.decoder.add(replace_decoder(literal(kMetaspace), " "));
  parts.decoder.add(byte_fallback_decoder());
  parts.decoder.add(fuse_decoder());
  if (prefix) parts.decoder.add(strip_decoder(" ", 1, 0));
}

bool is_named_phi3(const GgufFile& file) {
  const auto* name = file.find<std::string>("general.name");
  if (name == nullptr) return false;
  std::string lower = *name;
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return lower.find("phi-3") != std::string::npos || lower.find("phi3") != std::string::npos;
}

/// GGUF files do not say that Phi-3's tokens include the white space after them; llama.cpp goes by
/// the model's name.
void strip_after_chat_tokens(TokenizerParts& parts) {
  for (AddedToken& token : parts.added) {
    constexpr std::array<std::string_view, 3> kOthers = {"<unk>", "<s>", "<|endoftext|>"};
    token.right_strip = std::ranges::find(kOthers, token.content) == kOthers.end();
  }
}

TokenizerParts read_sentence_piece(const GgufFile& file) {
  const bool gemma = architecture_of(file).starts_with("gemma");
  const GgufVocabulary vocabulary(file, gemma ? respell_gemma : Respell{});
  TokenizerParts parts;
  add_sentence_piece_spaces(parts, vocabulary.flag("tokenizer.ggml.add_space_prefix", !gemma));
  BpeOptions options;
  options.unknown_id = vocabulary.id({"tokenizer.ggml.unknown_token_id"});
  options.fuse_unknown = true;
  options.byte_fallback = true;
  parts.model = std::make_unique<BpeModel>(vocabulary.tokens(),
                                           sentence_piece_merges(vocabulary, gemma), options);
  parts = with_shared_fields(std::move(parts), vocabulary, /*adds_bos=*/true, /*adds_eos=*/false);
  if (is_named_phi3(file)) strip_after_chat_tokens(parts);
  return parts;
}

/// GGUF files mark the tokens at the start of a word; `tokenizers` marks the others ("##").
std::string respell_bert(const std::string& token, GgufTokenType type) {
  if (token.starts_with(kMetaspace)) return token.substr(std::string_view(kMetaspace).size());
  const bool special = type == GgufTokenType::kControl || type == GgufTokenType::kUnknown ||
                       type == GgufTokenType::kUserDefined ||
                       (token.starts_with('[') && token.ends_with(']'));
  return special ? token : "##" + token;
}

TokenizerParts read_bert(const GgufFile& file) {
  const GgufVocabulary vocabulary(file, respell_bert);
  TokenizerParts parts;
  BertNormalizer normalizer;
  normalizer.lowercase = vocabulary.flag("tokenizer.ggml.normalizer.lowercase", true);
  normalizer.strip_accents =
      vocabulary.flag("tokenizer.ggml.normalizer.strip_accents", normalizer.lowercase);
  parts.normalizer.emplace_back(normalizer);
  add_bert_pre_tokenizer(parts.pre_tokenizer);
  const auto id_or = [&](std::initializer_list<std::string_view> keys, std::string_view token) {
    const auto id = vocabulary.id(keys);
    return id ? *id : vocabulary.tokens().get(token, "a special token");
  };
  WordPieceOptions options;
  options.unknown_id = id_or({"tokenizer.ggml.unknown_token_id"}, "[UNK]");
  parts.model = std::make_unique<WordPieceModel>(vocabulary.tokens(), options);
  parts.decoder.add(word_piece_decoder("##", /*cleanup=*/true));
  parts.added = vocabulary.added();
  parts.tokens = vocabulary.tokens().tokens();
  const auto cls = id_or({"tokenizer.ggml.cls_token_id", "tokenizer.ggml.bos_token_id"}, "[CLS]");
  const auto sep =
      id_or({"tokenizer.ggml.seperator_token_id", "tokenizer.ggml.eos_token_id"}, "[SEP]");
  parts.boundaries.bos_id = cls;
  parts.boundaries.eos_id = sep;
  if (vocabulary.flag("tokenizer.ggml.add_bos_token", true)) parts.boundaries.prefix = {cls};
  if (vocabulary.flag("tokenizer.ggml.add_sep_token", true)) parts.boundaries.suffix = {sep};
  return parts;
}

void add_char_map(const GgufVocabulary& vocabulary, TokenizerParts& parts) {
  constexpr std::string_view kKey = "tokenizer.ggml.precompiled_charsmap";
  const auto* numbers = vocabulary.file().find<std::vector<int64_t>>(kKey);
  if (numbers == nullptr) return;
  std::string bytes;
  for (const int64_t number : *numbers) bytes += static_cast<char>(number);
  parts.normalizer.push_back(char_map_step(bytes, vocabulary.where() + ", " + std::string(kKey)));
}

/// As SentencePiece. A file without these flags is read as T5.
void add_unigram_spaces(const GgufVocabulary& vocabulary, TokenizerParts& parts) {
  if (vocabulary.flag("tokenizer.ggml.remove_extra_whitespaces", true)) {
    parts.pre_tokenizer.add(white_space_step());
    parts.pre_tokenizer.add(MetaspaceStep{kMetaspace});
    parts.pre_tokenizer.add(SplitStep{literal(kMetaspace), SplitBehaviour::kMergedWithNext});
    parts.decoder.add(metaspace_decoder(kMetaspace, /*drops_first=*/true));
    return;
  }
  const bool prefix = vocabulary.flag("tokenizer.ggml.add_space_prefix", true);
  if (prefix) parts.normalizer.push_back(prepend_step(kMetaspace));
  parts.normalizer.push_back(replace_step(literal(" "), kMetaspace));
  parts.decoder.add(metaspace_decoder(kMetaspace, prefix));
}

TokenizerParts read_unigram(const GgufFile& file) {
  const GgufVocabulary vocabulary(file);
  TokenizerParts parts;
  add_char_map(vocabulary, parts);
  add_unigram_spaces(vocabulary, parts);
  UnigramOptions options;
  options.unknown_id = vocabulary.id({"tokenizer.ggml.unknown_token_id"});
  parts.model = std::make_unique<UnigramModel>(vocabulary.tokens(), vocabulary.scores(), options);
  return with_shared_fields(std::move(parts), vocabulary, /*adds_bos=*/false, /*adds_eos=*/true);
}

}  // namespace

TokenizerParts read_gguf_tokenizer(const std::filesystem::path& path) {
  using Reader = TokenizerParts (*)(const GgufFile&);
  constexpr std::pair<std::string_view, Reader> kReaders[] = {{"gpt2", read_byte_level},
                                                              {"llama", read_sentence_piece},
                                                              {"bert", read_bert},
                                                              {"t5", read_unigram}};
  const GgufFile file(path);
  const auto& model = file.get<std::string>("tokenizer.ggml.model");
  for (const auto& [name, read] : kReaders) {
    if (name == model) return read(file);
  }
  fail_format(
      "[load_tokenizer] tokenizer.ggml.model is not understood: got '{}', expected gpt2, llama, "
      "bert or t5 ({})",
      model, path.string());
}

}  // namespace spikesink::detail
