#include "spikesink/measure/core/measurement.h"

#include <algorithm>
#include <limits>
#include <span>

#include "measure/core/waiting_states.h"

namespace spikesink {
namespace {

int64_t layers_until(const TransformerImpl& model, ModelPart last) {
  return std::min(last.number, model.config().n_layers);
}

/// Takes batches through a model up to some part, all of them through a layer before the next, so
/// that its weights need be there once.
class LayerByLayer {
 public:
  LayerByLayer(Transformer& model, std::span<const TokenBatch> batches, ModelPart last,
               RunContext& context)
      : model_(model), batches_(batches), last_(last), context_(context) {}

  /// `done` is called with the sequences of each batch after each layer.
  void go(const std::function<void(int64_t)>& done) {
    const auto* supply = model_->weight_supply();
    detail::WaitingStates waiting(batches_.size(), supply != nullptr
                                                       ? supply->room_for_states()
                                                       : std::numeric_limits<int64_t>::max());
    std::vector<ForwardPass> passes(batches_.size());
    each(ModelPart::embedding(), [&](size_t batch) {
      passes[batch] = model_->begin(batches_[batch].ids.to(model_->options().device()));
      waiting.put(batch, std::move(passes[batch].stream));
    });
    for (int64_t layer = 0; layer < layers_until(*model_, last_); ++layer) {
      each(ModelPart::layer(layer), [&](size_t batch) {
        passes[batch].stream = waiting.take(batch);
        model_->advance(passes[batch], layer);
        waiting.put(batch, std::move(passes[batch].stream));
        done(batches_[batch].ids.size(0));
      });
    }
    if (last_.number != ModelPart::head(model_->config().n_layers).number) return;
    each(last_, [&](size_t batch) {
      passes[batch].stream = waiting.take(batch);
      model_->end(passes[batch]);
    });
  }

 private:
  template <typename Step>
  void each(ModelPart part, Step step) {
    const auto held = model_->hold(part);
    for (size_t batch = 0; batch < batches_.size(); ++batch) {
      context_.enter(batches_[batch]);
      step(batch);
    }
  }

  Transformer& model_;
  std::span<const TokenBatch> batches_;
  ModelPart last_;
  RunContext& context_;
};

void run_to(ModelPart last, Transformer& model, const TokenBatches& batches,
            const std::vector<Measurement*>& measurements, const Progress& progress) {
  const torch::NoGradGuard no_grad;
  RunContext context;
  HookScope scope;
  for (auto* measurement : measurements) scope += measurement->begin(model, context);
  int64_t total = 0, done = 0;
  for (const auto& batch : batches) total += batch.ids.size(0);
  total *= layers_until(*model, last);
  const auto count = [&](int64_t sequences) {
    done += sequences;
    if (progress) progress(done, total);
  };
  const size_t together = model->weight_supply() != nullptr ? batches.size() : 1;
  for (size_t first = 0; first < batches.size(); first += together)
    LayerByLayer(model, std::span(batches).subspan(first, together), last, context).go(count);
}

[[noreturn]] void refuse_state() {
  throw std::logic_error("[Measurement] this kind cannot be told to another process");
}

}  // namespace

const StateScan& RunContext::scan(const torch::Tensor& state) {
  if (!scanned_.is_same(state)) {
    scan_.read(state);
    scanned_ = state;
  }
  return scan_;
}

std::string Measurement::state() const {
  refuse_state();
}

void Measurement::set_state(std::string_view) {
  refuse_state();
}

void Measurement::merge_state(std::string_view) {
  refuse_state();
}

TokenBatches share_of(const TokenBatches& batches, int64_t rank, int64_t count) {
  int64_t total = 0;
  for (const auto& batch : batches) total += batch.ids.size(0);
  const auto [first, last] = share_of(total, rank, count);
  TokenBatches share;
  int64_t begin = 0;  // of the batch, among all sequences
  for (const auto& batch : batches) {
    const int64_t from = std::max<int64_t>(0, first - begin);
    const int64_t to = std::min(batch.ids.size(0), last - begin);
    begin += batch.ids.size(0);
    if (from >= to) continue;
    share.push_back(batch);
    share.back().ids = batch.ids.slice(0, from, to);
    share.back().first_sequence += from;
  }
  return share;
}

void run(Transformer& model, const TokenBatches& batches,
         const std::vector<Measurement*>& measurements, const Progress& progress,
         Processes* processes) {
  const auto head = ModelPart::head(model->config().n_layers);
  if (processes == nullptr) {
    run_to(head, model, batches, measurements, progress);
    return;
  }
  run_to(head, model, share_of(batches, processes->rank(), processes->count()), measurements,
         [&](int64_t done, int64_t total) {
           processes->check();
           if (progress) progress(done, total);
         });
  for (auto* measurement : measurements) {
    const auto states = processes->gather(measurement->state());
    measurement->set_state(states.front());
    for (size_t rank = 1; rank < states.size(); ++rank) measurement->merge_state(states[rank]);
  }
}

void run_until(Transformer& model, const TokenBatches& batches,
               const std::vector<Measurement*>& measurements, Block last,
               const Progress& progress) {
  model->check(last);
  run_to(ModelPart::layer(last.layer()), model, batches, measurements, progress);
}

}  // namespace spikesink
