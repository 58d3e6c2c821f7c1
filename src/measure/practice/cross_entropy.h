#pragma once

#include <torch/types.h>

#include <limits>
#include <vector>

namespace spikesink::detail {

/// Computes the cross-entropy of rows from one range of the vocabulary after another, so that all
/// logits of a row never exist at once. It keeps the running maximum m and sum_i exp(logit_i - m);
/// when m grows, the sum is multiplied by exp(m_old - m_new) (online softmax). Sums are float64.
class CrossEntropy {
 public:
  /// `targets` [N] int64. Rows with a negative target are skipped.
  explicit CrossEntropy(const torch::Tensor& targets);

  /// Adds logits [N, columns] of the vocabulary entries from `first_column`. Every entry must be
  /// added exactly once, in any order.
  void add(const torch::Tensor& logits, int64_t first_column = 0);
  /// Returns -log softmax(logits[row])[targets[row]] for each row; 0 for skipped rows.
  std::vector<double> losses() const;

 private:
  template <typename T>
  void add_rows(const torch::Tensor& logits, int64_t first_column);

  struct Row {
    float largest = -std::numeric_limits<float>::infinity();
    double sum = 0;  // sum of exp(logit - largest)
    double target = 0;
  };
  torch::Tensor targets_;
  std::vector<Row> rows_;
};

}  // namespace spikesink::detail
