#pragma once

#include <string_view>

#include "model/config_keys.h"
#include "model/gguf_keys.h"
#include "model/weight_names.h"

namespace spikesink::detail {

/// A model family in one checkpoint format: how to read its configuration, with `Keys`, and the
/// names of its tensors.
template <typename Keys>
struct Architecture {
  std::string_view name;  // `model_type` of config.json, `general.architecture` of GGUF
  ModelConfig (*read_config)(Keys& keys);
  WeightNames (*names)();
};

/// Returns the architecture with this name. Throws FileError that lists the supported names;
/// `where` is the file in the message.
const Architecture<ConfigKeys>& hf_architecture(std::string_view model_type,
                                                std::string_view where);
const Architecture<GgufKeys>& gguf_architecture(std::string_view name, std::string_view where);

}  // namespace spikesink::detail
