#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "model/weight_names.h"
#include "spikesink/model/model_config.h"
#include "spikesink/weights/gguf.h"
#include "weights/quantised/quantisation.h"

namespace spikesink::detail {

/// The configuration of a checkpoint, and the names and the quantisation of its tensors.
struct Description {
  ModelConfig config;
  WeightNames names;
  Quantisation quantisation;  // of a Hugging Face folder
};

/// Reads the configuration beside or in a file.
Description describe(const WeightSource& source, const std::vector<std::string>& ignored_keys);

/// Reads a `config.json` as if it did not have `ignored_keys`.
Description describe_hf(const std::filesystem::path& config_file,
                        const std::vector<std::string>& ignored_keys);

/// Reads GGUF metadata, and the tensors for what the metadata lack.
Description describe_gguf(const GgufFile& file, const std::vector<std::string>& ignored_keys);

}  // namespace spikesink::detail
