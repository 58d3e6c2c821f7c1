#include "text/gguf_vocabulary.h"

#include <cmath>

#include "detail/fail.h"

namespace spikesink::detail {
namespace {

std::vector<GgufTokenType> read_types(const GgufFile& file, size_t count,
                                      const std::string& where) {
  std::vector<GgufTokenType> result(count, GgufTokenType::kNormal);
  const auto* types = file.find<std::vector<int64_t>>("tokenizer.ggml.token_type");
  if (types == nullptr) return result;
  if (types->size() != count) {
    fail_format("[load_tokenizer] tokenizer.ggml.token_type has {} elements, expected {} ({})",
                types->size(), count, where);
  }
  for (size_t id = 0; id < count; ++id) result[id] = static_cast<GgufTokenType>((*types)[id]);
  return result;
}

}  // namespace

GgufVocabulary::GgufVocabulary(const GgufFile& file, const Respell& respell)
    : file_(file), tokens_(file.path().string()) {
  const auto& tokens = file.get<std::vector<std::string>>("tokenizer.ggml.tokens");
  types_ = read_types(file, tokens.size(), where());
  for (size_t id = 0; id < tokens.size(); ++id)
    tokens_.add(respell ? respell(tokens[id], types_[id]) : tokens[id], static_cast<int64_t>(id));
}

std::vector<double> GgufVocabulary::scores() const {
  const auto& scores = file_.get<std::vector<double>>("tokenizer.ggml.scores");
  if (scores.size() != tokens_.count()) {
    fail_format("[load_tokenizer] tokenizer.ggml.scores has {} elements, expected {} ({})",
                scores.size(), tokens_.count(), where());
  }
  for (size_t id = 0; id < scores.size(); ++id) {
    if (!std::isfinite(scores[id]))
      fail_format("[load_tokenizer] a score is not finite: got {} for the id {} ({})", scores[id],
                  id, where());
  }
  return scores;
}

std::vector<BpeModel::Merge> GgufVocabulary::merges() const {
  std::vector<BpeModel::Merge> merges;
  for (const std::string_view text : file_.get<std::vector<std::string>>("tokenizer.ggml.merges")) {
    const size_t space = text.find(' ');
    if (space == std::string_view::npos)
      fail_format("[load_tokenizer] a merge is not two tokens: got '{}' ({})", text, where());
    merges.emplace_back(text.substr(0, space), text.substr(space + 1));
  }
  return merges;
}

std::vector<AddedToken> GgufVocabulary::added() const {
  std::vector<AddedToken> result;
  for (size_t id = 0; id < types_.size(); ++id) {
    const GgufTokenType type = types_[id];
    const bool special = type == GgufTokenType::kControl || type == GgufTokenType::kUnknown;
    if (!special && type != GgufTokenType::kUserDefined) continue;
    AddedToken token{.id = static_cast<int64_t>(id)};
    token.content = *tokens_.token(token.id);
    token.special = special;
    result.push_back(std::move(token));
  }
  return result;
}

std::optional<int64_t> GgufVocabulary::id(std::initializer_list<std::string_view> keys) const {
  for (const std::string_view key : keys) {
    const auto* id = file_.find<int64_t>(key);
    if (id == nullptr) continue;
    if (tokens_.token(*id) == nullptr) {
      fail_format("[load_tokenizer] {} is not in the vocabulary: got {} ({})", key, *id, where());
    }
    return *id;
  }
  return std::nullopt;
}

bool GgufVocabulary::flag(std::string_view key, bool absent) const {
  const auto* flag = file_.find<bool>(key);
  return flag == nullptr ? absent : *flag;
}

bool GgufVocabulary::adds(std::string_view key, bool absent, std::optional<int64_t> id) const {
  const bool wanted = flag(key, absent && id.has_value());
  if (wanted && !id)
    fail_format("[load_tokenizer] {} is true but the token's id is missing ({})", key, where());
  return wanted;
}

}  // namespace spikesink::detail
