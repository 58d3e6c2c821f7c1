#include "spikesink/measure/practice/not_finite.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <tuple>

#include "detail/fail.h"
#include "measure/core/serialize.h"
#include "spikesink/hooks/hook_names.h"

namespace spikesink {
namespace {

bool needs_matrices(std::string_view point) {
  return point.ends_with(hook_names::kScores) || point.ends_with(hook_names::kPattern);
}

// Returns the selected hook points without duplicates, in the order of the forward pass.
std::vector<std::string> selected_points(const HookRegistry& hooks,
                                         const std::vector<std::string>& patterns) {
  std::set<std::string> selected;
  for (const auto& pattern : patterns) {
    const auto names = hooks.matching_names(pattern);
    selected.insert(names.begin(), names.end());
  }
  std::vector<std::string> points;
  std::copy_if(hooks.names().begin(), hooks.names().end(), std::back_inserter(points),
               [&](const auto& name) {
                 return patterns.empty() ? !needs_matrices(name) : selected.contains(name);
               });
  return points;
}

// Values inside an expert have shape [tokens, d_mlp].
bool has_sequences(const torch::Tensor& value) {
  return value.dim() > 2;
}

bool any(const NotFiniteValues& values) {
  return values.nan + values.infinite > 0;
}

}  // namespace

HookScope NotFinite::attach(Transformer& model, RunContext& context) {
  points_.clear();
  for (const auto& name : selected_points(model->hooks(), patterns_)) points_.push_back({name});
  HookScope scope;
  for (size_t index = 0; index < points_.size(); ++index) {
    scope += model->hooks().add(points_[index].point,
                                [this, index, &context](const torch::Tensor& value) {
                                  if (value.is_floating_point())
                                    add(points_[index], value, context.batch().first_sequence);
                                });
  }
  return scope;
}

void NotFinite::add(NotFiniteValues& counted, const torch::Tensor& value, int64_t first_sequence) {
  const auto finite = at::isfinite(value);
  if (finite.all().item<bool>()) return;
  if (!any(counted) && has_sequences(value)) {
    const auto first = at::nonzero(finite.logical_not())[0].to(torch::kCPU).contiguous();
    const auto* index = first.data_ptr<int64_t>();
    counted.sequence = first_sequence + index[0];
    counted.index.assign(index + 1, index + first.size(0));
  }
  const auto nan = at::isnan(value).sum().item<int64_t>();
  counted.nan += nan;
  counted.infinite += value.numel() - finite.sum().item<int64_t>() - nan;
}

void NotFinite::merge(const NotFinite& other) {
  const auto same = [](const auto& a, const auto& b) { return a.point == b.point; };
  if (!std::equal(points_.begin(), points_.end(), other.points_.begin(), other.points_.end(),
                  same)) {
    detail::fail_argument("[NotFinite] cannot merge: got {} points, expected the same {}",
                          other.points_.size(), points_.size());
  }
  for (size_t at = 0; at < points_.size(); ++at) {
    auto& ours = points_[at];
    const auto& theirs = other.points_[at];
    const auto first_index = [](const NotFiniteValues& v) {
      return std::tuple(v.sequence, v.index);
    };
    if (any(theirs) && (!any(ours) || first_index(theirs) < first_index(ours))) {
      ours.sequence = theirs.sequence;
      ours.index = theirs.index;
    }
    ours.nan += theirs.nan;
    ours.infinite += theirs.infinite;
  }
}

NotFiniteResult NotFinite::result() const {
  NotFiniteResult result{patterns_, {}};
  std::copy_if(points_.begin(), points_.end(), std::back_inserter(result.points), any);
  return result;
}

template class Mergeable<NotFinite>;

}  // namespace spikesink
