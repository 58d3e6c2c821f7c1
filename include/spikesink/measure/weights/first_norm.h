#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "spikesink/model/transformer.h"

namespace [[gnu::visibility("default")]] spikesink {

/// Vocabulary entries to compare with the whole vocabulary: token ids, which the caller finds in a
/// text. An entry may be in several groups.
struct FirstNormGroups {
  std::vector<int64_t> delimiters;
  std::vector<int64_t> first;  // at position 0 of a sequence
  std::vector<int64_t> spike;  // spike tokens beyond position 0
};

/// Medians of some vocabulary entries (of an even number: the lower one). NaN without entries.
struct EmbeddingMedians {
  double l2_norm = 0;
  double l2_norm_ratio = 0;  // l2_norm over the median of the whole vocabulary
  double cosine = 0;
};

/// What the first norm makes of the vocabulary.
struct FirstNormResult {
  FirstNormGroups groups;
  std::string norm;  // which norm: "blocks.0.ln1" or "embed.ln"
  /// [d_vocabulary]: ||norm(e)||_2 of each embedding e, with the learned scale and bias of the
  /// norm.
  std::vector<float> l2_norms;
  /// [d_vocabulary], -1..1: cosine between each embedding and the learned scale. NaN for a zero
  /// embedding.
  std::vector<float> cosines;

  /// Throws std::out_of_range for an id outside the vocabulary.
  EmbeddingMedians medians(const std::vector<int64_t>& ids) const;
};

/// Passes every vocabulary entry through the first norm that reads the residual stream. (Section
/// 3.1.3 of arXiv 2603.05498: the embeddings of delimiters are nearly collinear with its learned
/// scale, which elevates their magnitude, so that early heads attend to the token itself.) This is
/// the embedding norm if the model has one, otherwise `ln1` of the first layer. Returns nothing if
/// no norm comes before the first block (post-norm and output-norm models without an embedding
/// norm), or if it has no learned scale. Embeddings are token embeddings alone, without positions
/// and token types, in d_model channels. Uses only weights, a few rows at a time; no hook runs.
std::optional<FirstNormResult> first_norm(const Transformer& model, FirstNormGroups groups = {});

/// Returns the cosine between every embedding and a direction [d_model]: [d_vocabulary], -1..1.
/// Throws std::invalid_argument for another shape.
std::vector<float> embedding_cosines(const Transformer& model, const torch::Tensor& direction);

}  // namespace spikesink
