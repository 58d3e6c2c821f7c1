#pragma once

#include "spikesink/measure/measurement.h"

namespace spikesink {

struct PerplexityResult {
  double mean_loss = 0;   // nats a predicted token; NaN when there was none
  double perplexity = 0;  // exp(mean_loss)
  int64_t tokens = 0;     // predicted tokens: all but the first of each sequence
};

/// Mean cross-entropy of each next token. Logits are formed a few hundred tokens at a time, unless
/// a hook is on `unembed.hook_out` before the run begins: then the logits that it leaves are used.
class Perplexity : public Measurement {
 public:
  HookScope begin(Transformer& model, RunContext& context) override;
  void merge(const Perplexity& other);
  PerplexityResult result() const;

 private:
  double loss_ = 0;
  int64_t tokens_ = 0;
};

}  // namespace spikesink
