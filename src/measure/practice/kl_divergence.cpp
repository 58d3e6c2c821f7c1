#include "spikesink/measure/practice/kl_divergence.h"

#include "detail/dtype.h"
#include "detail/fail.h"
#include "measure/core/serialize.h"
#include "spikesink/hooks/hook_names.h"

namespace spikesink {
namespace {

// Number of tokens per step. Two distributions need 2 x 25 MB for a vocabulary of 100,000.
constexpr int64_t kTokens = 64;

// States [N, d] of the reference p and the model q -> sum p log(p / q), [N].
torch::Tensor divergences(const TransformerImpl& model, const torch::Tensor& p,
                          const torch::Tensor& q) {
  const auto dtype = detail::at_least_float(p.scalar_type());
  const auto log_p = at::log_softmax(model.unembed(p), -1, dtype);
  const auto log_q = at::log_softmax(model.unembed(q), -1, dtype);
  return (log_p.exp() * (log_p - log_q)).sum(-1, /*keepdim=*/false, torch::kDouble);
}

}  // namespace

HookScope FinalStates::attach(Transformer& model, RunContext& context) {
  states_.clear();
  return model->hooks().add(hook_names::kUnembedIn, [this, &context](const torch::Tensor& states) {
    states_.push_back(states.slice(1, context.batch().prefix_length));
  });
}

HookScope KlDivergence::attach(Transformer& model, RunContext& context) {
  batch_ = 0;
  values_ = {};
  return model->hooks().add(hook_names::kUnembedIn,
                            [this, &model, &context](const torch::Tensor& states) {
                              add(*model, states, context.batch().prefix_length);
                            });
}

void KlDivergence::add(const TransformerImpl& model, const torch::Tensor& states, int64_t prefix) {
  const auto ours = states.slice(1, prefix);
  if (batch_ >= reference_.states().size() ||
      !reference_.states()[batch_].sizes().equals(ours.sizes()))
    detail::fail_argument("[KlDivergence] batch {} of {} is not in the reference pass", batch_,
                          c10::str(ours.sizes()));
  const auto without_last = [](const torch::Tensor& all) {
    return all.slice(1, 0, all.size(1) - 1).flatten(0, 1);  // the last token has no target
  };
  const auto p = without_last(reference_.states()[batch_++]), q = without_last(ours);
  for (int64_t first = 0; first < p.size(0); first += kTokens) {
    const auto values =
        divergences(model, p.slice(0, first, first + kTokens), q.slice(0, first, first + kTokens))
            .cpu();
    for (int64_t row = 0; row < values.size(0); ++row) values_.add(values[row].item<double>());
  }
}

template class Mergeable<KlDivergence>;

}  // namespace spikesink
