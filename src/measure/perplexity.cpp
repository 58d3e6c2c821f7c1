#include "spikesink/measure/perplexity.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "detail/fail.h"
#include "measure/cross_entropy.h"
#include "spikesink/hooks/hook_names.h"

namespace spikesink {
namespace {

// Logits exist for this many tokens and entries of the vocabulary at a time: few enough to stay in
// a cache (8 MB in float32), enough to keep the matrix product fast.
constexpr int64_t kRows = 1024, kColumns = 2048;

double cross_entropy(const TransformerImpl& model, const torch::Tensor& states,
                     const torch::Tensor& targets) {
  detail::CrossEntropy entropy(targets);
  for (int64_t first = 0; first < model.config().d_vocabulary; first += kColumns) {
    entropy.add(
        model.logits(states, first, std::min(first + kColumns, model.config().d_vocabulary)),
        first);
  }
  return entropy.sum();
}

double cross_entropy(const torch::Tensor& logits, const torch::Tensor& targets) {
  detail::CrossEntropy entropy(targets);
  entropy.add(logits);
  return entropy.sum();
}

// The next token of each place, -1 at the end of each sequence. ids [B, T] -> [B * T].
torch::Tensor next_tokens(const torch::Tensor& ids) {
  auto targets = ids.roll(-1, 1);
  targets.select(1, -1).fill_(-1);
  return targets.flatten();
}

}  // namespace

HookScope Perplexity::begin(Transformer& model, RunContext& context) {
  if (!model->config().predicts_next()) {
    detail::fail_argument(
        "[Perplexity] a {} does not predict the next token, expected a decoder with an unembedding",
        model->config().model_type);
  }
  loss_ = 0;
  tokens_ = 0;
  const bool logits_are_formed = model->hooks().watched(hook_names::kUnembedOut);
  const auto point = logits_are_formed ? hook_names::kUnembedOut : hook_names::kUnembedIn;
  return model->hooks().add(
      point, [this, logits_are_formed, &model, &context](const torch::Tensor& value) {
        const auto targets = next_tokens(context.batch().ids);
        const auto rows = value.flatten(0, 1);  // [B * T, d_model or d_vocabulary]
        for (int64_t first = 0; first < rows.size(0); first += kRows) {
          const auto part = rows.slice(0, first, first + kRows);
          const auto wanted = targets.slice(0, first, first + kRows);
          loss_ +=
              logits_are_formed ? cross_entropy(part, wanted) : cross_entropy(*model, part, wanted);
        }
        tokens_ += (targets >= 0).sum().item<int64_t>();
      });
}

void Perplexity::merge(const Perplexity& other) {
  loss_ += other.loss_;
  tokens_ += other.tokens_;
}

PerplexityResult Perplexity::result() const {
  const double loss = loss_ / static_cast<double>(tokens_);
  const double mean = std::isnan(loss) ? std::numeric_limits<double>::quiet_NaN()
                                       : loss;  // a NaN without sign, to be printed
  return {mean, std::exp(mean), tokens_};
}

}  // namespace spikesink
