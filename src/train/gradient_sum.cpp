#include "train/gradient_sum.h"

#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>

#include <utility>

namespace spikesink::detail {
namespace {

// Calls a function each time a backward pass has accumulated a parameter's gradient.
struct AccumulationHook : torch::autograd::PostAccumulateGradHook {
  explicit AccumulationHook(std::function<void()> function) : then(std::move(function)) {}
  void operator()(const torch::Tensor&) override { then(); }
  std::function<void()> then;
};

}  // namespace

GradientSum::GradientSum(const std::vector<torch::Tensor>& parameters, ProcessGroup& processes,
                         int64_t bucket_bytes)
    : processes_(processes) {
  int64_t bytes = bucket_bytes;
  for (auto last = parameters.rbegin(); last != parameters.rend(); ++last) {
    const auto& parameter = *last;
    if (bytes >= bucket_bytes) {
      buckets_.emplace_back();
      bytes = 0;
    }
    bytes += static_cast<int64_t>(parameter.nbytes());
    buckets_.back().parameters.push_back(parameter);
    const size_t bucket = buckets_.size() - 1;
    torch::autograd::impl::set_post_acc_grad_hooks(
        parameter, std::make_unique<AccumulationHook>([this, bucket] { count_gradient(bucket); }));
  }
}

GradientSum::~GradientSum() {
  for (const auto& bucket : buckets_) {
    for (const auto& parameter : bucket.parameters)
      torch::autograd::impl::set_post_acc_grad_hooks(parameter, nullptr);
  }
}

void GradientSum::begin() {
  for (auto& bucket : buckets_) bucket.ready = 0;
  started_ = 0;
  completes_ = true;
}

void GradientSum::count_gradient(size_t bucket) {
  if (!completes_) return;
  ++buckets_[bucket].ready;
  while (started_ < buckets_.size() &&
         buckets_[started_].ready == buckets_[started_].parameters.size())
    start_next();
}

// Concatenates the bucket's gradients and starts their all-reduce. The gradients become views of
// the concatenation, so the sum needs no copy back.
void GradientSum::start_next() {
  const torch::NoGradGuard no_grad;
  auto& bucket = buckets_[started_++];
  std::vector<torch::Tensor> gradients;
  for (const auto& parameter : bucket.parameters) {
    const auto& gradient = parameter.grad();
    gradients.push_back((gradient.defined() ? gradient : at::zeros_like(parameter)).flatten());
  }
  const auto sum = at::cat(gradients);
  int64_t first = 0;
  for (auto& parameter : bucket.parameters) {
    if (parameter.grad().defined())
      parameter.mutable_grad() = sum.narrow(0, first, parameter.numel()).view_as(parameter);
    first += parameter.numel();
  }
  bucket.wait = processes_.start_all_reduce(sum);
}

void GradientSum::end() {
  completes_ = false;
  while (started_ < buckets_.size()) start_next();
  for (auto& bucket : buckets_) std::exchange(bucket.wait, nullptr)();
}

}  // namespace spikesink::detail
