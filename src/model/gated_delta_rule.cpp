#include "model/gated_delta_rule.h"

#include <cmath>
#include <limits>

namespace spikesink::detail {
namespace {

constexpr int64_t kChunk = 64;

// One chunk of c tokens. With G_i the sum of the decays up to token i:
//   (I + L) U = beta (V - e^G K S),   L_ij = beta_i e^(G_i - G_j) k_i . k_j for j < i
//   outputs = e^G Q S + A U,          A_ij = e^(G_i - G_j) q_i . k_j for j <= i
//   S' = e^G_c S + (e^(G_c - G) K)^T U
torch::Tensor run_chunk(const DeltaRuleInputs& chunk, torch::Tensor& state) {
  const auto& [q, k, v, decay, beta] = chunk;
  const auto sum = decay.cumsum(-1);                      // G, [B, H, c]
  const auto rates = beta.unsqueeze(-1);                  // [B, H, c, 1]
  const auto from_start = at::exp(sum).unsqueeze(-1);     // [B, H, c, 1]
  const auto last = sum.slice(-1, sum.size(-1) - 1);      // [B, H, 1]
  const auto to_end = at::exp(last - sum).unsqueeze(-1);  // [B, H, c, 1]
  const auto keys = k.transpose(-1, -2);                  // [B, H, d_key, c]
  const auto later = torch::ones({sum.size(-1), sum.size(-1)}, torch::kBool).triu(1);
  const auto between =
      at::exp((sum.unsqueeze(-1) - sum.unsqueeze(-2))
                  .masked_fill(later.to(sum.device()), -std::numeric_limits<double>::infinity()));
  const auto system = at::matmul(k * rates, keys) * between;  // [B, H, c, c], diagonal unused
  const auto targets = rates * (v - at::matmul(k * from_start, state));
  const auto updates = at::linalg_solve_triangular(system, targets, /*upper=*/false, /*left=*/true,
                                                   /*unitriangular=*/true);
  const auto outputs =
      at::matmul(q * from_start, state) + at::matmul(at::matmul(q, keys) * between, updates);
  state = state * at::exp(last).unsqueeze(-1) + at::matmul((k * to_end).transpose(-1, -2), updates);
  return outputs;
}

}  // namespace

torch::Tensor gated_delta_rule(const DeltaRuleInputs& inputs, torch::Tensor& state) {
  const int64_t length = inputs.q.size(2);
  const auto queries = inputs.q / std::sqrt(static_cast<double>(inputs.q.size(3)));
  std::vector<torch::Tensor> outputs;
  for (int64_t first = 0; first < length; first += kChunk) {
    const int64_t end = std::min(first + kChunk, length);
    const auto part = [&](const torch::Tensor& x) { return x.slice(2, first, end); };
    outputs.push_back(run_chunk(
        {part(queries), part(inputs.k), part(inputs.v), part(inputs.decay), part(inputs.beta)},
        state));
  }
  return at::cat(outputs, 2);
}

}  // namespace spikesink::detail
