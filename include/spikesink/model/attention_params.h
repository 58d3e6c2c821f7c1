#pragma once

#include <torch/types.h>

#include <cstdint>
#include <vector>

#include "spikesink/model/model_config.h"

namespace [[gnu::visibility("default")]] spikesink {

/// Limits the attention weight that queries give to certain keys. The attention of a token to
/// itself is never limited.
struct AttentionCap {
  std::vector<int64_t> keys;  // positions, from 0; empty: no limit
  torch::Tensor max_share;    // [H], upper limit of the weight of each of these keys; 1: no limit
  bool renormalize = true;    // the removed weight goes to the other keys; false: it is lost
};

/// How the dot product of query i and key k becomes an attention weight, and which keys query i can
/// see.
struct AttentionParams {
  double scale = 1;     // multiplies the dot products
  double softcap = 0;   // a score s becomes softcap * tanh(s / softcap), before the bias; 0: no cap
  torch::Tensor alibi;  // [H, S], alibi[k] - alibi[i] is added to the score; or undefined
  bool causal = true;   // query i sees no key after itself
  int64_t window = 0;   // sliding window: only the last `window` keys are visible; 0: all
  int64_t past_length = 0;    // position of the first query: the number of cached keys
  torch::Tensor sink_logits;  // [H], a logit in each head's softmax denominator, or undefined
  AttentionCap attention_cap;
  AttentionForm form = AttentionForm::kSoftmax;
  bool needs_denominator = false;  // the softmax denominator is needed outside the kernel
};

}  // namespace spikesink
