#pragma once

#include <tuple>
#include <vector>

#include "spikesink/measure/core/mergeable.h"

namespace [[gnu::visibility("default")]] spikesink {

/// Measures the kurtosis of the hidden state after each layer: fourth central moment / variance^2
/// over all tokens and channels (3 for a normal distribution), as reported in arXiv 2504.20966.
class Kurtosis : public Mergeable<Kurtosis> {
 public:
  HookScope attach(Transformer& model, RunContext& context) override;
  void merge(const Kurtosis& other);
  /// Returns one number per layer. NaN if all values are equal.
  std::vector<double> result() const;

 private:
  friend class Mergeable<Kurtosis>;
  auto fields() { return std::tie(layers_); }

  struct Sums {
    double count = 0, powers[4] = {};  // sums of x, x^2, x^3, x^4
  };
  std::vector<Sums> layers_;
};

}  // namespace spikesink
