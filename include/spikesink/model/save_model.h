#pragma once

#include <filesystem>

#include "spikesink/model/transformer.h"

namespace [[gnu::visibility("default")]] spikesink {

/// Saves a model as a Hugging Face folder, `config.json` and `model.safetensors`, which
/// `load_model` can read. llama, qwen3 and olmo2 models are saved in the transformers format; all
/// others with this library's own names. Creates the folder if it does not exist. Each file is
/// written atomically. Throws FileError for files that cannot be written, and
/// std::invalid_argument for a mixture of experts.
void save_model(const Transformer& model, const std::filesystem::path& folder);

}  // namespace spikesink
