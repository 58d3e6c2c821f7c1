#pragma once

#include <functional>
#include <vector>

#include "spikesink/model/kv_cache.h"
#include "spikesink/model/transformer.h"

namespace [[gnu::visibility("default")]] spikesink {

struct GenerateOptions {
  int64_t max_new_tokens = 64;    // new ones, at most
  double temperature = 0;         // logits are divided by it; 0: always the likeliest token
  int64_t top_k = 0;              // of the likeliest k alone; 0: all
  double top_p = 1;               // of the fewest likeliest that hold this much probability
  uint64_t seed = 0;              // of what is drawn
  std::vector<int64_t> stop_ids;  // ids that end a text; that one is kept
};

/// What the next token is drawn from: logits [d_vocabulary] -> probabilities [d_vocabulary]
/// float64, by temperature, then top_k, then top_p (arXiv 1904.09751). Temperature 0: 1 for the
/// likeliest, the first of equals.
torch::Tensor next_token_probabilities(const torch::Tensor& logits, const GenerateOptions& options);

/// Goes on from a prompt, each token in one pass by a key/value cache, under whatever hooks and
/// interventions are on. Gives the new tokens, each to `each` as soon as it is there. Without
/// gradients; ends at the model's context. Throws std::invalid_argument for options that cannot be,
/// models that do not predict the next token, and what Transformer::forward refuses.
std::vector<int64_t> generate(Transformer& model, const std::vector<int64_t>& prompt,
                              const GenerateOptions& options = {},
                              const std::function<void(int64_t id)>& on_token = {});

}  // namespace spikesink
