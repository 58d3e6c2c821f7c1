#include "measure/weights/gated_form.h"

#include <cmath>

namespace spikesink::detail {
namespace {

// Splits `size` rows into tiles of `edge` rows. Calls `visit(a, b)` with the first rows of every
// pair of tiles a <= b.
template <typename Visit>
void for_each_pair(int64_t size, int64_t edge, Visit visit) {
  for (int64_t a = 0; a < size; a += edge) {
    for (int64_t b = a; b < size; b += edge) visit(a, b);
  }
}

}  // namespace

torch::Tensor GatedForm::norms(int64_t edge) const {
  auto squares = torch::zeros({down.size(0)}, down.options().dtype(torch::kDouble));
  for_each_pair(gate.size(0), edge, [&](int64_t a, int64_t b) {
    const auto tile = [&](const torch::Tensor& x, int64_t first) {
      return x.slice(0, first, first + edge);
    };
    const auto overlaps = at::mm(tile(gate, a), tile(gate, b).t());  // [edge, edge]
    const auto weighted =
        at::mm(down.slice(1, a, a + edge), overlaps * at::mm(tile(up, a), tile(up, b).t()));
    const auto sums = (weighted * down.slice(1, b, b + edge)).sum(1, false, torch::kDouble);
    squares += a == b ? sums : 2 * sums;
  });
  return squares.clamp_min(0).sqrt().cpu();
}

// 2 S_k = (w G)^T P + P^T (w G) with w = down[k], G = gate, P = up. S_k is symmetric, so tiles off
// the diagonal count twice.
double GatedForm::symmetric_norm(int64_t channel, int64_t edge) const {
  const auto weighted = gate * down[channel].unsqueeze(1);  // [d_mlp, d_model]
  double square = 0;
  for_each_pair(gate.size(1), edge, [&](int64_t a, int64_t b) {
    const auto tile = [&](const torch::Tensor& x, int64_t first) {
      return x.slice(1, first, first + edge);
    };
    const auto doubled =
        at::mm(tile(weighted, a).t(), tile(up, b)).addmm_(tile(up, a).t(), tile(weighted, b));
    const double sum = doubled.square().sum(torch::kDouble).item<double>() / 4;
    square += a == b ? sum : 2 * sum;
  });
  return std::sqrt(square);
}

SymmetricForm::SymmetricForm(const GatedForm& form)
    : gate_and_up_(at::cat({form.gate, form.up}).to(torch::kDouble)),
      down_(form.down.to(torch::kDouble)) {}

// S_k x = 1/2 sum_i w_i (g_i (p_i . x) + p_i (g_i . x)) with w = down[k], g_i = gate_i, p_i = up_i.
torch::Tensor SymmetricForm::product(int64_t channel, const torch::Tensor& x) const {
  const auto products =
      at::matmul(gate_and_up_, x.to(gate_and_up_.device())).chunk(2);  // [d_mlp] or [d_mlp, n]
  auto weights = down_[channel];
  if (x.dim() == 2) weights = weights.unsqueeze(1);
  const auto weighted = at::cat({weights * products[1], weights * products[0]});
  return (at::matmul(gate_and_up_.t(), weighted) / 2).cpu();
}

torch::Tensor SymmetricForm::gate_and_up(const torch::Tensor& x) const {
  return at::mv(gate_and_up_, x.to(gate_and_up_.device())).view({2, -1}).cpu();
}

torch::Tensor SymmetricForm::contributions(int64_t channel, const torch::Tensor& products) const {
  return down_[channel].cpu() * products[0] * products[1];
}

torch::Tensor SymmetricForm::outputs(const torch::Tensor& products) const {
  return at::mv(down_, (products[0] * products[1]).to(down_.device())).cpu();
}

}  // namespace spikesink::detail
