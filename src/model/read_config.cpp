#include "model/read_config.h"

#include <algorithm>
#include <array>

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
    const auto& ignored = config.ignored_keys;
    fail_format("{} ({}{}{})", error.what(), file.string(),
                ignored.empty() ? "" : "; ignored keys: ", fmt::join(ignored, ", "));
  }
  return config;
}

// True for a decoder that was saved without its unembedding: "LlamaModel", or with the head of
// another task, "LlamaForSequenceClassification".
bool lacks_unembedding(ConfigKeys& keys) {
  if (is_saved_as(keys, "LMHeadModel")) return false;
  constexpr std::array kEndings{"Model", "ForSequenceClassification", "ForTokenClassification",
                                "ForQuestionAnswering"};
  return std::ranges::any_of(kEndings, [&](auto ending) { return is_saved_as(keys, ending); });
}

// The name of the table of keys; a wrong type is refused later.
std::string model_type_of(const nlohmann::json& config) {
  return config.is_object() && config.contains("model_type") && config["model_type"].is_string()
             ? config["model_type"].get<std::string>()
             : std::string();
}

std::vector<std::string> sorted_once(std::vector<std::string> keys) {
  std::ranges::sort(keys);
  const auto repeated = std::ranges::unique(keys);
  keys.erase(repeated.begin(), repeated.end());
  return keys;
}

[[noreturn]] void fail_absent(const std::string& key, const std::filesystem::path& file) {
  fail_argument("[read_model_config] ignored_keys: got '{}', expected a key of the file ({})", key,
                file.string());
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

// Removes "key" or "object.key".
bool remove_key(nlohmann::json& object, const std::string& key) {
  if (!object.is_object()) return false;
  if (object.erase(key) > 0) return true;
  const auto dot = key.find('.');
  const auto found = object.find(key.substr(0, dot));
  return dot != std::string::npos && found != object.end() &&
         remove_key(*found, key.substr(dot + 1));
}

}  // namespace

Description describe_hf(const std::filesystem::path& config_file,
                        const std::vector<std::string>& ignored_keys) {
  const auto file = MappedFile::open(config_file, "read_model_config");
  auto json = parse_strict_json(file->text(), kMaxConfigDepth, "read_model_config", config_file);
  auto ignored = sorted_once(ignored_keys);
  for (const auto& key : ignored) {
    if (!remove_key(json, key)) fail_absent(key, config_file);
  }
  ConfigKeys keys(json, config_file.string(), model_type_of(json), ignored);
  const auto& family = hf_architecture(keys.text("model_type"), config_file.string());
  auto config = family.read_config(keys);
  if (config.causal) keys.expect("is_causal", true);
  if (config.head == OutputHead::kLinear && !config.tied_embeddings && lacks_unembedding(keys))
    config.head = OutputHead::kNone;
  extend_context(config);
  ignore_housekeeping(keys);
  keys.refuse_or_ignore_unread();
  config.ignored_keys = sorted_once(std::move(ignored));
  auto quantisation = read_quantisation(json, config_file.string());
  config.quantisation = quantisation.summary;
  return {validated(std::move(config), config_file), family.names(), std::move(quantisation)};
}

Description describe_gguf(const GgufFile& file, const std::vector<std::string>& ignored_keys) {
  auto ignored = ignored_keys;
  GgufKeys keys(file, ignored);
  const auto& family =
      gguf_architecture(file.get<std::string>("general.architecture"), file.path().string());
  auto config = family.read_config(keys);
  keys.refuse_or_ignore_unread();
  config.ignored_keys = sorted_once(std::move(ignored));
  return {validated(std::move(config), file.path()), family.names(), {}};
}

Description describe(const WeightSource& source, const std::vector<std::string>& ignored_keys) {
  if (const auto* gguf = dynamic_cast<const GgufFile*>(&source))
    return describe_gguf(*gguf, ignored_keys);
  return describe_hf(folder_of(source.path()) / "config.json", ignored_keys);
}

}  // namespace spikesink::detail
