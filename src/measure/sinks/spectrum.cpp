#include "measure/sinks/spectrum.h"

#include <algorithm>
#include <limits>

namespace spikesink::detail {

void add_to_moment(torch::Tensor& moment, const torch::Tensor& vectors) {
  const auto by_head = vectors.transpose(0, 1);  // [heads, n, d]
  moment.baddbmm_(by_head.transpose(1, 2), by_head);
}

torch::Tensor spectrum_of(const torch::Tensor& moment) {
  if (!moment.isfinite().all().item<bool>())
    return torch::full({moment.size(0), 3}, std::numeric_limits<double>::quiet_NaN(),
                       torch::kDouble);
  const auto values = at::linalg_eigvalsh(moment).clamp_min(0);  // [heads, d], ascending
  const auto shares = values / values.sum(-1, /*keepdim=*/true);
  const auto largest = shares.flip(-1).cumsum(-1);
  const int64_t second = std::min<int64_t>(1, shares.size(1) - 1);
  return at::stack(
      {at::special_entr(shares).sum(-1).exp(), largest.select(1, 0), largest.select(1, second)}, 1);
}

}  // namespace spikesink::detail
