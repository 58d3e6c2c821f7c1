#pragma once

#include <filesystem>

#include "model/weight_names.h"
#include "spikesink/model/model_config.h"
#include "spikesink/weights/gguf.h"

namespace spikesink::detail {

/// What a checkpoint is, and how its tensors are called.
struct Description {
  ModelConfig config;
  WeightNames names;
};

/// From a `config.json`.
Description describe_hf(const std::filesystem::path& config_file);

/// From GGUF metadata and, for what is only there, the tensors' shapes and values.
Description describe_gguf(const GgufFile& file);

}  // namespace spikesink::detail
