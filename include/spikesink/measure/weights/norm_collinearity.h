#pragma once

#include <vector>

#include "spikesink/model/transformer.h"

namespace [[gnu::visibility("default")]] spikesink {

/// Cosines of all vocabulary entries with one direction.
struct NormCollinearity {
  std::vector<float> cosines;  // [d_vocabulary], -1..1; empty without such a norm
};

/// The cosine of every vocabulary entry's embedding with the learned scale of the first norm that
/// reads the stream: of the embedding where there is one, else the first layer's `ln1`. (Section 3
/// of the paper: the embeddings of delimiters are nearly collinear with it.) [d_vocabulary], -1..1;
/// empty for a model whose stream meets no such norm before its first block, or one without a
/// scale. The embedding is that of the token alone, in d_model channels; the cosine of one that is
/// zero is NaN. Weights alone, a few rows at a time.
NormCollinearity norm_collinearity(const Transformer& model);

/// The same with any direction [d_model]. Another shape throws std::invalid_argument.
std::vector<float> embedding_cosines(const Transformer& model, const torch::Tensor& direction);

}  // namespace spikesink
