#pragma once

#include <gtest/gtest.h>

#include <map>
#include <utility>

#include "spikesink/hooks/activation_cache.h"
#include "spikesink/measure/core/measurement.h"
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

/// A small model and batches of tokens to measure it with.
struct MeasuredModel : testing::Test {
  torch::NoGradGuard no_grad;
  Transformer model;
  torch::Tensor tokens = random_tokens(kSequences, kLength);
  TokenBatches batches =
      token_batches(rows(0, kSequences), /*batch_tokens=*/2 * kLength);  // three batches

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
