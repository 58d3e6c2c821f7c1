#pragma once

#include <torch/types.h>

#include <cstdint>

namespace spikesink::detail {

/// A gated feed-forward whose activation is taken for the identity: output channel k is the
/// quadratic form x^T U_k x of the input x, U_k = sum_i down[k, i] gate_i up_i^T (arXiv 2603.05498,
/// eqs. 15-17). No U_k and nothing of size d_mlp x d_mlp is formed: matrices are taken in squares
/// of at most `edge` rows and columns.
struct GatedForm {
  torch::Tensor gate, up;  // [d_mlp, d_model], the norm's scale folded in; float32 or float64
  torch::Tensor down;      // [d_model, d_mlp], of the same dtype

  static constexpr int64_t kEdge = 512;

  /// ||U_k||_F of every channel k, [d_model] float64 on the CPU, by ||U_k||_F^2 = w^T ((G G^T) o
  /// (P P^T)) w with w = down[k], G = gate, P = up.
  torch::Tensor norms(int64_t edge = kEdge) const;
  /// ||S_k||_F of one channel, S_k = (U_k + U_k^T) / 2.
  double symmetric_norm(int64_t channel, int64_t edge = kEdge) const;
};

/// Products with the S_k of one GatedForm, in float64.
class SymmetricForm {
 public:
  explicit SymmetricForm(const GatedForm& form);

  int64_t size() const { return both_.size(1); }
  /// S_k x, of x [d_model] or of each column of x [d_model, n]; float64 on the CPU, as x.
  torch::Tensor product(int64_t channel, const torch::Tensor& x) const;
  /// What each hidden unit's gate and up say to x [d_model]: gate_i . x and up_i . x, [2, d_mlp];
  /// and what it adds to x^T S_k x, down[k, i] times both, [d_mlp].
  torch::Tensor readings(const torch::Tensor& x) const;
  torch::Tensor contributions(int64_t channel, const torch::Tensor& readings) const;

 private:
  torch::Tensor both_;  // gate above up, [2 d_mlp, d_model]
  torch::Tensor down_;  // [d_model, d_mlp]
};

}  // namespace spikesink::detail
