#pragma once

#include <tuple>
#include <utility>
#include <vector>

#include "spikesink/measure/core/mergeable.h"
#include "spikesink/measure/sinks/sink_keys.h"

namespace [[gnu::visibility("default")]] spikesink {

struct EffectiveSinksOptions {
  SinkKeys sinks;
};

/// One head. Queries are the tokens that are not sinks themselves. NaN without such a query.
struct HeadEffectiveSinks {
  int64_t layer = 0;
  int64_t head = 0;
  /// Mean over queries of the attention to the sinks.
  double attention = 0;
  /// Share of the head's output that comes from the sinks. With the output o_i = g_i * sum_k A_ik
  /// v_k of query i and its part from the sinks o_i', both after the gate g: sum_i o_i' . o_i /
  /// sum_i |o_i|^2. Over disjoint sets of keys these shares add up to 1; below 0, the sinks' part
  /// points against the output.
  double output_share = 0;
  double gate = 0;           // mean factor of the gate, over queries and channels; 1 without a gate
  double gate_at_sinks = 0;  // the same over the sinks' own queries
};

struct EffectiveSinksResult {
  EffectiveSinksOptions options;
  int64_t queries = 0;                    // tokens that are not sinks
  int64_t sinks = 0;                      // tokens that are
  std::vector<HeadEffectiveSinks> heads;  // every layer with attention and head, in that order
};

/// Measures what attention sinks contribute to the heads' outputs. A head can attend to a sink and
/// still take nothing from it: because the sink's value is small, or because a gate closes
/// (arXiv 2505.06708; table 7 of arXiv 2603.05498). The sink ratio sees only the attention. Needs
/// O(T) memory per sink and head. In grouped-query models, heads are query heads.
class EffectiveSinks : public Mergeable<EffectiveSinks> {
 public:
  explicit EffectiveSinks(EffectiveSinksOptions options = {}) : options_(std::move(options)) {}

  /// Throws std::invalid_argument for an invalid position of a sink.
  HookScope attach(Transformer& model, RunContext& context) override;
  /// Throws std::invalid_argument if the heads or the sinks differ.
  void merge(const EffectiveSinks& other);
  EffectiveSinksResult result() const;

 private:
  friend class Mergeable<EffectiveSinks>;
  auto fields() { return std::tie(sums_, queries_, sinks_, layers_run_); }

  /// What the hooks of one layer saw.
  struct Seen {
    torch::Tensor q, k, v, lse, gate;
  };

  HookScope watch_layer(Transformer& model, RunContext& context, int64_t layer);
  void add(const Transformer& model, int64_t layer, const torch::Tensor& z,
           const TokenBatch& batch);

  EffectiveSinksOptions options_;
  Seen seen_;           // of the current layer
  torch::Tensor sums_;  // [layers, heads, sums] float64
  int64_t queries_ = 0, sinks_ = 0;
  std::vector<int64_t> layers_run_;  // ascending
};

}  // namespace spikesink
