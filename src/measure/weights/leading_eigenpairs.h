#pragma once

#include <torch/types.h>

#include <functional>

namespace spikesink::detail {

/// The eigenvalues of largest magnitude of a symmetric matrix, and the eigenvector of the first.
struct LeadingEigenpairs {
  torch::Tensor values;  // [count], largest magnitude first
  torch::Tensor vector;  // [size], of length one
};

/// Returns S x for x [size] or for each column of x [size, n], float64.
using SymmetricProduct = std::function<torch::Tensor(const torch::Tensor& x)>;

/// Computes leading eigenpairs with the Lanczos method, which needs only products S x: it projects
/// S on a small Krylov subspace and restarts until the leading eigenpairs converge. If the subspace
/// would not be smaller than `size`, or if Lanczos does not converge, it uses a dense
/// decomposition. `count` is limited to `size`. `norm` > 0 is the approximate norm of the matrix.
/// Float64 on the CPU.
LeadingEigenpairs leading_eigenpairs(const SymmetricProduct& product, int64_t size, int64_t count,
                                     double norm);
/// Computes leading eigenpairs with a dense decomposition, for any size.
LeadingEigenpairs dense_eigenpairs(const SymmetricProduct& product, int64_t size, int64_t count);

}  // namespace spikesink::detail
