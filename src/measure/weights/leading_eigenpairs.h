#pragma once

#include <torch/types.h>

#include <functional>

namespace spikesink::detail {

/// The largest eigenvalues of a symmetric matrix by magnitude, and the eigenvector of the first.
struct LeadingEigenpairs {
  torch::Tensor values;  // [count], the largest magnitude first
  torch::Tensor vector;  // [size], of length one
};

/// S x for x [size] or each column of x [size, n], float64.
using SymmetricProduct = std::function<torch::Tensor(const torch::Tensor& x)>;

/// By Lanczos' method from products alone, or by a dense decomposition where `size` leaves Lanczos
/// no room for `count` (which is cut to `size`). `norm` > 0 is the matrix's norm, roughly. Float64
/// on the CPU.
LeadingEigenpairs leading_eigenpairs(const SymmetricProduct& product, int64_t size, int64_t count,
                                     double norm);
/// The dense decomposition, of any size.
LeadingEigenpairs dense_eigenpairs(const SymmetricProduct& product, int64_t size, int64_t count);

}  // namespace spikesink::detail
