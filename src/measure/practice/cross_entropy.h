#pragma once

#include <torch/types.h>

#include <limits>
#include <vector>

namespace spikesink::detail {

/// Cross-entropy of rows whose logits come a range of the vocabulary at a time, so that all logits
/// of a row never exist together. Sums are kept in float64.
class CrossEntropy {
 public:
  /// targets [N] int64; a row with a negative target is not counted.
  explicit CrossEntropy(const torch::Tensor& targets);

  /// logits [N, columns] of the vocabulary from `first_column` on; each column once, in any order.
  void add(const torch::Tensor& logits, int64_t first_column = 0);
  /// -log softmax(logits[row])[targets[row]] of each row, 0 where it has no target.
  std::vector<double> losses() const;

 private:
  template <typename T>
  void add_rows(const torch::Tensor& logits, int64_t first_column);

  struct Row {
    float largest = -std::numeric_limits<float>::infinity();
    double sum = 0;  // of exp(logit - largest)
    double target = 0;
  };
  torch::Tensor targets_;
  std::vector<Row> rows_;
};

}  // namespace spikesink::detail
