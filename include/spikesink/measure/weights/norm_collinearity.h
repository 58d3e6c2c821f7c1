#pragma once

#include <vector>

#include "spikesink/model/transformer.h"

namespace [[gnu::visibility("default")]] spikesink {

/// Cosines between all vocabulary entries and one direction.
struct NormCollinearity {
  std::vector<float> cosines;  // [d_vocabulary], -1..1; empty if there is no such norm
};

/// Computes, for each token of the vocabulary, the cosine between its embedding and the learned
/// scale vector of the first norm: the embedding norm if the model has one, otherwise `ln1` of the
/// first layer. (Section 3 of arXiv 2603.05498: the embeddings of delimiters are nearly collinear
/// with it.) [d_vocabulary], -1..1. Empty if there is no such norm before the first block or if it
/// has no scale. Embeddings are token embeddings only, in d_model channels. The cosine of a zero
/// embedding is NaN. Uses only weights, a few rows at a time.
NormCollinearity norm_collinearity(const Transformer& model);

/// The same for any direction [d_model]. Throws std::invalid_argument for another shape.
std::vector<float> embedding_cosines(const Transformer& model, const torch::Tensor& direction);

}  // namespace spikesink
