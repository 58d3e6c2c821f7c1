#pragma once

#include <string>
#include <vector>

#include "spikesink/text/token_batches.h"
#include "tiny_model.h"

namespace spikesink {

/// A tiny model for every part of the score rule.
struct AttentionModel {
  const char* name;
  ModelConfig config;
};

inline void PrintTo(const AttentionModel& model, std::ostream* out) {
  *out << model.name;
}

inline std::vector<AttentionModel> attention_models() {
  std::vector<AttentionModel> models = {
      {"Grouped", tiny_config()}, {"Ungrouped", tiny_config()}, {"Window", tiny_config()},
      {"Softcap", tiny_config()}, {"Alibi", tiny_config()},     {"LearnedSinks", tiny_config()},
      {"Encoder", tiny_config()}, {"Latent", tiny_config()},    {"WideValues", tiny_config()},
  };
  models[1].config.n_key_value_heads = models[1].config.n_heads;
  models[2].config.layers.assign(2, {.window = 6});
  models[3].config.attention_softcap = 2;
  models[4].config.alibi = Alibi::kExact;
  models[5].config.sink_logits = true;
  models[6].config.causal = false;
  models[6].config.head = OutputHead::kNone;
  auto& latent = models[7].config;
  latent.n_key_value_heads = latent.n_heads;
  latent.latent = {.kv_rank = 6, .q_rank = 5, .d_rope = 4};
  latent.ropes.front().dimensions = 4;
  latent.d_value = 6;
  models[8].config.d_value = 12;
  return models;
}

/// Batches of one length each, so that some sequences are shorter than others.
inline TokenBatches batches_of_lengths(const std::vector<int64_t>& lengths) {
  TokenBatches batches;
  for (const int64_t length : lengths) {
    const int64_t first = batches.empty() ? 0 : batches.back().first_sequence + 2;
    batches.push_back({random_tokens(2, length, static_cast<uint64_t>(length)), first});
  }
  return batches;
}

}  // namespace spikesink
