#include "spikesink/measure/spikes/sparse_constants.h"

#include <algorithm>

#include "detail/fail.h"
#include "measure/core/expect_same.h"
#include "measure/core/serialize.h"
#include "measure/spikes/add_vectors.h"
#include "measure/spikes/stream_norms.h"

namespace spikesink {

HookScope SparseConstants::attach(Transformer& model, RunContext& context) {
  if (options_.top < 1)
    detail::fail_argument("[SparseConstants] top: got {}, expected at least one channel",
                          options_.top);
  d_model_ = model->config().d_model;
  norms_.clear();
  const auto norms = detail::stream_norms(*model);
  for (const auto& norm : norms) norms_.push_back({norm.name, norm.after_block, {}, {}});
  HookScope scope;
  const auto add_hook = [&](const std::string& point, Groups& groups) {
    scope += model->hooks().add(point, [this, &groups, &context](const torch::Tensor& vectors) {
      detail::add_vectors(vectors, spike_positions_.mask(context.batch()), options_.top, groups);
    });
  };
  for (size_t index = 0; index < norms.size(); ++index) {
    add_hook(norms[index].input, norms_[index].before);
    add_hook(norms[index].normalized_point(), norms_[index].after);
  }
  return scope;
}

void SparseConstants::merge(const SparseConstants& other) {
  detail::expect_same("SparseConstants", "top", other.options_.top, options_.top);
  const auto same = [](const NormSums& a, const NormSums& b) { return a.name == b.name; };
  if (d_model_ != other.d_model_ ||
      !std::equal(norms_.begin(), norms_.end(), other.norms_.begin(), other.norms_.end(), same)) {
    detail::fail_argument(
        "[SparseConstants] cannot merge: got {} norms of {} channels, expected the same {} of {}",
        other.norms_.size(), other.d_model_, norms_.size(), d_model_);
  }
  for (size_t index = 0; index < norms_.size(); ++index) {
    for (size_t group = 0; group < norms_[index].before.size(); ++group) {
      norms_[index].before[group].merge(other.norms_[index].before[group]);
      norms_[index].after[group].merge(other.norms_[index].after[group]);
    }
  }
}

SparseConstantsResult SparseConstants::result() const {
  SparseConstantsResult result{options_, d_model_, {}};
  const auto summary = [](const Groups& groups) {
    return TokenGroupSummaries{.spike = groups[1].summary(), .ordinary = groups[0].summary()};
  };
  for (const auto& norm : norms_)
    result.norms.push_back(
        {norm.name, norm.after_block, summary(norm.before), summary(norm.after)});
  return result;
}

template class Mergeable<SparseConstants>;

}  // namespace spikesink
