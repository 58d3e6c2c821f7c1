#pragma once

#include <torch/types.h>

#include <cstdint>

namespace [[gnu::visibility("default")]] spikesink {

/// The two directions of largest variance: points [n, d] -> [n, 2] float64, centred, the larger
/// variance first. The sign is such that a direction's largest component is positive; a direction
/// that does not exist gives zeros. Throws std::invalid_argument for another shape and for values
/// that are not finite.
torch::Tensor pca(const torch::Tensor& points);

struct TsneOptions {
  double perplexity = 30;     // neighbours that count for a point; at most a third of the others
  int64_t iterations = 1000;  // of gradient descent with momentum
  int64_t early_iterations = 250;  // of those with attraction exaggerated and momentum low ...
  double exaggeration = 12;        // ... by this factor
  double tolerance = 1e-2;         // where L-BFGS, which follows, ends; see `tsne`
  int64_t max_evaluations = 2000;  // of the gradient by L-BFGS
  uint64_t seed = 0;               // of a jitter, 1 % of the initial spread
};

/// Exact t-SNE (van der Maaten & Hinton 2008), started from the PCA: points [n, d] -> [n, 2]
/// float64, centred. Neighbourhoods are kept; distances between clusters and their sizes mean
/// nothing.
///
/// It ends where no component of the gradient of KL(P || Q) exceeds `tolerance` / n, or after
/// `max_evaluations`. A point's neighbours pull it with at most 2 / n (the mean of all points), and
/// rounding coordinates to four digits, as a report does, changes the gradient by 0.001 / n to
/// 0.01 / n. The same points, options and machine give the same bytes.
///
/// Fewer than four points are given as their PCA. Time and memory grow as n^2: more than 2000
/// points throw std::invalid_argument, and so does what `pca` rejects.
torch::Tensor tsne(const torch::Tensor& points, const TsneOptions& options = {});

}  // namespace spikesink
