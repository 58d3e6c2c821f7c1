#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace [[gnu::visibility("default")]] spikesink {

struct TrainBpeOptions {
  int64_t vocabulary_size = 4096;  // maximum size, with special tokens and the 256 bytes
  std::vector<std::string> special_tokens = {"<|endoftext|>"};  // with the ids 0, 1, ...
  std::string bos_token;      // one of them that is put before every text; empty: none
  int64_t min_frequency = 2;  // minimum count of a pair of adjacent tokens to be merged
};

/// Trains a tokenizer on texts (UTF-8; an invalid byte is read as U+FFFD) and returns its
/// `tokenizer.json`, which `load_tokenizer`, `tokenizers` and transformers read. The algorithm is
/// byte-level BPE (Sennrich et al., arXiv 1508.07909, over bytes as in GPT-2): the most frequent
/// pair of adjacent tokens within words is merged (ties: lower ids first) until the vocabulary is
/// full or no pair occurs `min_frequency` times. Every text can be encoded.
///
/// Ids and merges are equal to those of `tokenizers` 0.23 with
/// `BpeTrainer(initial_alphabet=ByteLevel.alphabet(), min_frequency=min_frequency)` and
/// `ByteLevel(add_prefix_space=False)`. As there, a word never spans two texts, and a special token
/// inside a text is treated as ordinary words. Pass each document as its own text.
///
/// Throws std::invalid_argument if the texts are empty, the vocabulary is too small for the bytes
/// and the special tokens, a special token is empty, not UTF-8 or duplicate, `bos_token` is none of
/// them, or `min_frequency` is below 1.
std::string train_bpe(const std::vector<std::string_view>& texts,
                      const TrainBpeOptions& options = {});

}  // namespace spikesink
