#pragma once

#include <functional>
#include <vector>

#include "spikesink/model/kv_cache.h"
#include "spikesink/model/transformer.h"

namespace [[gnu::visibility("default")]] spikesink {

struct GenerateOptions {
  int64_t max_new_tokens = 64;  // maximum number of generated tokens
  double temperature = 0;       // logits are divided by it; 0: always the most probable token
  int64_t top_k = 0;            // samples from the k most probable tokens only; 0: all
  /// Nucleus sampling: samples from the smallest set of most probable tokens whose total
  /// probability is at least this; 1: all tokens.
  double top_p = 1;
  uint64_t seed = 0;              // seed of the sampling
  std::vector<int64_t> stop_ids;  // ids that end the generation; the result includes the one found
};

/// Computes the distribution that the next token is sampled from: logits [d_vocabulary] ->
/// probabilities [d_vocabulary] float64. Applies temperature, then top_k, then top_p (arXiv
/// 1904.09751). With temperature 0 the most probable token gets 1 (ties: the lowest id).
torch::Tensor next_token_probabilities(const torch::Tensor& logits, const GenerateOptions& options);

/// Generates tokens after a prompt, with a key/value cache: one forward pass per token. Hooks and
/// interventions stay active. Returns the new tokens. Calls `on_token` for each token as soon as it
/// is generated. Computes no gradients; ends at the model's context. Throws std::invalid_argument
/// for invalid options, for models that are not causal language models, and in the cases of
/// Transformer::forward.
std::vector<int64_t> generate(Transformer& model, const std::vector<int64_t>& prompt,
                              const GenerateOptions& options = {},
                              const std::function<void(int64_t id)>& on_token = {});

}  // namespace spikesink
