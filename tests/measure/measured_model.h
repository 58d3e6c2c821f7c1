#pragma once

#include <gtest/gtest.h>

#include <map>
#include <tuple>
#include <utility>

#include "spikesink/hooks/activation_cache.h"
#include "spikesink/measure/core/measurement.h"
#include "spikesink/measure/core/running_state.h"
#include "tiny_model.h"

namespace spikesink {

inline constexpr int64_t kSequences = 6, kLength = 20;

/// A hook that adds to one channel of one position of every sequence.
inline Hook push(int64_t position, int64_t channel, double amount) {
  return [=](const torch::Tensor& x) {
    auto pushed = x.clone();
    pushed.select(1, position).select(1, channel) += amount;
    return pushed;
  };
}

inline void expect_same(const StateSummary& a, const StateSummary& b) {
  EXPECT_EQ(a.channel_max, b.channel_max);
  EXPECT_EQ(a.median, b.median);
  EXPECT_EQ(a.not_finite, b.not_finite);
  ASSERT_EQ(a.top.size(), b.top.size());
  for (size_t rank = 0; rank < a.top.size(); ++rank) {
    EXPECT_EQ(std::tie(a.top[rank].channel, a.top[rank].magnitude, a.top[rank].sequence,
                       a.top[rank].position),
              std::tie(b.top[rank].channel, b.top[rank].magnitude, b.top[rank].sequence,
                       b.top[rank].position));
  }
}

/// A small model and batches of tokens to measure it with.
struct MeasuredModel : testing::Test {
  torch::NoGradGuard no_grad;
  Transformer model;
  torch::Tensor tokens = random_tokens(kSequences, kLength);
  TokenBatches batches =
      token_batches(rows(0, kSequences), /*max_batch_tokens=*/2 * kLength);  // three batches

  explicit MeasuredModel(torch::Dtype dtype = torch::kFloat)
      : model(random_model(tiny_config(), dtype)) {}

  /// Another model, with ids that it knows.
  void use(const Transformer& other) {
    model = other;
    tokens = tokens.remainder(model->config().d_vocabulary);
    batches = token_batches(rows(0, kSequences), 2 * kLength);
  }
  std::vector<std::vector<int64_t>> rows(int64_t first, int64_t last) const {
    std::vector<std::vector<int64_t>> rows;
    for (int64_t row = first; row < last; ++row) {
      const auto ids = tokens[row].contiguous();
      rows.emplace_back(ids.data_ptr<int64_t>(), ids.data_ptr<int64_t>() + kLength);
    }
    return rows;
  }
  /// Spikes in two channels of two tokens: they rise in the feed-forward of layer 0 and fall in
  /// that of layer 1.
  HookScope add_spikes() {
    auto scope = model->hooks().add("blocks.0.hook_mlp_out", push(0, 3, 5000));
    scope += model->hooks().add("blocks.0.hook_mlp_out", push(4, 9, -4000));
    scope += model->hooks().add("blocks.1.hook_mlp_out", push(0, 3, -5000));
    scope += model->hooks().add("blocks.1.hook_mlp_out", push(4, 9, 4000));
    return scope;
  }
  /// What the points of `pattern` see, batch by batch as in a run, joined.
  std::map<std::string, torch::Tensor, std::less<>> all_of(const std::string& pattern) {
    std::map<std::string, torch::Tensor, std::less<>> joined;
    for (const auto& batch : batches) {
      for (const auto& [name, tensor] : run_with_cache(model, batch.ids, {pattern}).tensors()) {
        auto& whole = joined[name];
        whole = whole.defined() ? at::cat({whole, tensor}) : tensor;
      }
    }
    return joined;
  }
  /// The result of one pass, and of two passes over the two halves, merged.
  template <typename M>
  std::pair<M, M> once_and_merged(M measurement = M()) {
    M first = measurement, second = measurement;
    run(model, batches, {&measurement});
    run(model, {batches[0]}, {&first});
    run(model, {batches[1], batches[2]}, {&second});
    first.merge(second);
    return {measurement, first};
  }
};

}  // namespace spikesink
