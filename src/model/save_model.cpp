#include "spikesink/model/save_model.h"

#include "detail/fail.h"
#include "detail/temporary_file.h"
#include "model/architectures/architecture.h"
#include "model/config_fields.h"
#include "spikesink/weights/safetensors.h"

namespace spikesink {
namespace {

using nlohmann::ordered_json;

constexpr const char* kSaveModel = "save_model";

// The configuration keys of transformers that the three families share.
ordered_json family_config(const ModelConfig& config, const char* model_type,
                           const char* saved_as) {
  return {{"model_type", model_type},
          {"architectures", {saved_as}},
          {"hidden_size", config.d_model},
          {"intermediate_size", config.d_mlp},
          {"num_hidden_layers", config.n_layers},
          {"num_attention_heads", config.n_heads},
          {"num_key_value_heads", config.n_key_value_heads},
          {"head_dim", config.d_head},
          {"vocab_size", config.d_vocabulary},
          {"max_position_embeddings", config.context},
          {"rms_norm_eps", config.norm.epsilon},
          {"rope_theta", config.ropes.empty() ? 0.0 : config.ropes.front().theta},
          {"hidden_act", "silu"},
          {"attention_bias", config.qkv_bias},
          {"tie_word_embeddings", config.tied_embeddings}};
}

// Writes explicit defaults, so that equal models have equal fields.
ordered_json normalized_fields(ModelConfig config) {
  if (config.layers.empty()) config.layers.resize(static_cast<size_t>(config.n_layers));
  for (auto& rope : config.ropes) {
    if (rope.dimensions == 0) rope.dimensions = config.d_head;
  }
  return detail::FieldWriter::write(config);
}

// True if the reader of this family gets the same model from `description`.
bool describes_same_model(const ordered_json& description, const ModelConfig& config) {
  const nlohmann::json plain = nlohmann::json::parse(description.dump());
  const auto model_type = description["model_type"].get<std::string>();
  std::vector<std::string> ignored;
  detail::ConfigKeys keys(plain, kSaveModel, model_type, ignored);
  try {
    const auto& family = detail::hf_architecture(model_type, kSaveModel);
    return normalized_fields(family.read_config(keys)) == normalized_fields(config);
  } catch (const FileError&) {
    return false;
  }
}

ordered_json describe(const ModelConfig& config) {
  constexpr std::pair<const char*, const char*> kFamilies[] = {
      {"llama", "LlamaForCausalLM"}, {"qwen3", "Qwen3ForCausalLM"}, {"olmo2", "Olmo2ForCausalLM"}};
  for (const auto& [model_type, saved_as] : kFamilies) {
    auto description = family_config(config, model_type, saved_as);
    if (describes_same_model(description, config)) return description;
  }
  return {{"model_type", "spikesink"}, {"model", detail::FieldWriter::write(config)}};
}

}  // namespace

void save_model(const Transformer& model, const std::filesystem::path& folder) {
  if (model->config().experts.count > 0)
    detail::fail_argument("[{}] a mixture of experts cannot be saved", kSaveModel);
  const auto description = describe(model->config());
  const auto names =
      detail::hf_architecture(description["model_type"].get<std::string>(), kSaveModel).names();
  std::vector<HookScope> pinned;
  for (int64_t group = 0; group < model->config().n_layers + 2; ++group)
    pinned.push_back(model->pin_weights({group}));
  std::map<std::string, torch::Tensor> tensors;
  for (const auto& entry : model->named_parameters()) {
    const auto alternatives =
        detail::stored_as(entry.key(), entry.value().size(0), names, names.bases.front());
    tensors[alternatives.at(0).tensors.at(0)] = entry.value().detach();
  }
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error)
    detail::fail_format("[{}] cannot create the folder {}: {}", kSaveModel, folder.string(),
                        error.message());
  detail::TemporaryFile config(folder / "config.json");
  config.write([&](std::ostream& out) { out << description.dump(2) << "\n"; }, kSaveModel);
  save_safetensors(folder / "model.safetensors", tensors, {{"format", "pt"}});
  config.rename(kSaveModel);
}

}  // namespace spikesink
