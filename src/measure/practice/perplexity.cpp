#include "spikesink/measure/practice/perplexity.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "detail/fail.h"
#include "measure/core/serialize.h"
#include "measure/practice/cross_entropy.h"
#include "spikesink/hooks/hook_names.h"

namespace spikesink {
namespace {

// Logits are computed in blocks of kRows tokens x kColumns vocabulary entries. A block fits in the
// cache (8 MB in float32) and is large enough for a fast matrix product.
constexpr int64_t kRows = 1024, kColumns = 2048;

std::vector<double> losses_of(const TransformerImpl& model, const torch::Tensor& states,
                              const torch::Tensor& targets) {
  detail::CrossEntropy entropy(targets);
  for (int64_t first = 0; first < model.config().d_vocabulary; first += kColumns) {
    entropy.add(
        model.unembed(states, first, std::min(first + kColumns, model.config().d_vocabulary)),
        first);
  }
  return entropy.losses();
}

std::vector<double> losses_of(const torch::Tensor& logits, const torch::Tensor& targets) {
  detail::CrossEntropy entropy(targets);
  entropy.add(logits);
  return entropy.losses();
}

// Returns the target of each position, [B, T]. -1: no prediction is evaluated (last position,
// prefix).
torch::Tensor next_tokens(const TokenBatch& batch) {
  auto targets = batch.ids.roll(-1, 1);
  targets.select(1, -1).fill_(-1);
  targets.slice(1, 0, batch.prefix_length).fill_(-1);
  return targets;
}

double perplexity_of(const SequenceLoss& total) {
  const double loss = total.loss / static_cast<double>(total.tokens);
  return std::exp(std::isnan(loss) ? std::numeric_limits<double>::quiet_NaN() : loss);
}

void add_to(SequenceLoss& total, const SequenceLoss& sequence) {
  total.loss += sequence.loss;
  total.tokens += sequence.tokens;
}

}  // namespace

HookScope Perplexity::attach(Transformer& model, RunContext& context) {
  if (!model->config().is_causal_lm()) {
    detail::fail_argument(
        "[Perplexity] a {} does not predict the next token, expected a decoder with an unembedding",
        model->config().model_type);
  }
  sequences_.clear();
  by_position_.clear();
  const bool logits_are_computed = model->hooks().has_hooks(hook_names::kUnembedOut);
  const auto point = logits_are_computed ? hook_names::kUnembedOut : hook_names::kUnembedIn;
  return model->hooks().add(
      point, [this, logits_are_computed, &model, &context](const torch::Tensor& value) {
        const auto targets = next_tokens(context.batch());
        const auto rows = value.flatten(0, 1);  // [B * T, d_model or d_vocabulary]
        const auto wanted = targets.flatten();
        std::vector<double> losses;
        for (int64_t first = 0; first < rows.size(0); first += kRows) {
          const auto part = rows.slice(0, first, first + kRows);
          const auto next = wanted.slice(0, first, first + kRows);
          const auto block_losses =
              logits_are_computed ? losses_of(part, next) : losses_of(*model, part, next);
          losses.insert(losses.end(), block_losses.begin(), block_losses.end());
        }
        add(losses, targets, context.batch().prefix_length);
      });
}

// losses [B * T], targets [B, T].
void Perplexity::add(const std::vector<double>& losses, const torch::Tensor& targets,
                     int64_t prefix) {
  const int64_t length = targets.size(1);
  const auto wanted = targets.accessor<int64_t, 2>();
  by_position_.resize(std::max<size_t>(by_position_.size(), length - prefix));
  for (int64_t row = 0; row < targets.size(0); ++row) {
    auto& sequence = sequences_.emplace_back();
    for (int64_t position = 0; position < length; ++position) {
      if (wanted[row][position] < 0) continue;
      const double loss = losses[row * length + position];
      add_to(sequence, {loss, 1});
      by_position_[position + 1 - prefix].add(loss);
    }
  }
}

void Perplexity::merge(const Perplexity& other) {
  sequences_.insert(sequences_.end(), other.sequences_.begin(), other.sequences_.end());
  by_position_.resize(std::max(by_position_.size(), other.by_position_.size()));
  for (size_t position = 0; position < other.by_position_.size(); ++position)
    by_position_[position].merge(other.by_position_[position]);
}

PerplexityResult Perplexity::result() const {
  SequenceLoss total;
  for (const auto& sequence : sequences_) add_to(total, sequence);
  const double perplexity = perplexity_of(total);
  const double mean =
      std::isnan(perplexity) ? perplexity : total.loss / static_cast<double>(total.tokens);
  return {mean, perplexity, total.tokens, sequences_, by_position_};
}

std::pair<double, double> PerplexityResult::interval(uint64_t seed, int64_t draws) const {
  if (tokens == 0 || draws < 1 || std::isnan(mean_loss))
    return {perplexity_of({}), perplexity_of({})};
  std::mt19937_64 random(seed);
  std::vector<double> drawn;
  for (int64_t draw = 0; draw < draws; ++draw) {
    SequenceLoss total;
    for (size_t i = 0; i < sequences.size(); ++i)
      add_to(total, sequences[random() % sequences.size()]);
    if (total.tokens > 0) drawn.push_back(perplexity_of(total));
  }
  if (drawn.empty()) return {perplexity_of({}), perplexity_of({})};
  std::sort(drawn.begin(), drawn.end());
  const auto at = [&](double share) {
    return drawn[std::lround(share * static_cast<double>(drawn.size() - 1))];
  };
  return {at(0.025), at(0.975)};
}

template class Mergeable<Perplexity>;

}  // namespace spikesink
