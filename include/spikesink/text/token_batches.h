#pragma once

#include <torch/types.h>

#include <string_view>
#include <vector>

#include "spikesink/text/tokenizer.h"

namespace [[gnu::visibility("default")]] spikesink {

/// Sequences of one length, to go through the model together.
struct TokenBatch {
  torch::Tensor ids;           // [sequences, length] int64
  int64_t first_sequence = 0;  // number of the first row among all sequences
  int64_t prefix_length = 0;   // tokens before each text that are none of it: see with_prefix
};
using TokenBatches = std::vector<TokenBatch>;

/// What stands on either side of a text.
enum class BosRule {
  kAuto,  // what the model's own rule adds: BOS, [CLS] and [SEP], or nothing
  kYes,   // BOS, whatever the rule, and what the rule adds at the end
  kNo,    // nothing
};

struct BatchOptions {
  int64_t length = 64;           // tokens a window, BOS and EOS included (64: Gu et al.,
                                 // arXiv 2410.10781)
  int64_t count = 0;             // at most this many windows; 0: as many as the text fills
  BosRule bos = BosRule::kAuto;  // BOS and EOS take the places of a window's last tokens: the
                                 // windows stay where they are
  int64_t batch_tokens = 4096;   // how many tokens go through the model at a time
};

/// Whether windows of this tokenizer's text start with BOS. kYes with a tokenizer that has none
/// throws std::invalid_argument.
bool windows_start_with_bos(const Tokenizer& tokenizer, BosRule rule);
/// Whether they end with EOS, which those of BERT and its kind do.
bool windows_end_with_eos(const Tokenizer& tokenizer, BosRule rule);

/// Consecutive windows of a text, the rest dropped. A text that does not fill one window throws
/// std::invalid_argument.
TokenBatches token_batches(const Tokenizer& tokenizer, std::string_view text,
                           const BatchOptions& options = {});

/// Sequences as they are given; consecutive ones of one length share a batch. An empty sequence, or
/// none at all, throws std::invalid_argument.
TokenBatches token_batches(const std::vector<std::vector<int64_t>>& sequences,
                           int64_t batch_tokens = 4096);

/// The same with tokens put before each sequence. `Perplexity` and `KlDivergence` count the text
/// alone and places of the text move with it; all else sees a longer sequence.
TokenBatch with_prefix(const TokenBatch& batch, const std::vector<int64_t>& tokens);

}  // namespace spikesink
