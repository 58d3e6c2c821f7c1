#pragma once

#include <string>
#include <vector>

#include "spikesink/weights/weight_source.h"

namespace spikesink::detail {

/// What was done to a tensor when its file was written, to be undone on loading.
enum class StoredAs {
  kAsIs,
  kQueryRowsInterleaved,  // GGUF's llama: the two halves of each head's rows are interleaved
  kKeyRowsInterleaved,
};

/// Where a parameter's values are found. In both names `{}` stands for the layer.
struct WeightName {
  std::string parameter;
  std::string tensor;
  StoredAs stored_as = StoredAs::kAsIs;
};

/// The names of one model type in one format; "<name>.bias" follows "<name>.weight" where the model
/// has biases.
const std::vector<WeightName>& weight_names(const std::string& model_type, WeightFormat format);

/// Tensors that a file of this model type may hold and that carry nothing: stored buffers, and
/// values read elsewhere.
bool is_superfluous(const std::string& tensor, WeightFormat format, bool tied_embeddings);

}  // namespace spikesink::detail
