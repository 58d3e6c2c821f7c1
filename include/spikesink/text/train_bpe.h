#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace [[gnu::visibility("default")]] spikesink {

struct TrainBpeOptions {
  int64_t vocabulary = 4096;  // tokens at most, special ones and the 256 bytes among them
  std::vector<std::string> special_tokens = {"<|endoftext|>"};  // with the ids 0, 1, ...
  int64_t least_count = 2;  // how often two tokens must be neighbours in the texts to be joined
};

/// Trains a tokenizer on texts (UTF-8; an invalid byte is read as U+FFFD) and returns its
/// `tokenizer.json`, which `load_tokenizer`, `tokenizers` and transformers read. It is byte-level
/// BPE (Sennrich et al., arXiv 1508.07909, over bytes as GPT-2): of the tokens that stand side by
/// side within a word, the two that do so most often are joined, of equals those with the lower
/// ids, until the vocabulary is full or no two are neighbours `least_count` times. Every text can
/// be encoded.
///
/// Equals what `tokenizers` 0.23 trains with `BpeTrainer(initial_alphabet=ByteLevel.alphabet(),
/// min_frequency=least_count)` and `ByteLevel(add_prefix_space=False)`, ids and merges alike. As
/// there, no word reaches from one text into the next, and a special token that is written out in a
/// text counts as words like any other: give documents as texts of their own.
///
/// Throws std::invalid_argument when the texts are empty, the vocabulary has no room for the bytes
/// and the special tokens, one of these is empty, not UTF-8 or named twice, or `least_count` is
/// below 1.
std::string train_bpe(const std::vector<std::string_view>& texts,
                      const TrainBpeOptions& options = {});

}  // namespace spikesink
