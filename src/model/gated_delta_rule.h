#pragma once

#include <torch/types.h>

namespace spikesink::detail {

/// What a gated delta rule reads: per token and head a query, key, value, decay and rate.
struct DeltaRuleInputs {
  torch::Tensor q, k;         // [B, H, T, d_key], with norm 1
  torch::Tensor v;            // [B, H, T, d_value]
  torch::Tensor decay, beta;  // [B, H, T]; decay <= 0 is a logarithm
};

/// Computes the recurrence of GatedDeltaNet from the state [B, H, d_key, d_value], which it
/// replaces by the last one. Returns the outputs [B, H, T, d_value].
///
/// Works on chunks of 64 tokens (arXiv 2412.06464, section 3.3): within a chunk the new values u
/// solve a unit triangular system, and only the states between chunks are computed one after the
/// other. Needs O(T) memory.
torch::Tensor gated_delta_rule(const DeltaRuleInputs& inputs, torch::Tensor& state);

}  // namespace spikesink::detail
