#pragma once

#include <memory>
#include <string>
#include <vector>

#include "spikesink/measure/core/measurement.h"
#include "spikesink/weights/weight_source.h"

namespace [[gnu::visibility("default")]] spikesink {

struct ParityOptions {
  double absolute = 1e-4;  // a value agrees when |got - expected| <= absolute ...
  double relative = 1e-3;  // ... + relative * |expected|
};

/// One hook point beside its reference.
struct TensorParity {
  std::string point;
  std::vector<int64_t> shape;     // of the reference
  int64_t rows = 0;               // of the reference that a run has reached
  int64_t outside = 0;            // values that disagree; NaN agrees with NaN alone
  double error = 0;               // largest |got - expected| over what is allowed: at most 1 agrees
  double largest_difference = 0;  // largest |got - expected|, in the units of the hook point
  double scale = 0;               // root mean square of the reference
  std::vector<int64_t> worst;     // where `error` is: indices in `shape`
  double got = 0, expected = 0;   // the values there
};

struct ParityResult {
  ParityOptions options;
  std::vector<TensorParity> points;  // in the order of the forward pass
};

/// Compares what hook points show with a file of reference tensors, each named after its point, of
/// all sequences together in the order of the run.
class Parity : public Measurement {
 public:
  /// `ignored` tensors are there for the caller.
  Parity(std::shared_ptr<const WeightSource> reference, ParityOptions options = {},
         std::vector<std::string> ignored = {"tokens"});

  /// Throws std::invalid_argument when a tensor's name is no hook point of the model, or when a
  /// pass shows another shape or more rows.
  HookScope attach(Transformer& model, RunContext& context) override;
  ParityResult result() const { return {options_, points_}; }

 private:
  void compare(TensorParity& point, const torch::Tensor& value) const;

  std::shared_ptr<const WeightSource> reference_;
  ParityOptions options_;
  std::vector<std::string> ignored_;
  std::vector<TensorParity> points_;
};

}  // namespace spikesink
