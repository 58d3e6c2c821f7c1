#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "spikesink/weights/gguf.h"
#include "text/bpe_model.h"
#include "text/pipeline_tokenizer.h"
#include "text/vocabulary.h"

namespace spikesink::detail {

enum class GgufTokenType : int64_t {
  kNormal = 1,
  kUnknown,
  kControl,
  kUserDefined,
  kUnused,
  kByte
};

/// Converts a token from its spelling in a GGUF file to that of `tokenizers`.
using Respell = std::function<std::string(const std::string& token, GgufTokenType type)>;

/// The vocabulary of a GGUF file. Throws FileError for invalid content.
class GgufVocabulary {
 public:
  /// `file` must outlive this.
  explicit GgufVocabulary(const GgufFile& file, const Respell& respell = {});

  const GgufFile& file() const { return file_; }
  const std::string& where() const { return tokens_.where(); }
  const Vocabulary& tokens() const { return tokens_; }
  /// Returns the scores by id; all are finite.
  std::vector<double> scores() const;
  /// Returns the merges listed in the file.
  std::vector<BpeModel::Merge> merges() const;
  /// Returns control, unknown and user-defined tokens, which are searched in the text without
  /// normalisation.
  std::vector<AddedToken> added() const;

  /// Returns the id of the first of `keys` that exists.
  std::optional<int64_t> id(std::initializer_list<std::string_view> keys) const;
  /// Returns the flag `key`, which adds the token `id` to texts; `absent` if the file has no such
  /// flag and the token exists. Throws FileError if the flag is true and there is no id.
  bool adds(std::string_view key, bool absent, std::optional<int64_t> id) const;
  bool flag(std::string_view key, bool absent) const;

 private:
  const GgufFile& file_;
  std::vector<GgufTokenType> types_;
  Vocabulary tokens_;
};

}  // namespace spikesink::detail
