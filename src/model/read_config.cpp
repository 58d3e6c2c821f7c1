#include "model/read_config.h"

#include <algorithm>

#include "detail/fail.h"
#include "detail/strict_json.h"
#include "model/architectures/architecture.h"
#include "model/architectures/config_reading.h"
#include "weights/mapped_file.h"

namespace spikesink::detail {
namespace {

constexpr int kMaxConfigDepth = 32;

ModelConfig validated(ModelConfig config, const std::filesystem::path& file) {
  try {
    config.validate();
  } catch (const std::invalid_argument& error) {
    fail_format("{} ({})", error.what(), file.string());
  }
  return config;
}

// True for a decoder that was saved without its unembedding: "LlamaModel", not "LlamaForCausalLM".
bool lacks_unembedding(ConfigKeys& keys) {
  return is_saved_as(keys, "Model") && !is_saved_as(keys, "LMHeadModel");
}

// NTK scaling adapts the base to the sequence length, so the context is `factor` times longer.
void extend_context(ModelConfig& config) {
  for (const auto& [theta, dimensions, scaling] : config.ropes) {
    constexpr double kMaxContext = 1 << 30;
    if (scaling.kind == RopeScalingKind::kDynamic && scaling.factor > 1)
      config.context = static_cast<int64_t>(
          std::min(static_cast<double>(scaling.original_context) * scaling.factor, kMaxContext));
  }
}

}  // namespace

Description describe_hf(const std::filesystem::path& config_file) {
  const auto file = MappedFile::open(config_file, "read_model_config");
  const auto json =
      parse_strict_json(file->text(), kMaxConfigDepth, "read_model_config", config_file);
  ConfigKeys keys(json, config_file.string());
  const auto& family = hf_architecture(keys.text("model_type"), config_file.string());
  auto config = family.read_config(keys);
  if (config.head == OutputHead::kLinear && !config.tied_embeddings && lacks_unembedding(keys))
    config.head = OutputHead::kNone;
  extend_context(config);
  ignore_housekeeping(keys);
  keys.refuse_unread();
  return {validated(std::move(config), config_file), family.names()};
}

Description describe_gguf(const GgufFile& file) {
  GgufKeys keys(file);
  const auto& family =
      gguf_architecture(file.get<std::string>("general.architecture"), file.path().string());
  auto config = family.read_config(keys);
  keys.refuse_unread();
  return {validated(std::move(config), file.path()), family.names()};
}

}  // namespace spikesink::detail
