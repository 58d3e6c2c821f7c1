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

/// As in transformers, a flag in `tokenizer_config.json` overrides the template.
BoundaryTokens read_boundaries(JsonObject& file, const fs::path& config_path,
                               const Vocabulary& vocabulary) {
  BoundaryTokens result = read_post_processor(file);
  for (const auto id : {result.bos_id, result.eos_id}) {
    if (id && vocabulary.token(*id) == nullptr)
      fail_format("[load_tokenizer] the template's id is not in the vocabulary: got {} ({})", *id,
                  file.where());
  }
  if (!detail::exists(config_path)) return result;
  const nlohmann::json json = read_json(config_path);
  JsonObject config(json, config_path.string());
  const auto bos_id = boundary_id(config, {"bos_token", "cls_token"}, vocabulary);
  const auto eos_id = boundary_id(config, {"eos_token", "sep_token"}, vocabulary);
  if (config.find("add_bos_token") != nullptr || config.find("add_eos_token") != nullptr) {
    result = {bos_id, eos_id, config.flag("add_bos_token", false),
              config.flag("add_eos_token", false)};
    if ((result.adds_bos && !bos_id) || (result.adds_eos && !eos_id))
      fail_format("[load_tokenizer] add_{0}_token is true but there is no {0}_token ({1})",
                  result.adds_bos && !bos_id ? "bos" : "eos", config.where());
  }
  if (!result.adds_bos) result.bos_id = bos_id;
  if (!result.adds_eos) result.eos_id = eos_id;
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
