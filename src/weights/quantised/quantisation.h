#pragma once

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "weights/derived_weights.h"

namespace spikesink::detail {

/// How the weights of a checkpoint are quantised.
struct Quantisation {
  std::string summary;  // "gptq, 4 bits, groups of 128"; empty: they are not quantised
  /// Returns the dequantised tensors of a file. Throws FileError for tensors that do not fit. Null:
  /// the weights are not quantised.
  std::function<std::vector<DerivedTensor>(const WeightSource&)> derive;
};

/// Reads `quantization_config` of transformers, or `quantization` of MLX, in a model's
/// `config.json`. Throws FileError for a method that is not supported; `where` names the file.
Quantisation read_quantisation(const nlohmann::json& config, const std::string& where);

/// A file's weights in floating point, and the scales that the file has for activations.
struct DequantizedWeights {
  std::unique_ptr<WeightSource> source;
  std::map<std::string, double> activation_scales;  // by tensor name
};

/// Returns the weights of `source` with the dequantised tensors in place of the quantised ones, and
/// without the scales of activations. A tensor is dequantised when it is read.
DequantizedWeights dequantized(std::unique_ptr<WeightSource> source,
                               const Quantisation& quantisation);

}  // namespace spikesink::detail
