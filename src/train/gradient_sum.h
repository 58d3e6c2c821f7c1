#pragma once

#include <functional>
#include <vector>

#include "spikesink/distributed/processes.h"

namespace spikesink::detail {

/// Sums the gradients of a model over the processes of a job, some while the backward pass still
/// forms others: parameters share buckets, the last ones first, and a bucket's sum begins when its
/// gradients are there (Li et al., arXiv 2006.15704).
class GradientSum {
 public:
  static constexpr int64_t kBucketBytes = 16 << 20;

  GradientSum(const std::vector<torch::Tensor>& parameters, Processes& processes,
              int64_t bucket_bytes = kBucketBytes);
  GradientSum(const GradientSum&) = delete;
  GradientSum& operator=(const GradientSum&) = delete;
  ~GradientSum();

  /// The backward pass that comes next completes this process's gradients.
  void begin();
  /// Returns when each gradient is the sum of all processes'. A gradient is formed at all of them
  /// or at none; then it stays undefined.
  void end();

 private:
  struct Bucket {
    std::vector<torch::Tensor> parameters;
    size_t ready = 0;  // of them
    std::function<void()> wait;
  };

  void take(size_t bucket);
  void start_next();

  Processes& processes_;
  std::vector<Bucket> buckets_;
  size_t started_ = 0;  // every process starts them in the same order
  bool completes_ = false;
};

}  // namespace spikesink::detail
