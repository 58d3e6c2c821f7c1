#pragma once

#include <memory>
#include <string>
#include <vector>

#include "spikesink/measure/core/measurement.h"
#include "spikesink/weights/weight_source.h"

namespace [[gnu::visibility("default")]] spikesink {

struct ParityOptions {
  double absolute = 1e-4;  // a value agrees if |got - expected| <= absolute ...
  double relative = 1e-3;  // ... + relative * |expected|
};

/// Comparison of one hook point with its reference tensor.
struct TensorParity {
  std::string point;
  std::vector<int64_t> shape;  // of the reference
  int64_t rows = 0;            // rows of the reference that were compared
  int64_t outside = 0;         // values that disagree; NaN agrees only with NaN
  /// Largest |got - expected| / (absolute + relative * |expected|). All values agree if it is at
  /// most 1.
  double error = 0;
  double largest_difference = 0;  // largest |got - expected|, in the units of the hook point
  double scale = 0;               // root mean square of the reference
  std::vector<int64_t> worst;     // indices of the value with the largest `error`
  double got = 0, expected = 0;   // the values at `worst`
};

struct ParityResult {
  ParityOptions options;
  std::vector<TensorParity> points;  // in the order of the forward pass
};

/// Compares activations with reference tensors from a file. Each tensor has the name of its hook
/// point and contains all sequences in run order.
class Parity : public Measurement {
 public:
  /// `ignored`: names of tensors in the file that are not compared.
  Parity(std::shared_ptr<const WeightSource> reference, ParityOptions options = {},
         std::vector<std::string> ignored = {"tokens"});

  /// Throws std::invalid_argument if a tensor name is not a hook point of the model. The run throws
  /// std::invalid_argument if an activation has another shape than the tensor, or more rows.
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
