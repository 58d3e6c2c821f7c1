#pragma once

#include <torch/types.h>

#include <string_view>
#include <vector>

#include "spikesink/text/tokenizer.h"

namespace [[gnu::visibility("default")]] spikesink {

/// Sequences of equal length that form one batch.
struct TokenBatch {
  torch::Tensor ids;           // [sequences, length] int64
  int64_t first_sequence = 0;  // index of the first row among all sequences
  int64_t prefix_length = 0;   // number of prefix tokens before each text; see with_prefix
};
using TokenBatches = std::vector<TokenBatch>;

/// Whether BOS is added before each window of a text, and EOS after it.
enum class BosRule {
  kAuto,  // what the tokenizer adds by default: BOS, [CLS] and [SEP], or nothing
  kYes,   // always BOS before the text; after it, what the tokenizer adds by default
  kNo,    // nothing
};

struct BatchOptions {
  // Tokens per window, BOS and EOS included (64: Gu et al., arXiv 2410.10781).
  int64_t length = 64;
  // Maximum number of windows; 0: all complete windows of the text.
  int64_t max_windows = 0;
  // A window with BOS or EOS contains fewer tokens of the text: its last text tokens are left out.
  // So window i starts at the same place of the text with and without BOS.
  BosRule bos = BosRule::kAuto;
  // Maximum number of tokens per batch.
  int64_t max_batch_tokens = 4096;
};

/// True if windows start with BOS. Throws std::invalid_argument for kYes with a tokenizer that has
/// no BOS token.
bool windows_start_with_bos(const Tokenizer& tokenizer, BosRule rule);
/// True if windows end with EOS, as for BERT-like models.
bool windows_end_with_eos(const Tokenizer& tokenizer, BosRule rule);

/// The tokens before and after the text of each window. Where the tokenizer adds several before a
/// text, windows that start with BOS have them all. Throws as windows_start_with_bos.
std::vector<int64_t> window_prefix(const Tokenizer& tokenizer, BosRule rule);
std::vector<int64_t> window_suffix(const Tokenizer& tokenizer, BosRule rule);

/// Splits a text into consecutive windows; an incomplete last window is dropped. Throws
/// std::invalid_argument if the text does not fill one window.
TokenBatches token_batches(const Tokenizer& tokenizer, std::string_view text,
                           const BatchOptions& options = {});

/// Groups sequences into batches in the given order; consecutive sequences of equal length share a
/// batch. Throws std::invalid_argument for an empty sequence or an empty list.
TokenBatches token_batches(const std::vector<std::vector<int64_t>>& sequences,
                           int64_t max_batch_tokens = 4096);

/// Returns the batch with `tokens` added before each sequence. `Perplexity` and `KlDivergence` skip
/// the prefix. TokenPosition and SinkOccurrence do not count it. All other measurements and
/// positions treat the prefix as part of the sequence.
TokenBatch with_prefix(const TokenBatch& batch, const std::vector<int64_t>& tokens);

}  // namespace spikesink
