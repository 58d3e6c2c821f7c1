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

/// How a kind of tokenizer writes a token that a GGUF file writes in another way.
using Respell = std::function<std::string(const std::string& token, GgufTokenType type)>;

/// The vocabulary of a GGUF file. What is wrong with it is a FormatError.
class GgufVocabulary {
 public:
  /// `file` outlives the object.
  explicit GgufVocabulary(const GgufFile& file, const Respell& respell = {});

  const GgufFile& file() const { return file_; }
  const std::string& where() const { return tokens_.where(); }
  const Vocabulary& tokens() const { return tokens_; }
  /// By id, all of them numbers.
  std::vector<double> scores() const;
  /// The merges that the file lists.
  std::vector<BpeModel::Merge> merges() const;
  /// Control tokens and the user's own: they are found in the text as they stand.
  std::vector<AddedToken> added() const;

  /// The id that the first present of `keys` gives.
  std::optional<int64_t> id(std::initializer_list<std::string_view> keys) const;
  /// Whether the file says that `id` is added, or else `absent`; saying so without one is an error.
  bool adds(std::string_view key, bool absent, std::optional<int64_t> id) const;
  bool flag(std::string_view key, bool absent) const;

 private:
  const GgufFile& file_;
  std::vector<GgufTokenType> types_;
  Vocabulary tokens_;
};

}  // namespace spikesink::detail
