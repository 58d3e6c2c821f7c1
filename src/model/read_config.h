#pragma once

#include <filesystem>

#include "spikesink/model/model_config.h"
#include "spikesink/weights/gguf.h"

namespace spikesink::detail {

/// From a `config.json`.
ModelConfig read_hf_config(const std::filesystem::path& file);

/// From GGUF metadata and, for what is only there, the tensors' shapes and values.
ModelConfig read_gguf_config(const GgufFile& file);

}  // namespace spikesink::detail
