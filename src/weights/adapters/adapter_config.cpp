#include "weights/adapters/adapter_config.h"

#include <array>
#include <cmath>
#include <optional>

#include "detail/fail.h"
#include "detail/json_keys.h"
#include "weights/mapped_file.h"

namespace spikesink::detail {
namespace {

constexpr const char* kCaller = "read_adapter_config";
constexpr int kMaxDepth = 8;

// Initial weights that do not change the base model. (PiSSA and others do.)
bool keeps_base(const nlohmann::json& initial) {
  constexpr std::array<std::string_view, 3> kNames{"gaussian", "eva", "orthogonal"};
  return initial.is_boolean() ||
         (initial.is_string() &&
          std::ranges::find(kNames, initial.get<std::string>()) != kNames.end());
}

void ignore_training(JsonKeys& keys) {
  keys.ignore({"auto_mapping", "base_model_name_or_path", "bias", "exclude_modules",
               "fan_in_fan_out", "inference_mode", "layers_pattern", "layers_to_transform",
               "lora_dropout", "eva_config", "megatron_core", "modules_to_save", "peft_version",
               "qalora_group_size", "revision", "target_modules", "task_type", "runtime_config"});
}

// A pattern is a regular expression for the end of a module's name, from a dot on.
std::vector<ModulePattern> read_patterns(JsonKeys& keys, const char* key) {
  std::vector<ModulePattern> patterns;
  const auto* found = keys.find(key);
  if (found == nullptr) return patterns;
  JsonKeys all(*found, kCaller, keys.where(key));
  for (const auto& [name, value] : found->items())
    patterns.push_back(
        {Regex(fmt::format(R"(\A(.*\.)?({})\z)", name), all.where(name)), all.number(name)});
  return patterns;
}

// In PEFT the first pattern of the file counts; here the order of keys is lost.
double value_of(const std::vector<ModulePattern>& patterns, const std::string& module,
                double absent) {
  std::optional<double> found;
  for (const auto& [names, value] : patterns) {
    if (!names.find(module, 0)) continue;
    if (found && *found != value)
      fail_format(
          "[{}] two patterns with different values: got {} and {} for the module '{}', "
          "expected one value",
          kCaller, *found, value, module);
    found = value;
  }
  return found.value_or(absent);
}

}  // namespace

AdapterConfig::AdapterConfig(const std::filesystem::path& path) {
  const auto file = MappedFile::open(path, kCaller);
  const auto json = parse_strict_json(file->text(), kMaxDepth, kCaller, path);
  JsonKeys keys(json, kCaller, path.string());
  if (keys.text("peft_type") != "LORA") keys.refuse("peft_type", "\"LORA\"");
  rank_ = static_cast<double>(keys.integer("r"));
  alpha_ = keys.number("lora_alpha");
  is_rank_stabilised_ = keys.flag("use_rslora", false);
  is_dora_ = keys.flag("use_dora", false);
  keeps_tie_ = keys.flag("ensure_weight_tying", false);
  ranks_ = read_patterns(keys, "rank_pattern");
  alphas_ = read_patterns(keys, "alpha_pattern");
  const auto* initial = keys.find("init_lora_weights");
  if (initial != nullptr && !keeps_base(*initial))
    keys.refuse("init_lora_weights",
                "true, false, gaussian, eva or orthogonal; others change the base model: convert "
                "the adapter to a plain LoRA, or merge it with PEFT");
  ignore_training(keys);
  keys.refuse_unread();
}

int64_t AdapterConfig::rank(const std::string& module) const {
  return std::llround(value_of(ranks_, module, rank_));
}

double AdapterConfig::scale(const std::string& module) const {
  const auto rank = static_cast<double>(this->rank(module));
  return value_of(alphas_, module, alpha_) / (is_rank_stabilised_ ? std::sqrt(rank) : rank);
}

}  // namespace spikesink::detail
