#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "spikesink/error.h"

namespace [[gnu::visibility("default")]] spikesink {

/// Text to token ids and back.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  /// Ids of `text` (UTF-8; an invalid byte is read as U+FFFD). Added and special tokens written out
  /// in the text are recognised; no BOS or EOS is added. Equals `tokenizers`' `encode(text,
  /// add_special_tokens=False)`.
  virtual std::vector<int64_t> encode(std::string_view text) const = 0;
  /// The text of `ids`, special tokens included: `tokenizers`' `decode(ids,
  /// skip_special_tokens=False)`. Ids outside the vocabulary throw
  /// std::invalid_argument.
  virtual std::string decode(const std::vector<int64_t>& ids) const = 0;
  /// What one id stands for, as text for a reader: bytes that are not valid UTF-8 alone are shown
  /// as `<0xNN>`.
  virtual std::string token_text(int64_t id) const = 0;

  /// One more than the largest id.
  virtual int64_t vocabulary_size() const = 0;
  /// What begins and ends a text; those of BERT and its kind are [CLS] and [SEP].
  virtual std::optional<int64_t> bos_id() const = 0;
  virtual std::optional<int64_t> eos_id() const = 0;
  /// Whether the model's own rule puts BOS before, or EOS after, every text.
  virtual bool adds_bos() const = 0;
  virtual bool adds_eos() const = 0;
  /// Whether the token is none of the text's own: `[CLS]`, `<s>`, `<|im_start|>` and their kind.
  virtual bool is_special(int64_t id) const { return id == bos_id() || id == eos_id(); }
};

/// Reads the tokenizer of a `.gguf` file, a `tokenizer.json`, or a folder that holds one (with
/// `tokenizer_config.json` beside it, when there); a `.safetensors` file stands for its folder.
/// Anything in it that is not understood is a FormatError.
std::unique_ptr<Tokenizer> load_tokenizer(const std::filesystem::path& path);

}  // namespace spikesink
