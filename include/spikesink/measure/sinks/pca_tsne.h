#pragma once

#include <torch/types.h>

#include <cstdint>

namespace [[gnu::visibility("default")]] spikesink {

/// Projects points [n, d] on the two directions of largest variance: [n, 2] float64, centred, the
/// larger variance first. The sign is chosen so that the largest component of each direction is
/// positive. If the data has fewer than two directions, the missing coordinates are 0. Throws
/// std::invalid_argument for another shape and for values that are not finite.
torch::Tensor pca(const torch::Tensor& points);

struct TsneOptions {
  double perplexity = 30;     // effective number of neighbours; at most (n - 1) / 3
  int64_t iterations = 1000;  // of gradient descent with momentum
  /// Number of the first iterations, in which the attraction is multiplied by `exaggeration` and
  /// the momentum is low.
  int64_t early_iterations = 250;
  double exaggeration = 12;        // factor of the attraction in the early iterations
  double tolerance = 1e-2;         // stop criterion of the L-BFGS phase that follows; see `tsne`
  int64_t max_evaluations = 2000;  // of the gradient, in the L-BFGS phase
  uint64_t seed = 0;               // seed of the initial noise (1 % of the initial spread)
};

/// Computes exact t-SNE (van der Maaten & Hinton 2008), initialized with the PCA: points [n, d] ->
/// [n, 2] float64, centred. t-SNE preserves neighbourhoods. Cluster sizes and distances between
/// clusters have no meaning.
///
/// It stops when every component of the gradient of KL(P || Q) is at most `tolerance` / n in
/// magnitude, after `max_evaluations` gradients, or when rounding prevents further progress. For
/// scale: rounding the coordinates to four digits, as in a report, changes the gradient by up to
/// 0.01 / n; the mean attraction of a point by its neighbours is at most 2 / n. The same points,
/// options and machine give the same bytes.
///
/// For fewer than four points it returns the PCA. Time and memory grow as n^2. Throws
/// std::invalid_argument for more than 2000 points and for input that `pca` rejects.
torch::Tensor tsne(const torch::Tensor& points, const TsneOptions& options = {});

}  // namespace spikesink
