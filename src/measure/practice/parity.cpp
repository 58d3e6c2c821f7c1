#include "spikesink/measure/practice/parity.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "detail/edit_distance.h"
#include "detail/fail.h"

namespace spikesink {
namespace {

// A NaN that is not expected counts as an infinite error.
torch::Tensor nan_to_infinity(const torch::Tensor& values) {
  return values.masked_fill(at::isnan(values), INFINITY);
}

// Returns the indices of the largest value, the first one if several are equal.
std::vector<int64_t> index_of_largest(const torch::Tensor& values) {
  auto rest = values.argmax().item<int64_t>();
  std::vector<int64_t> index(values.dim());
  for (int64_t axis = values.dim() - 1; axis >= 0; --axis) {
    index[axis] = rest % values.size(axis);
    rest /= values.size(axis);
  }
  return index;
}

double value_at(torch::Tensor tensor, const std::vector<int64_t>& index) {
  for (const int64_t at : index) tensor = tensor[at];
  return tensor.item<double>();
}

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Returns the root mean square of the finite values.
double scale_of(const torch::Tensor& tensor) {
  const auto finite = tensor.to(torch::kDouble).masked_select(at::isfinite(tensor));
  return finite.numel() == 0 ? 0 : std::sqrt(finite.square().mean().item<double>());
}

}  // namespace

Parity::Parity(std::shared_ptr<const WeightSource> reference, ParityOptions options,
               std::vector<std::string> ignored)
    : reference_(std::move(reference)), options_(options), ignored_(std::move(ignored)) {
  for (const auto& [name, limit] :
       {std::pair("absolute", options.absolute), std::pair("relative", options.relative)}) {
    if (!(limit >= 0))
      detail::fail_argument("[Parity] {}: got {}, expected a number from 0", name, limit);
  }
}

HookScope Parity::attach(Transformer& model, RunContext&) {
  points_.clear();
  const auto& names = model->hooks().names();
  for (const auto& info : reference_->tensors()) {
    if (contains(names, info.name) || contains(ignored_, info.name)) continue;
    detail::fail_argument(
        "[Parity] the tensor '{}' is no hook point of this model; the nearest are {} ({})",
        info.name, fmt::join(detail::nearest(info.name, names), ", "), reference_->path().string());
  }
  for (const auto& name : names) {
    if (!reference_->contains(name)) continue;
    points_.push_back({.point = name,
                       .shape = reference_->info(name).shape,
                       .scale = scale_of(reference_->tensor(name))});
  }
  HookScope scope;
  for (auto& point : points_) {
    scope += model->hooks().add(
        point.point, [this, &point](const torch::Tensor& value) { compare(point, value); });
  }
  return scope;
}

void Parity::compare(TensorParity& point, const torch::Tensor& value) const {
  const auto whole = reference_->tensor(point.point);
  const int64_t first = point.rows, last = first + value.size(0);
  const bool reaches = whole.dim() > 0 && last <= whole.size(0);
  const auto expected = reaches ? whole.slice(0, first, last).to(torch::kDouble) : torch::Tensor();
  if (!reaches || !expected.sizes().equals(value.sizes())) {
    detail::fail_argument("[Parity] {}: got {} from row {} on, expected a part of {} ({})",
                          point.point, c10::str(value.sizes()), first, c10::str(whole.sizes()),
                          reference_->path().string());
  }
  point.rows = last;
  if (value.numel() == 0) return;  // no token was routed to this expert
  const auto got = value.to(torch::kCPU, torch::kDouble);
  const auto same = (got == expected).logical_or(at::isnan(got).logical_and(at::isnan(expected)));
  const auto allowed = options_.absolute + options_.relative * expected.abs();
  const auto difference = nan_to_infinity((got - expected).abs()).masked_fill(same, 0);
  const auto error = nan_to_infinity(difference / allowed).masked_fill(same, 0);
  point.outside += (error > 1).sum().item<int64_t>();
  point.largest_difference = std::max(point.largest_difference, difference.max().item<double>());
  const auto index = index_of_largest(error);
  const double largest = value_at(error, index);
  if (!point.worst.empty() && largest <= point.error) return;
  point.error = largest;
  point.worst = index;
  point.worst.front() += first;
  point.got = value_at(got, index);
  point.expected = value_at(expected, index);
}

}  // namespace spikesink
