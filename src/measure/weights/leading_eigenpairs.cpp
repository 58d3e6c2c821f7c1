#include "measure/weights/leading_eigenpairs.h"

#include <Spectra/SymEigsSolver.h>
#include <torch/torch.h>

#include <algorithm>
#include <optional>

namespace spikesink::detail {
namespace {

// relative residual; the eigenvalue error is proportional to its square
constexpr double kTolerance = 1e-7;
constexpr int64_t kRestarts = 300;

torch::Tensor view(const double* values, int64_t size) {
  return torch::from_blob(const_cast<double*>(values), {size}, torch::kDouble);
}

// The matrix divided by its norm, with the interface of Spectra. The division is needed because the
// thresholds of the solver are absolute.
class Operator {
 public:
  using Scalar = double;

  Operator(const SymmetricProduct& product, int64_t size, double norm)
      : product_(product), size_(size), norm_(norm) {}

  int64_t rows() const { return size_; }
  int64_t cols() const { return size_; }
  void perform_op(const double* in, double* out) const {
    view(out, size_).copy_(product_(view(in, size_)) / norm_);
  }

 private:
  const SymmetricProduct& product_;
  int64_t size_;
  double norm_;
};

std::optional<LeadingEigenpairs> lanczos(const SymmetricProduct& product, int64_t size,
                                         int64_t count, int64_t subspace, double norm) {
  Operator matrix(product, size, norm);
  Spectra::SymEigsSolver<Operator> solver(matrix, count, subspace);
  solver.init();
  solver.compute(Spectra::SortRule::LargestMagn, kRestarts, kTolerance,
                 Spectra::SortRule::LargestMagn);
  if (solver.info() != Spectra::CompInfo::Successful) return std::nullopt;
  const Eigen::VectorXd values = solver.eigenvalues();
  const Eigen::VectorXd vector = solver.eigenvectors(1);
  return LeadingEigenpairs{view(values.data(), count) * norm, view(vector.data(), size).clone()};
}

}  // namespace

LeadingEigenpairs dense_eigenpairs(const SymmetricProduct& product, int64_t size, int64_t count) {
  const auto matrix = product(torch::eye(size, torch::kDouble));
  const auto [values, vectors] = at::linalg_eigh(matrix);
  const auto order = values.abs().argsort(-1, /*descending=*/true).slice(0, 0, count);
  return {values.index_select(0, order), vectors.select(1, order[0].item<int64_t>()).contiguous()};
}

LeadingEigenpairs leading_eigenpairs(const SymmetricProduct& product, int64_t size, int64_t count,
                                     double norm) {
  const int64_t subspace = std::max<int64_t>(2 * count + 1, 20);
  if (subspace < size) {
    if (auto found = lanczos(product, size, count, subspace, norm)) return *std::move(found);
  }
  return dense_eigenpairs(product, size, std::min(count, size));
}

}  // namespace spikesink::detail
