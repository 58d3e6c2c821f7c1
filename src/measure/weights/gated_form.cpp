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

torch::Tensor GatedForm::symmetric(int64_t channel) const {
  const auto weighted = gate.to(torch::kDouble) * down[channel].to(torch::kDouble).unsqueeze(1);
  const auto form = at::mm(weighted.t(), up.to(torch::kDouble)).cpu();
  return (form + form.t()) / 2;
}

torch::Tensor GatedForm::gate_up_cosines() const {
  const auto length = [](const torch::Tensor& rows) {
    return at::linalg_vector_norm(rows, 2, {1}, /*keepdim=*/false, torch::kDouble);
  };
  const auto products = (gate * up).sum(1, /*keepdim=*/false, torch::kDouble);
  return (products.abs() / (length(gate) * length(up))).clamp_max(1).cpu();
}

FormTerms::FormTerms(const GatedForm& form)
    : gate_and_up_(at::cat({form.gate, form.up}).to(torch::kDouble)),
      down_(form.down.to(torch::kDouble)) {}

torch::Tensor FormTerms::gate_and_up(const torch::Tensor& x) const {
  return at::mv(gate_and_up_, x.to(gate_and_up_.device())).view({2, -1}).cpu();
}

torch::Tensor FormTerms::contributions(int64_t channel, const torch::Tensor& products) const {
  return down_[channel].cpu() * products[0] * products[1];
}

torch::Tensor FormTerms::outputs(const torch::Tensor& products) const {
  return at::mv(down_, (products[0] * products[1]).to(down_.device())).cpu();
}

}  // namespace spikesink::detail
