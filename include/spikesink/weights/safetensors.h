#pragma once

#include <map>

#include "spikesink/weights/weight_source.h"

namespace [[gnu::visibility("default")]] spikesink {

/// One `.safetensors` file (F64, F32, F16, BF16, I64, I32, I16, I8, U8, BOOL, F8_E8M0).
/// Throws FormatError on a truncated, overlapping, oversized or otherwise lying header.
std::unique_ptr<WeightSource> open_safetensors(const std::filesystem::path& file);

/// The shards that a `model.safetensors.index.json` names, as one source. Every tensor of the index
/// must be in its shard, and every tensor of the shards in the index.
std::unique_ptr<WeightSource> open_safetensors_index(const std::filesystem::path& index_file);

/// Writes tensors (any device, made contiguous) under a temporary name, then renames, so that a
/// half-written file is never seen. `metadata` becomes `__metadata__`.
void save_safetensors(const std::filesystem::path& file,
                      const std::map<std::string, torch::Tensor>& tensors,
                      const std::map<std::string, std::string>& metadata = {});

}  // namespace spikesink
