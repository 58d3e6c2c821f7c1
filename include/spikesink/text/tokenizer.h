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

/// Converts text to token ids and back.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  /// Returns the ids of `text` (UTF-8; an invalid byte is read as U+FFFD). Added and special tokens
  /// in the text are recognised; no BOS or EOS is added. Equal to `tokenizers`' `encode(text,
  /// add_special_tokens=False)`.
  virtual std::vector<int64_t> encode(std::string_view text) const = 0;
  /// Returns the text of `ids`, special tokens included. Equal to `tokenizers`' `decode(ids,
  /// skip_special_tokens=False)`. Throws std::invalid_argument for an id outside the vocabulary.
  virtual std::string decode(const std::vector<int64_t>& ids) const = 0;
  /// Returns the text of one token for display. Bytes that are not valid UTF-8 are shown as
  /// `<0xNN>`.
  virtual std::string token_text(int64_t id) const = 0;

  /// The largest id plus one.
  virtual int64_t vocabulary_size() const = 0;
  /// The tokens that start and end a text; [CLS] and [SEP] for BERT-like models. If the tokenizer
  /// adds several, the first of the prefix and the last of the suffix.
  virtual std::optional<int64_t> bos_id() const = 0;
  virtual std::optional<int64_t> eos_id() const = 0;
  /// True if BOS before, or EOS after, every text is the default of this tokenizer.
  virtual bool adds_bos() const = 0;
  virtual bool adds_eos() const = 0;
  /// The tokens that this tokenizer adds before and after every text by default: BOS and EOS, or
  /// several, such as `[gMASK]<sop>`.
  virtual std::vector<int64_t> prefix_ids() const;
  virtual std::vector<int64_t> suffix_ids() const;
  /// Returns the ids of `text` between the prefix and the suffix. Equal to `tokenizers`'
  /// `encode(text)`.
  std::vector<int64_t> encode_with_special_tokens(std::string_view text) const;
  /// True for special tokens, such as `[CLS]`, `<s>` and `<|im_start|>`.
  virtual bool is_special(int64_t id) const { return id == bos_id() || id == eos_id(); }
};

/// Loads the tokenizer of a `.gguf` file, a `tokenizer.json`, or a folder with one;
/// `tokenizer_config.json` in the same folder is read too if it exists. For a `.safetensors` or
/// torch file, the folder of the file is used. Throws FileError for unsupported content.
std::unique_ptr<Tokenizer> load_tokenizer(const std::filesystem::path& path);

}  // namespace spikesink
