#include "spikesink/measure/weights/vocabulary_probe.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <numeric>

#include "detail/fail.h"
#include "measure/core/sort_by.h"
#include "measure/spikes/direction_cosines.h"
#include "model/require_attention.h"
#include "spikesink/hooks/hook_names.h"
#include "spikesink/measure/core/per_batch.h"
#include "spikesink/model/fold_norm.h"

namespace spikesink {
namespace {

torch::Tensor cosines(const torch::Tensor& states, const torch::Tensor& direction) {
  return detail::cosines_with(states, direction).to(torch::kCPU, torch::kDouble);
}

void add_to(RunningMean& mean, const torch::Tensor& values) {
  const auto* value = values.data_ptr<double>();
  for (int64_t index = 0; index < values.numel(); ++index) {
    if (std::isfinite(value[index])) mean.add(value[index]);
  }
}

// Measures the last token of every sequence: the probed entry.
class Probe : public Measurement {
 public:
  Probe(Block block, const VocabularyProbeOptions& options) : options_(options) {
    result_.block = block;
    result_.position = static_cast<int64_t>(options.prefix.size());
    if (!options.trigger.defined()) return;
    for (int64_t number = 0; number < block.number; ++number)
      result_.course.push_back({Block{number}, {}, {}});
  }

  HookScope attach(Transformer& model, RunContext& context) override {
    auto scope = add_alignment_hooks(*model, context);
    scope += model->hooks().add(model->hidden_state_hook_name(result_.block),
                                [this, &context](const torch::Tensor& states) {
                                  add_states(context.batch(), states.select(1, -1));
                                });
    return scope;
  }

  VocabularyProbeResult result() {
    result_.options = options_;
    result_.spike = options_.spike;
    if (result_.spike == 0) {
      for (const auto& entry : result_.entries)
        result_.spike = std::max(result_.spike, entry.magnitude);
    }
    for (auto& entry : result_.entries) {
      entry.spikes = entry.magnitude > options_.least_magnitude &&
                     entry.magnitude >= options_.least_share * result_.spike;
      result_.spiking += entry.spikes;
    }
    return std::move(result_);
  }

 private:
  HookScope add_alignment_hooks(TransformerImpl& model, RunContext& context) {
    const bool skips_attention = model.config().residual != ResidualForm::kSequential &&
                                 result_.block.kind() == BlockKind::kFeedForward;
    const int64_t input_block = result_.block.number - (skips_attention ? 2 : 1);
    HookScope scope;
    for (auto& alignment : result_.course) {
      const bool embedding = alignment.block.number == 0;
      const auto point = embedding ? hook_names::layer_hook_name(0, hook_names::kResidPre)
                                   : model.hidden_state_hook_name(alignment.block);
      scope += model.hooks().add(
          point, [this, input_block, &alignment, &context](const torch::Tensor& state) {
            const auto cosine = cosines(state.select(1, -1), options_.trigger);
            add_to(alignment.state, cosine);
            if (alignment.block.number == input_block) cosines_.insert(context.batch(), cosine);
          });
      if (embedding) continue;
      scope += model.hooks().add(
          alignment.block.output_hook_name(), [this, &alignment](const torch::Tensor& output) {
            add_to(alignment.output, cosines(output.select(1, -1), options_.trigger));
          });
    }
    return scope;
  }

  void add_states(const TokenBatch& batch, const torch::Tensor& states) {
    const auto cosine = options_.trigger.defined() ? cosines_.at(batch) : torch::Tensor();
    const auto magnitudes = states.to(torch::kCPU, torch::kDouble).abs();
    const auto [peaks, channels] = magnitudes.masked_fill(~magnitudes.isfinite(), 0).max(1);
    const auto ids = batch.ids.select(1, -1).contiguous();
    for (int64_t row = 0; row < ids.size(0); ++row) {
      result_.entries.push_back({.id = ids.data_ptr<int64_t>()[row],
                                 .magnitude = peaks.data_ptr<double>()[row],
                                 .channel = channels.data_ptr<int64_t>()[row],
                                 .cosine = cosine.defined() ? cosine.data_ptr<double>()[row] : 0});
    }
    cosines_.erase(batch);
  }

  const VocabularyProbeOptions& options_;
  PerBatch<torch::Tensor> cosines_;  // [n] float64, of the input state of the block
  VocabularyProbeResult result_;
};

// Returns batches of sequences: the prefix, then one entry.
TokenBatches batches_to_probe(const Transformer& model, const VocabularyProbeOptions& options) {
  const auto ids = options.entries.empty() ? at::arange(model->config().d_vocabulary, torch::kLong)
                                           : torch::tensor(options.entries, torch::kLong);
  const auto prefix =
      torch::tensor(options.prefix, torch::kLong).unsqueeze(0).expand({ids.size(0), -1});
  const auto sequences = at::cat({prefix, ids.unsqueeze(1)}, 1);
  const int64_t rows = std::max<int64_t>(1, options.max_batch_tokens / sequences.size(1));
  TokenBatches batches;
  for (int64_t first = 0; first < ids.size(0); first += rows)
    batches.push_back({sequences.slice(0, first, first + rows), first});
  return batches;
}

}  // namespace

double VocabularyProbeResult::percent() const {
  if (entries.empty()) return std::numeric_limits<double>::quiet_NaN();
  return 100.0 * static_cast<double>(spiking) / static_cast<double>(entries.size());
}

std::vector<ProbedEntry> VocabularyProbeResult::minority_entries() const {
  const bool most_spike = 2 * spiking > static_cast<int64_t>(entries.size());
  std::vector<ProbedEntry> found;
  std::copy_if(entries.begin(), entries.end(), std::back_inserter(found),
               [&](const ProbedEntry& entry) { return entry.spikes != most_spike; });
  detail::sort_by(found, [](const ProbedEntry& entry) { return -entry.magnitude; });
  return found;
}

VocabularyProbeResult vocabulary_probe(Transformer& model, Block block,
                                       const VocabularyProbeOptions& options,
                                       const ProgressCallback& progress) {
  if (options.trigger.defined() && options.trigger.numel() != model->config().d_model) {
    detail::fail_argument("[vocabulary_probe] trigger: got {} numbers, expected {}",
                          options.trigger.numel(), model->config().d_model);
  }
  Probe probe(block, options);
  run(model, batches_to_probe(model, options), {&probe},
      {.progress = progress, .stop_after = block});
  return probe.result();
}

torch::Tensor ov_matrix(const Transformer& model, int64_t layer) {
  const torch::NoGradGuard no_grad;
  const auto& config = model->config();
  if (layer < 0 || layer >= config.n_layers)
    detail::fail_argument("[ov_matrix] layer: got {}, expected 0 to {}", layer,
                          config.n_layers - 1);
  detail::require_attention("ov_matrix", config, layer);
  if (config.latent.kv_rank > 0)
    detail::fail_argument(
        "[ov_matrix] model: got latent attention, whose values are no linear map of the input");
  const auto pinned = model->pin_weights(WeightGroup::layer(layer));
  const auto& block = model->layers[layer];
  const auto values = fold_norm(block->attention_norms.input,
                                block->attn->v->weight);  // [K * d_value, d_model]
  const auto per_head =
      values.view({config.n_key_value_heads, config.value_width(), config.d_model})
          .repeat_interleave(config.n_heads / config.n_key_value_heads, 0)
          .flatten(0, 1);  // [H * d_value, d_model]
  const auto map = at::matmul(block->attn->o->weight.to(values.scalar_type()), per_head);
  return config.residual_multiplier == 1 ? map : map * config.residual_multiplier;
}

}  // namespace spikesink
