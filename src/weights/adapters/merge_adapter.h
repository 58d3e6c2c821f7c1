#pragma once

#include "weights/adapters/adapter_config.h"
#include "weights/derived_weights.h"

namespace spikesink::detail {

/// What a merge has to know of the base model's tensors.
struct AdapterBase {
  std::vector<std::string> prefixes;  // files differ in them: "model.layers.0", "layers.0"
  std::string transposed;  // text in the names of matrices that are stored [in, out]; empty: none
};

/// Returns `base` with a LoRA adapter of PEFT merged into its weights, each when it is read (in
/// float32 at least):
///   weight + scale * B A                                  Hu et al., arXiv 2106.09685
///   magnitude * (weight + scale * B A) / ||row of it||    DoRA, Liu et al., arXiv 2402.09353
/// Tensors of `modules_to_save` replace those of the base. Throws FileError for tensors that do not
/// fit the base or the configuration.
std::unique_ptr<WeightSource> with_adapter(std::unique_ptr<WeightSource> base,
                                           const WeightSource& adapter, const AdapterConfig& config,
                                           const AdapterBase& names);

/// Merges the LoRA matrices that are in the file itself: a model that was saved before its adapter
/// was merged. Without any, `source` is returned as it is. `folder` must have the
/// `adapter_config.json`.
std::unique_ptr<WeightSource> with_own_adapter(std::unique_ptr<WeightSource> source,
                                               const std::filesystem::path& folder,
                                               const AdapterBase& names);

}  // namespace spikesink::detail
