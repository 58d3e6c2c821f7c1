#include "spikesink/measure/spikes/sparse_constants.h"

#include <algorithm>

#include "detail/fail.h"
#include "measure/core/expect_same.h"
#include "measure/core/serialize.h"
#include "measure/spikes/add_vectors.h"
#include "spikesink/hooks/hook_names.h"

namespace spikesink {

using namespace hook_names;

namespace {

// A norm and its input: the hook point, and the number of the block before it.
struct NormInput {
  std::string norm;
  std::string point;
  int64_t after_block;
};

std::string normalized_point(const std::string& norm) {
  return norm + "." + std::string(kNormalized);
}

// Returns the norms of a layer in the order of LayerImpl::forward. Not all of them exist in every
// model.
std::vector<NormInput> norms_of_layer(const ModelConfig& config, int64_t layer) {
  const auto ln1 = layer_hook_name(layer, "ln1"), ln2 = layer_hook_name(layer, "ln2");
  const auto pre = layer_hook_name(layer, kResidPre), mid = layer_hook_name(layer, kResidMid);
  const int64_t before = 2 * layer;
  if (config.norm_placement == NormPlacement::kPost)
    return {{ln1, mid, before + 1}, {ln2, layer_hook_name(layer, kResidPost), before + 2}};
  if (config.residual == ResidualForm::kSequential)
    return {{ln1, pre, before}, {ln2, mid, before + 1}};
  return {{ln1, pre, before}, {ln2, pre, before}};
}

std::vector<NormInput> stream_norms(const Transformer& model) {
  std::vector<NormInput> norms;
  for (int64_t layer = 0; layer < model->config().n_layers; ++layer) {
    const auto layer_norms = norms_of_layer(model->config(), layer);
    norms.insert(norms.end(), layer_norms.begin(), layer_norms.end());
  }
  const Block last{2 * model->config().n_layers};
  norms.push_back({"ln_final", model->hidden_state_hook_name(last), last.number});
  const auto& names = model->hooks().names();
  const auto missing = [&](const NormInput& norm) {
    return std::find(names.begin(), names.end(), normalized_point(norm.norm)) == names.end();
  };
  norms.erase(std::remove_if(norms.begin(), norms.end(), missing), norms.end());
  return norms;
}

}  // namespace

HookScope SparseConstants::attach(Transformer& model, RunContext& context) {
  if (options_.top < 1)
    detail::fail_argument("[SparseConstants] top: got {}, expected at least one channel",
                          options_.top);
  d_model_ = model->config().d_model;
  norms_.clear();
  const auto inputs = stream_norms(model);
  for (const auto& input : inputs) norms_.push_back({input.norm, input.after_block, {}, {}});
  HookScope scope;
  const auto add_hook = [&](const std::string& point, Groups& groups) {
    scope += model->hooks().add(point, [this, &groups, &context](const torch::Tensor& vectors) {
      detail::add_vectors(vectors, spike_positions_.mask(context.batch()), options_.top, groups);
    });
  };
  for (size_t index = 0; index < inputs.size(); ++index) {
    add_hook(inputs[index].point, norms_[index].before);
    add_hook(normalized_point(inputs[index].norm), norms_[index].after);
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
