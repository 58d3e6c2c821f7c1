#include <utility>

#include "detail/fail.h"
#include "detail/strict_json.h"
#include "text/bpe_model.h"
#include "text/byte_alphabet.h"
#include "text/read_tokenizer.h"
#include "weights/mapped_file.h"

namespace spikesink::detail {
namespace fs = std::filesystem;
namespace {

constexpr int kDeepest = 32;

nlohmann::json read_json(const fs::path& path) {
  const auto file = MappedFile::open(path, "load_tokenizer");
  return parse_strict_json(file->text(), kDeepest, "load_tokenizer", path);
}

Vocabulary read_vocabulary(JsonObject& model) {
  const JsonObject entries = model.object("vocab");
  Vocabulary vocabulary(entries.where());
  for (const auto& [token, id] : entries.value().items())
    vocabulary.add(token, json_integer(id, "an id", entries.where()));
  return vocabulary;
}

/// "a b" or ["a", "b"]; the views are of the JSON's strings.
BpeModel::Merge read_merge(const nlohmann::json& entry, const std::string& where) {
  if (entry.is_array() && entry.size() == 2)
    return {json_text(entry[0], "a merge's left token", where),
            json_text(entry[1], "a merge's right token", where)};
  const std::string_view text = json_text(entry, "a merge", where);
  const size_t space = text.find(' ');
  if (space == std::string_view::npos || text.find(' ', space + 1) != std::string_view::npos)
    fail_format("[load_tokenizer] a merge is not two tokens: got '{}' ({})", text, where);
  return {text.substr(0, space), text.substr(space + 1)};
}

void refuse_unless(bool holds, std::string_view key, std::string_view expected,
                   const JsonObject& model) {
  if (!holds) {
    fail_format("[load_tokenizer] the model's {} is not understood: got {}, expected {} ({})", key,
                model.value().at(std::string(key)).dump(), expected, model.where());
  }
}

std::unique_ptr<TokenModel> read_bpe(JsonObject& model, const Vocabulary& vocabulary) {
  refuse_unless(model.find("dropout") == nullptr, "dropout", "null", model);
  for (const char* key : {"continuing_subword_prefix", "end_of_word_suffix"})
    refuse_unless(model.text_or_empty(key).empty(), key, "null or ''", model);
  for (const char* key : {"fuse_unk", "byte_fallback"})
    refuse_unless(!model.flag(key, false), key, "false", model);

  BpeOptions options;
  options.ignore_merges = model.flag("ignore_merges", false);
  const std::string unknown = model.text_or_empty("unk_token");
  if (!unknown.empty()) options.unknown_id = vocabulary.get(unknown, "the model's unk_token");

  std::vector<BpeModel::Merge> merges;
  for (const auto& entry : model.array("merges"))
    merges.push_back(read_merge(entry, model.where("merges")));
  return std::make_unique<BpeModel>(vocabulary, merges, options);
}

/// Older files do not name the type; all of those are BPE or have no merges.
void check_model_type(JsonObject& model) {
  const auto* type = model.find("type");
  const bool is_bpe =
      type != nullptr ? model.text("type") == "BPE" : model.find("merges") != nullptr;
  if (is_bpe) return;
  if (type == nullptr)
    fail_format("[load_tokenizer] the model names no type, expected BPE ({})", model.where());
  model.refuse_type("the model", "BPE");
}

/// Adds the tokens that the model lacks to `vocabulary`, which is then that of the whole file.
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
    token.normalized = entry.flag("normalized", !entry.flag("special", false));
    entry.refuse_unread();
    const auto known = vocabulary.find(token.content);
    if (!known) {
      vocabulary.add(token.content, token.id);
    } else if (*known != token.id) {
      fail_format("[load_tokenizer] an added token has two ids: got {} for '{}', expected {} ({})",
                  token.id, token.content, *known, entry.where());
    }
    parts.token_bytes.emplace(token.id, token.content);
    parts.added.push_back(std::move(token));
  }
}

/// The id of `bos_token` or `eos_token`: a string, or an object as of an added token.
std::optional<int64_t> special_id(JsonObject& config, std::string_view key,
                                  const Vocabulary& vocabulary) {
  const auto* value = config.find(key);
  if (value == nullptr) return std::nullopt;
  const std::string token = value->is_object() ? config.object(key).text("content")
                                               : json_text(*value, key, config.where());
  return vocabulary.get(token, key);
}

/// As transformers does: a flag in `tokenizer_config.json` takes the place of the template.
BoundaryTokens read_boundaries(JsonObject& file, const fs::path& config_path,
                               const Vocabulary& vocabulary) {
  BoundaryTokens result = read_post_processor(file);
  for (const auto id : {result.bos_id, result.eos_id}) {
    if (id && vocabulary.token(*id) == nullptr)
      fail_format("[load_tokenizer] the template's id is not in the vocabulary: got {} ({})", *id,
                  file.where());
  }
  if (!fs::exists(config_path)) return result;
  const nlohmann::json json = read_json(config_path);
  JsonObject config(json, config_path.string());
  const auto bos_id = special_id(config, "bos_token", vocabulary);
  const auto eos_id = special_id(config, "eos_token", vocabulary);
  if (config.find("add_bos_token") != nullptr || config.find("add_eos_token") != nullptr) {
    result = {bos_id, eos_id, config.flag("add_bos_token", false),
              config.flag("add_eos_token", false)};
    if ((result.adds_bos && !bos_id) || (result.adds_eos && !eos_id))
      fail_format("[load_tokenizer] add_{0}_token is true but there is no {0}_token ({1})",
                  bos_id ? "eos" : "bos", config.where());
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
  JsonObject model = file.object("model");
  check_model_type(model);
  read_pre_tokenizer(file, parts);
  check_decoder(file);

  Vocabulary vocabulary = read_vocabulary(model);
  parts.model = read_bpe(model, vocabulary);
  model.refuse_unread();
  read_added_tokens(file, vocabulary, parts);
  for (const auto& [id, token] : vocabulary.tokens())
    parts.token_bytes.emplace(id, spelled_bytes(token).value_or(token));
  parts.boundaries =
      read_boundaries(file, path.parent_path() / "tokenizer_config.json", vocabulary);
  // How long a text may be and how a batch is filled up is the caller's to say.
  file.ignore({"version", "truncation", "padding"});
  file.refuse_unread();
  return parts;
}

}  // namespace spikesink::detail
