#pragma once

#include <filesystem>

#include "spikesink/model/transformer.h"

namespace [[gnu::visibility("default")]] spikesink {

/// Writes a model as a Hugging Face folder, `config.json` and `model.safetensors`, that
/// `load_model` reads again. A model that is a llama, qwen3 or olmo2 is written as one, so that
/// transformers reads it too; another one under this library's own names. The folder is made if
/// need be; each file appears whole or not at all. Throws FormatError where it cannot be written,
/// and std::invalid_argument for a mixture of experts.
void save_model(const Transformer& model, const std::filesystem::path& folder);

}  // namespace spikesink
