#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace spikesink {

enum class Activation { kSilu, kGelu, kGeluTanh, kRelu };

/// How RoPE's frequencies are changed to reach beyond the trained context.
enum class RopeScalingKind {
  kNone,
  kLinear,   // every frequency divided by `factor`
  kLlama3,   // long wavelengths divided by `factor`, short ones kept, the band between blended
             // (Llama 3.1)
  kFactors,  // each frequency divided by its own number in `factors` (GGUF's rope_freqs)
};

struct RopeScaling {
  RopeScalingKind kind = RopeScalingKind::kNone;
  double factor = 1.0;
  double low_frequency_factor =
      1.0;  // kLlama3: wavelengths above original_context / this are divided by `factor`
  double high_frequency_factor =
      4.0;                       // kLlama3: wavelengths below original_context / this are kept
  int64_t original_context = 0;  // kLlama3: the context the model was first trained for, in tokens
  std::vector<double> factors;   // kFactors: d_head / 2 divisors
};

/// What a transformer is: every variant is a field here, never another forward pass.
struct ModelConfig {
  std::string model_type;         // "llama", ...
  int64_t n_layers = 0;           // the paper's blocks number twice as many
  int64_t d_model = 0;            // width of the residual stream
  int64_t d_mlp = 0;              // width of the feed-forward's inner layer
  int64_t n_heads = 0;            // query heads
  int64_t n_key_value_heads = 0;  // divides n_heads; fewer means grouped-query attention
  int64_t d_head = 0;             // width of a head; n_heads * d_head need not be d_model
  int64_t d_vocabulary = 0;       // rows of the embedding
  int64_t context = 0;            // longest sequence, in tokens
  double norm_epsilon = 1e-5;     // added to the mean square under the root
  Activation activation = Activation::kSilu;
  double rope_theta = 10000.0;
  RopeScaling rope_scaling;
  bool attention_bias = false;   // q, k, v and o have biases
  bool mlp_bias = false;         // gate, up and down have biases
  bool tied_embeddings = false;  // the unembedding is the embedding

  /// Throws std::invalid_argument naming the first field that cannot be.
  void validate() const;
};

}  // namespace spikesink
