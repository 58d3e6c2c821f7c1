#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/stored_layout.h"

namespace spikesink::detail {

/// The tensor of one parameter, or of all parameters of a module ("attn.q": weight and bias). In
/// both names "{}" is the index of an expert. If only `tensor` has it, the parameter is the stack
/// of these tensors.
struct WeightName {
  std::string parameter;
  std::string tensor;
  Extract extract = nullptr;  // null: the whole tensor, unchanged
};

/// A parameter that no file stores.
struct ComputedWeight {
  std::string parameter;
  std::function<torch::Tensor(const ModelConfig&)> values;
};

/// The tensor names of one architecture in one format. Several entries of one parameter are
/// alternatives.
struct WeightNames {
  std::string first;                 // a body tensor that every file has; it identifies the base
  std::vector<std::string> bases;    // possible prefixes of the body's names
  std::string layer;                 // prefix of a layer's names; "{}" is the layer index
  std::vector<WeightName> body;      // after the base; parameters as named in the model
  std::vector<WeightName> in_layer;  // after the base and `layer`; parameters without "blocks.N."
  std::vector<WeightName> end;       // without a prefix
  std::vector<std::string> superfluous;  // unused tensors to ignore; patterns as in matches_any
  bool transposed_layers = false;        // the matrices of layers are stored [in, out]
  /// Files can have one layer more, which predicts a further token; its tensors are ignored.
  bool has_prediction_layer = false;
  std::vector<ComputedWeight> computed = {};
};

/// A parameter's location in a file.
struct StoredParameter {
  std::vector<std::string> tensors;  // one tensor, or all tensors of the stack
  bool stacked = false;
  Extract extract;
  int64_t expert = 0;
};

/// Returns the alternative locations of `parameter`, whose first dimension is `rows`; `base` is the
/// prefix of the body's names in this file. Empty when the parameter has no known name.
std::vector<StoredParameter> stored_as(const std::string& parameter, int64_t rows,
                                       const WeightNames& names, const std::string& base);

/// True if one of the patterns is `tensor`; "*" at one end of a pattern stands for any text.
bool matches_any(const std::string& tensor, const std::vector<std::string>& patterns);

/// Replaces the tensor name of a parameter's entry, and how the parameter is extracted.
void rename(WeightNames& names, std::string_view parameter, const std::string& tensor,
            Extract extract = nullptr);

std::vector<WeightName> operator+(std::vector<WeightName> a, const std::vector<WeightName>& b);

}  // namespace spikesink::detail
