#include <optional>
#include <utility>

#include "detail/fail.h"
#include "text/bpe_model.h"
#include "text/limits.h"
#include "text/read_tokenizer.h"
#include "text/unigram_model.h"
#include "text/word_piece_model.h"

namespace spikesink::detail {
namespace {

Vocabulary read_vocabulary(JsonObject& model) {
  const JsonObject entries = model.object("vocab");
  Vocabulary vocabulary(entries.where());
  for (const auto& [token, id] : entries.value().items())
    vocabulary.add(token, json_integer(id, "an id", entries.where()));
  return vocabulary;
}

/// Reads "a b" or ["a", "b"]; returns views of the JSON strings.
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

/// With dropout (not null and not 0) the result is random.
void refuse_dropout(JsonObject& model) {
  const auto* dropout = model.find("dropout");
  if (dropout == nullptr || *dropout == 0) return;
  fail_format("[load_tokenizer] the model's dropout is not understood: got {}, expected null ({})",
              dropout->dump(), model.where());
}

std::string affix(JsonObject& model, const char* key, const std::optional<std::string>& absent) {
  auto text = absent ? model.text(key, *absent) : model.text(key);
  check_token_length(key, text.size(), model.where());
  return text;
}

Vocabulary read_bpe(JsonObject& model, TokenizerParts& parts) {
  Vocabulary vocabulary = read_vocabulary(model);
  refuse_dropout(model);
  BpeOptions options;
  options.ignore_merges = model.flag("ignore_merges", false);
  options.fuse_unknown = model.flag("fuse_unk", false);
  options.byte_fallback = model.flag("byte_fallback", false);
  options.continuing_prefix = affix(model, "continuing_subword_prefix", "");
  options.end_suffix = affix(model, "end_of_word_suffix", "");
  const std::string unknown = model.text("unk_token", "");
  if (!unknown.empty()) options.unknown_id = vocabulary.get(unknown, "the model's unk_token");

  std::vector<BpeModel::Merge> merges;
  for (const auto& entry : model.array("merges"))
    merges.push_back(read_merge(entry, model.where("merges")));
  parts.model = std::make_unique<BpeModel>(vocabulary, merges, options);
  return vocabulary;
}

Vocabulary read_word_piece(JsonObject& model, TokenizerParts& parts) {
  Vocabulary vocabulary = read_vocabulary(model);
  WordPieceOptions options;
  options.unknown_id = vocabulary.get(model.text("unk_token"), "the model's unk_token");
  options.continuing_prefix = affix(model, "continuing_subword_prefix", std::nullopt);
  options.longest_word = model.integer("max_input_chars_per_word");
  parts.model = std::make_unique<WordPieceModel>(vocabulary, options);
  return vocabulary;
}

/// Reads a list of tokens and scores; the ids are the indices in the list.
Vocabulary read_scored_vocabulary(JsonObject& model, std::vector<double>& scores) {
  const std::string where = model.where("vocab");
  Vocabulary vocabulary(where);
  for (const auto& entry : model.array("vocab")) {
    if (!entry.is_array() || entry.size() != 2) {
      fail_format("[load_tokenizer] a token is not a string and its score: got {} ({})",
                  entry.dump(), where);
    }
    vocabulary.add(json_text(entry[0], "a token", where), static_cast<int64_t>(scores.size()));
    scores.push_back(json_number(entry[1], "a score", where));
  }
  return vocabulary;
}

Vocabulary read_unigram(JsonObject& model, TokenizerParts& parts) {
  std::vector<double> scores;
  Vocabulary vocabulary = read_scored_vocabulary(model, scores);
  UnigramOptions options;
  options.byte_fallback = model.flag("byte_fallback", false);
  if (model.find("unk_id") != nullptr) {
    options.unknown_id = model.integer("unk_id");
    if (vocabulary.token(*options.unknown_id) == nullptr) {
      fail_format("[load_tokenizer] unk_id is not in the vocabulary: got {} ({})",
                  *options.unknown_id, model.where());
    }
  }
  parts.model = std::make_unique<UnigramModel>(vocabulary, std::move(scores), options);
  return vocabulary;
}

/// Returns the type of the model; for older files without a type, it is inferred from the keys.
std::string model_type(JsonObject& model) {
  if (model.find("type") != nullptr) return model.text("type");
  if (model.find("merges") != nullptr) return "BPE";
  if (model.find("max_input_chars_per_word") != nullptr) return "WordPiece";
  if (const auto* vocab = model.find("vocab"); vocab != nullptr && vocab->is_array())
    return "Unigram";
  fail_format("[load_tokenizer] the model names no type, expected BPE, WordPiece or Unigram ({})",
              model.where());
}

}  // namespace

Vocabulary read_model(JsonObject& file, TokenizerParts& parts) {
  using Reader = Vocabulary (*)(JsonObject&, TokenizerParts&);
  constexpr std::pair<std::string_view, Reader> kReaders[] = {
      {"BPE", read_bpe}, {"WordPiece", read_word_piece}, {"Unigram", read_unigram}};
  JsonObject model = file.object("model");
  const std::string type = model_type(model);
  for (const auto& [name, read] : kReaders) {
    if (name != type) continue;
    Vocabulary vocabulary = read(model, parts);
    model.refuse_unread();
    return vocabulary;
  }
  model.refuse_type("the model", "BPE, WordPiece or Unigram");
}

}  // namespace spikesink::detail
