#include "spikesink/model/linear.h"

#include "model/linear_product.h"

namespace spikesink {

LinearImpl::LinearImpl(int64_t in, int64_t out, bool has_bias) {
  weight = register_parameter("weight", torch::empty({out, in}));
  if (has_bias) bias = register_parameter("bias", torch::empty({out}));
}

torch::Tensor LinearImpl::forward(const torch::Tensor& x) const {
  return detail::linear_product(x, weight, bias);
}

}  // namespace spikesink
