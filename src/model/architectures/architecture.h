#pragma once

#include <string_view>

#include "model/config_keys.h"
#include "model/gguf_keys.h"
#include "model/weight_names.h"

namespace spikesink::detail {

/// A family of checkpoints in one format, whose configuration is read through `Keys`.
template <typename Keys>
struct Architecture {
  std::string_view name;  // `model_type` of config.json, `general.architecture` of GGUF
  ModelConfig (*read_config)(Keys& keys);
  WeightNames (*names)();
};

/// Throws FormatError that lists those known; `where` names the file.
const Architecture<ConfigKeys>& hf_architecture(std::string_view model_type,
                                                std::string_view where);
const Architecture<GgufKeys>& gguf_architecture(std::string_view name, std::string_view where);

}  // namespace spikesink::detail
