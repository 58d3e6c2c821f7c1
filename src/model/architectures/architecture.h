#pragma once

#include <string_view>
#include <vector>

#include "model/config_keys.h"
#include "model/gguf_keys.h"
#include "model/weight_names.h"

namespace spikesink::detail {

/// A family of checkpoints in Hugging Face's layout.
struct Architecture {
  std::string_view model_type;  // as `config.json` has it
  ModelConfig (*read_config)(ConfigKeys& keys);
  WeightNames (*names)();
};

/// A family of checkpoints in GGUF.
struct GgufArchitecture {
  std::string_view name;  // general.architecture
  ModelConfig (*read_config)(GgufKeys& keys);
  WeightNames (*names)();
};

/// Throws FormatError that lists those known.
const Architecture& architecture(std::string_view model_type, std::string_view where);
const GgufArchitecture& gguf_architecture(std::string_view name, std::string_view where);

const std::vector<Architecture>& architectures();
const std::vector<GgufArchitecture>& gguf_architectures();

}  // namespace spikesink::detail
