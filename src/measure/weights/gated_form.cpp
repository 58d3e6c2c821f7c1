#include "measure/weights/gated_form.h"

#include <cmath>

namespace spikesink::detail {
namespace {

// Calls `visit(a, b)` with the first rows of every pair of stretches a <= b of `size` rows.
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
    const auto of = [&](const torch::Tensor& x, int64_t first) {
      return x.slice(0, first, first + edge);
    };
    const auto overlaps = at::mm(of(gate, a), of(gate, b).t());  // [edge, edge]
    const auto weighted =
        at::mm(down.slice(1, a, a + edge), overlaps * at::mm(of(up, a), of(up, b).t()));
    const auto sums = (weighted * down.slice(1, b, b + edge)).sum(1, false, torch::kDouble);
    squares += a == b ? sums : 2 * sums;
  });
  return squares.clamp_min(0).sqrt().cpu();
}

double GatedForm::symmetric_norm(int64_t channel, int64_t edge) const {
  const auto weighted = gate * down[channel].unsqueeze(1);  // [d_mlp, d_model]
  double square = 0;
  for_each_pair(gate.size(1), edge, [&](int64_t a, int64_t b) {
    const auto of = [&](const torch::Tensor& x, int64_t first) {
      return x.slice(1, first, first + edge);
    };
    const auto twice =
        at::mm(of(weighted, a).t(), of(up, b)).addmm_(of(up, a).t(), of(weighted, b));
    const double sum = twice.square().sum(torch::kDouble).item<double>() / 4;
    square += a == b ? sum : 2 * sum;
  });
  return std::sqrt(square);
}

SymmetricForm::SymmetricForm(const GatedForm& form)
    : both_(at::cat({form.gate, form.up}).to(torch::kDouble)),
      down_(form.down.to(torch::kDouble)) {}

torch::Tensor SymmetricForm::product(int64_t channel, const torch::Tensor& x) const {
  const auto halves = at::matmul(both_, x.to(both_.device())).chunk(2);  // [d_mlp] or [d_mlp, n]
  auto weights = down_[channel];
  if (x.dim() == 2) weights = weights.unsqueeze(1);
  const auto crossed = at::cat({weights * halves[1], weights * halves[0]});
  return (at::matmul(both_.t(), crossed) / 2).cpu();
}

torch::Tensor SymmetricForm::readings(const torch::Tensor& x) const {
  return at::mv(both_, x.to(both_.device())).view({2, -1}).cpu();
}

torch::Tensor SymmetricForm::contributions(int64_t channel, const torch::Tensor& readings) const {
  return down_[channel].cpu() * readings[0] * readings[1];
}

}  // namespace spikesink::detail
