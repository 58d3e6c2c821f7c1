#pragma once

#include <map>

#include "spikesink/weights/weight_source.h"

namespace [[gnu::visibility("default")]] spikesink {

/// Opens one `.safetensors` file (F64, F32, F16, BF16, I64, I32, I16, I8, U64, U32, U16, U8, BOOL,
/// F8_E4M3, F8_E5M2, F8_E8M0).
/// Throws FileError for a header that is truncated, too large, has overlapping tensors or does
/// not match the file.
std::unique_ptr<WeightSource> open_safetensors(const std::filesystem::path& file);

/// Opens all shards that a `model.safetensors.index.json` names as one source. Throws FileError
/// unless every tensor of the index is in its shard and every tensor of a shard is in the index.
std::unique_ptr<WeightSource> open_safetensors_index(const std::filesystem::path& index_file);

/// Saves tensors (on any device; copied if not contiguous). The file is written under a temporary
/// name and then renamed, so an incomplete file is never visible. `metadata` is stored as
/// `__metadata__`.
void save_safetensors(const std::filesystem::path& file,
                      const std::map<std::string, torch::Tensor>& tensors,
                      const std::map<std::string, std::string>& metadata = {});

}  // namespace spikesink
