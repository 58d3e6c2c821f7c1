#pragma once

#include <torch/types.h>

#include <cstdint>

namespace spikesink::detail {

/// A gated feed-forward with the activation function replaced by the identity: output channel k is
/// the quadratic form x^T U_k x of the input x, U_k = sum_i down[k, i] gate_i up_i^T (arXiv
/// 2603.05498, eqs. 15-17). No d_mlp x d_mlp matrix is stored: norms are computed in tiles of at
/// most `edge` rows and columns.
struct GatedForm {
  /// [d_mlp, d_model], with the norm's scale folded in; float32 or float64
  torch::Tensor gate, up;
  torch::Tensor down;  // [d_model, d_mlp], of the same dtype

  static constexpr int64_t kEdge = 512;

  /// Returns ||U_k||_F of every channel k, [d_model] float64 on the CPU. ||U_k||_F^2 = sum_ij w_i
  /// w_j (g_i . g_j) (p_i . p_j) = w^T ((G G^T) o (P P^T)) w with w = down[k], G = gate, P = up.
  torch::Tensor norms(int64_t edge = kEdge) const;
  /// Returns S_k = (U_k + U_k^T) / 2 of one channel, [d_model, d_model] float64 on the CPU.
  torch::Tensor symmetric(int64_t channel) const;
  /// Returns |cos(gate_i, up_i)| of every hidden unit i, [d_mlp] float64 on the CPU. NaN if a row
  /// is zero.
  torch::Tensor gate_up_cosines() const;
};

/// The terms of x^T S_k x by hidden unit, in float64.
class FormTerms {
 public:
  explicit FormTerms(const GatedForm& form);

  /// `gate_and_up` returns gate_i . x and up_i . x of each hidden unit i for x [d_model]: [2,
  /// d_mlp]. `contributions` returns the terms of x^T S_k x: down[k, i] (gate_i . x) (up_i . x),
  /// [d_mlp]. `outputs` returns x^T S_k x of all channels k, [d_model].
  torch::Tensor gate_and_up(const torch::Tensor& x) const;
  torch::Tensor contributions(int64_t channel, const torch::Tensor& products) const;
  torch::Tensor outputs(const torch::Tensor& products) const;

 private:
  torch::Tensor gate_and_up_;  // gate above up, [2 d_mlp, d_model]
  torch::Tensor down_;         // [d_model, d_mlp]
};

}  // namespace spikesink::detail
