#pragma once

#include <tuple>
#include <vector>

#include "spikesink/measure/core/mergeable.h"

namespace [[gnu::visibility("default")]] spikesink {

/// How heavy the tails of hidden states are: the fourth central moment over the squared variance of
/// all values of the state after each layer, tokens and channels together (3 for a normal
/// distribution; what arXiv 2504.20966 reports).
class Kurtosis : public Mergeable<Kurtosis> {
 public:
  HookScope attach(Transformer& model, RunContext& context) override;
  void merge(const Kurtosis& other);
  /// One number a layer; NaN where every value is the same.
  std::vector<double> result() const;

 private:
  friend class Mergeable<Kurtosis>;
  auto fields() { return std::tie(layers_); }

  struct Sums {
    double count = 0, powers[4] = {};  // of x, x^2, x^3, x^4
  };
  std::vector<Sums> layers_;
};

}  // namespace spikesink
