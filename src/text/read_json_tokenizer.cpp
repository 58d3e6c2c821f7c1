#include <utility>

#include "detail/exists.h"
#include "detail/fail.h"
#include "detail/strict_json.h"
#include "text/read_tokenizer.h"
#include "weights/mapped_file.h"

namespace spikesink::detail {
namespace fs = std::filesystem;
namespace {

constexpr int kDeepestTokenizer = 32;

nlohmann::json read_json(const fs::path& path) {
  const auto file = MappedFile::open(path, "load_tokenizer");
  return parse_strict_json(file->text(), kDeepestTokenizer, "load_tokenizer", path);
}

/// Adds the tokens that are not in the model to `vocabulary`, which then contains all tokens of the
/// file.
void read_added_tokens(JsonObject& file, Vocabulary& vocabulary, TokenizerParts& parts) {
  if (file.find("added_tokens") == nullptr) return;
  for (const auto& element : file.array("added_tokens")) {
    JsonObject entry(element, file.where("added_tokens"));
    AddedToken token;
    token.id = entry.integer("id");
    token.content = entry.text("content");
    token.single_word = entry.flag("single_word", false);
    token.left_strip = entry.flag("lstrip", false);
    token.right_strip = entry.flag("rstrip", false);
    token.special = entry.flag("special", false);
    token.normalized = entry.flag("normalized", !token.special);
    entry.refuse_unread();
    const auto known = vocabulary.find(token.content);
    if (!known) {
      vocabulary.add(token.content, token.id);
    } else if (*known != token.id) {
      fail_format("[load_tokenizer] an added token has two ids: got {} for '{}', expected {} ({})",
                  token.id, token.content, *known, entry.where());
    }
    parts.added.push_back(std::move(token));
  }
}

/// Returns the id of the first of `keys` that names a token, as a string or as an object like an
/// added token.
std::optional<int64_t> boundary_id(JsonObject& config, std::initializer_list<std::string_view> keys,
                                   const Vocabulary& vocabulary) {
  for (const auto key : keys) {
    const auto* value = config.find(key);
    if (value == nullptr) continue;
    const std::string token = value->is_object() ? config.object(key).text("content")
                                                 : json_text(*value, key, config.where());
    return vocabulary.get(token, key);
  }
  return std::nullopt;
}

/// Two classes of transformers make their own template; all others use that of `tokenizer.json`.
void apply_tokenizer_class(JsonObject& config, BoundaryTokens& boundaries) {
  const auto* name = config.find("tokenizer_class");
  if (name == nullptr || !name->is_string()) return;
  const std::string_view type = name->get_ref<const std::string&>();
  const bool none = type.starts_with("GPTNeoXTokenizer");
  const bool only_bos = type.starts_with("CodeLlamaTokenizer") && boundaries.bos_id;
  if (none || only_bos) boundaries.suffix.clear();
  if (none) boundaries.prefix.clear();
  if (only_bos) boundaries.prefix = {*boundaries.bos_id};
}

/// As transformers, which does not read `add_bos_token` and `add_eos_token` if there is a
/// `tokenizer.json`.
BoundaryTokens read_boundaries(JsonObject& file, const fs::path& config_path,
                               const Vocabulary& vocabulary) {
  BoundaryTokens result = read_post_processor(file);
  for (const auto* added : {&result.prefix, &result.suffix}) {
    for (const int64_t id : *added) {
      if (vocabulary.token(id) == nullptr)
        fail_format("[load_tokenizer] the template's id is not in the vocabulary: got {} ({})", id,
                    file.where());
    }
  }
  if (!detail::exists(config_path)) return result;
  const nlohmann::json json = read_json(config_path);
  JsonObject config(json, config_path.string());
  const auto bos_id = boundary_id(config, {"bos_token", "cls_token"}, vocabulary);
  const auto eos_id = boundary_id(config, {"eos_token", "sep_token"}, vocabulary);
  if (result.prefix.empty()) result.bos_id = bos_id;
  if (result.suffix.empty()) result.eos_id = eos_id;
  apply_tokenizer_class(config, result);
  return result;
}

}  // namespace

TokenizerParts read_json_tokenizer(const fs::path& path) {
  const nlohmann::json json = read_json(path);
  JsonObject file(json, path.string());
  TokenizerParts parts;
  read_normalizer(file, parts);
  read_pre_tokenizer(file, parts);
  read_decoder(file, parts);
  Vocabulary vocabulary = read_model(file, parts);
  read_added_tokens(file, vocabulary, parts);
  parts.tokens = vocabulary.tokens();
  parts.boundaries =
      read_boundaries(file, path.parent_path() / "tokenizer_config.json", vocabulary);
  // Truncation and padding are options of the caller.
  file.ignore({"version", "truncation", "padding"});
  file.refuse_unread();
  return parts;
}

}  // namespace spikesink::detail
