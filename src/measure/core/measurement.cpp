#include "spikesink/measure/core/measurement.h"

#include <algorithm>
#include <limits>
#include <span>

#include "measure/core/waiting_states.h"

namespace spikesink {
namespace {

int64_t layers_to_run(const TransformerImpl& model, WeightGroup last) {
  return std::min(last.index, model.config().n_layers);
}

/// Runs batches through a model up to the weight group `last`. All batches go through one layer
/// before the next layer, so that the weights of each layer are loaded once.
class LayerByLayer {
 public:
  LayerByLayer(Transformer& model, std::span<const TokenBatch> batches, WeightGroup last,
               RunContext& context)
      : model_(model), batches_(batches), last_(last), context_(context) {}

  /// Calls `done` with the sequences of each batch after each layer.
  void run(const std::function<void(int64_t)>& done) {
    const auto* loader = model_->weight_loader();
    detail::WaitingStates waiting(batches_.size(), loader != nullptr
                                                       ? loader->max_hidden_state_memory()
                                                       : std::numeric_limits<int64_t>::max());
    std::vector<ForwardPass> passes;
    for_each_batch(WeightGroup::embedding(), [&](size_t batch) {
      passes.emplace_back(*model_, batches_[batch].ids.to(model_->options().device()),
                          ForwardOptions{.compute_logits = false});
      waiting.put(batch, std::move(passes[batch].hidden_states));
    });
    for (int64_t layer = 0; layer < layers_to_run(*model_, last_); ++layer) {
      for_each_batch(WeightGroup::layer(layer), [&](size_t batch) {
        passes[batch].hidden_states = waiting.take(batch);
        passes[batch].run_layer(layer);
        waiting.put(batch, std::move(passes[batch].hidden_states));
        done(batches_[batch].ids.size(0));
      });
    }
    if (last_ != WeightGroup::head(model_->config().n_layers)) return;
    for_each_batch(last_, [&](size_t batch) {
      passes[batch].hidden_states = waiting.take(batch);
      passes[batch].run_head();
    });
  }

 private:
  template <typename Step>
  void for_each_batch(WeightGroup group, Step step) {
    const auto pinned = model_->pin_weights(group);
    for (size_t batch = 0; batch < batches_.size(); ++batch) {
      context_.set_batch(batches_[batch]);
      step(batch);
    }
  }

  Transformer& model_;
  std::span<const TokenBatch> batches_;
  WeightGroup last_;
  RunContext& context_;
};

void run_batches(Transformer& model, const TokenBatches& batches,
                 const std::vector<Measurement*>& measurements, WeightGroup last,
                 const ProgressCallback& progress) {
  const torch::NoGradGuard no_grad;
  RunContext context;
  HookScope scope;
  for (auto* measurement : measurements) scope += measurement->attach(model, context);
  int64_t total = 0, done = 0;
  for (const auto& batch : batches) total += batch.ids.size(0);
  total *= layers_to_run(*model, last);
  const auto count = [&](int64_t sequences) {
    done += sequences;
    if (progress) progress(done, total);
  };
  const size_t batches_per_pass = model->weight_loader() != nullptr ? batches.size() : 1;
  for (size_t first = 0; first < batches.size(); first += batches_per_pass)
    LayerByLayer(model, std::span(batches).subspan(first, batches_per_pass), last, context)
        .run(count);
}

[[noreturn]] void fail_not_serializable() {
  throw std::logic_error("[Measurement] this measurement type is not serializable");
}

}  // namespace

const StateScan& RunContext::scan(const torch::Tensor& state) {
  if (!scanned_.is_same(state)) {
    scan_.scan(state);
    scanned_ = state;
  }
  return scan_;
}

std::string Measurement::serialize() const {
  fail_not_serializable();
}

void Measurement::deserialize(std::string_view) {
  fail_not_serializable();
}

void Measurement::merge_serialized(std::string_view) {
  fail_not_serializable();
}

TokenBatches batches_for_rank(const TokenBatches& batches, int64_t rank, int64_t count) {
  int64_t total = 0;
  for (const auto& batch : batches) total += batch.ids.size(0);
  const auto [first, last] = rank_range(total, rank, count);
  TokenBatches result;
  int64_t begin = 0;  // index of the batch's first sequence among all sequences
  for (const auto& batch : batches) {
    const int64_t from = std::max<int64_t>(0, first - begin);
    const int64_t to = std::min(batch.ids.size(0), last - begin);
    begin += batch.ids.size(0);
    if (from >= to) continue;
    result.push_back(batch);
    result.back().ids = batch.ids.slice(0, from, to);
    result.back().first_sequence += from;
  }
  return result;
}

void run(Transformer& model, const TokenBatches& batches,
         const std::vector<Measurement*>& measurements, const RunOptions& options) {
  auto last = WeightGroup::head(model->config().n_layers);
  if (options.stop_after) {
    model->check_block(*options.stop_after);
    last = WeightGroup::layer(options.stop_after->layer());
  }
  auto* processes = options.processes;
  if (processes == nullptr) {
    run_batches(model, batches, measurements, last, options.progress);
    return;
  }
  run_batches(model, batches_for_rank(batches, processes->rank(), processes->world_size()),
              measurements, last, [&](int64_t done, int64_t total) {
                processes->check_alive();
                if (options.progress) options.progress(done, total);
              });
  for (auto* measurement : measurements) {
    const auto states = processes->all_gather(measurement->serialize());
    measurement->deserialize(states.front());
    for (size_t rank = 1; rank < states.size(); ++rank) measurement->merge_serialized(states[rank]);
  }
}

}  // namespace spikesink
