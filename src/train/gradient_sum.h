#pragma once

#include <functional>
#include <vector>

#include "spikesink/distributed/process_group.h"

namespace spikesink::detail {

/// Sums the gradients of a model over the processes of a job, and overlaps this with the backward
/// pass: parameters are grouped into buckets, the last parameters first, and the all-reduce of a
/// bucket starts when all of its gradients are computed (Li et al., arXiv 2006.15704).
class GradientSum {
 public:
  static constexpr int64_t kBucketBytes = 16 << 20;

  GradientSum(const std::vector<torch::Tensor>& parameters, ProcessGroup& processes,
              int64_t bucket_bytes = kBucketBytes);
  GradientSum(const GradientSum&) = delete;
  GradientSum& operator=(const GradientSum&) = delete;
  ~GradientSum();

  /// Call before the last backward pass of a step: it completes this process's gradients.
  void begin();
  /// Waits until each gradient is the sum over all processes. Each gradient must be defined in all
  /// processes or in none; in the second case it stays undefined.
  void end();

 private:
  struct Bucket {
    std::vector<torch::Tensor> parameters;
    size_t ready = 0;  // number of complete gradients
    std::function<void()> wait;
  };

  void count_gradient(size_t bucket);
  void start_next();

  ProcessGroup& processes_;
  std::vector<Bucket> buckets_;
  size_t started_ = 0;  // number of buckets; every process starts them in the same order
  bool completes_ = false;
};

}  // namespace spikesink::detail
