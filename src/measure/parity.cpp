#include "spikesink/measure/parity.h"

#include <algorithm>
#include <cmath>

#include "detail/fail.h"

namespace spikesink {
namespace {

// The indices of the largest value; NaN, which agrees with nothing, is the largest of all.
std::vector<int64_t> place_of_largest(const torch::Tensor& error) {
  auto rest = at::nan_to_num(error, INFINITY).argmax().item<int64_t>();
  std::vector<int64_t> place(error.dim());
  for (int64_t axis = error.dim() - 1; axis >= 0; --axis) {
    place[axis] = rest % error.size(axis);
    rest /= error.size(axis);
  }
  return place;
}

double value_at(torch::Tensor tensor, const std::vector<int64_t>& place) {
  for (const int64_t index : place) tensor = tensor[index];
  return tensor.item<double>();
}

// Root mean square of the numbers that are finite.
double scale_of(const torch::Tensor& tensor) {
  const auto finite = tensor.to(torch::kDouble).masked_select(at::isfinite(tensor));
  return finite.numel() == 0 ? 0 : std::sqrt(finite.square().mean().item<double>());
}

}  // namespace

Parity::Parity(std::shared_ptr<const WeightSource> reference, ParityOptions options,
               std::vector<std::string> ignored)
    : reference_(std::move(reference)), options_(options), ignored_(std::move(ignored)) {}

HookScope Parity::begin(Transformer& model, RunContext& context) {
  points_.clear();
  for (const auto& info : reference_->tensors()) {
    if (std::find(ignored_.begin(), ignored_.end(), info.name) == ignored_.end())
      model->hooks().matching(info.name);  // says which are near when there is no such point
  }
  for (const auto& name : model->hooks().names()) {
    if (!reference_->contains(name)) continue;
    points_.push_back({.point = name,
                       .shape = reference_->info(name).shape,
                       .scale = scale_of(reference_->tensor(name))});
  }
  HookScope scope;
  for (size_t index = 0; index < points_.size(); ++index) {
    scope += model->hooks().add(points_[index].point,
                                [this, index, &context](const torch::Tensor& value) {
                                  compare(points_[index], value, context.batch().first_sequence);
                                });
  }
  return scope;
}

void Parity::compare(TensorParity& point, const torch::Tensor& value,
                     int64_t first_sequence) const {
  const auto whole = reference_->tensor(point.point);
  const int64_t last = first_sequence + value.size(0);
  const auto expected = last <= whole.size(0)
                            ? whole.slice(0, first_sequence, last).to(torch::kDouble)
                            : torch::Tensor();
  if (!expected.defined() || !expected.sizes().equals(value.sizes())) {
    detail::fail_argument("[Parity] {}: got {} for sequences {} to {}, expected a part of {} ({})",
                          point.point, c10::str(value.sizes()), first_sequence, last - 1,
                          c10::str(whole.sizes()), reference_->path().string());
  }
  const auto got = value.to(torch::kCPU, torch::kDouble);
  const auto same = (got == expected).logical_or(at::isnan(got).logical_and(at::isnan(expected)));
  const auto difference = (got - expected).abs().masked_fill(same, 0);
  const auto error = difference / (options_.absolute + options_.relative * expected.abs());
  const auto place = place_of_largest(error);
  const double largest = value_at(error, place);
  point.outside += (error <= 1).logical_not().sum().item<int64_t>();
  point.largest_difference =
      std::max(point.largest_difference, at::nan_to_num(difference, INFINITY).max().item<double>());
  if (!point.worst.empty() && largest <= point.error) return;
  point.error = std::isnan(largest) ? INFINITY : largest;
  point.worst = place;
  point.worst.front() += first_sequence;
  point.got = value_at(got, place);
  point.expected = value_at(expected, place);
}

}  // namespace spikesink
