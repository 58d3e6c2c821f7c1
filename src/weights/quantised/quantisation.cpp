#include "weights/quantised/quantisation.h"

#include <algorithm>
#include <array>
#include <utility>

#include "detail/fail.h"
#include "weights/quantised/methods.h"
#include "weights/quantised/mxfp4.h"

namespace spikesink::detail {
namespace {

struct Method {
  std::string_view name;
  Quantisation (*read)(JsonKeys&);
};

constexpr std::array kMethods{
    Method{"awq", read_awq},
    Method{"bitsandbytes", read_bitsandbytes},
    Method{"compressed-tensors", read_compressed_tensors},
    Method{"fbgemm_fp8", read_fp8},
    Method{"fp8", read_fp8},
    Method{"gptq", read_gptq},
    Method{"mxfp4", read_mxfp4},
};

std::string method_names() {
  std::vector<std::string_view> names;
  for (const auto& method : kMethods) names.push_back(method.name);
  return fmt::format("{}", fmt::join(names, ", "));
}

// The first files of bitsandbytes do not name their method.
std::string method_name(JsonKeys& keys) {
  if (keys.has("load_in_4bit") || keys.has("load_in_8bit"))
    return keys.text("quant_method", "bitsandbytes");
  return keys.text("quant_method");
}

Quantisation read_method(JsonKeys& keys) {
  const auto name = method_name(keys);
  for (const auto& method : kMethods) {
    if (method.name == name) return method.read(keys);
  }
  fail_format(
      "[read_model_config] quant_method: got '{}', expected one of {}; use a checkpoint of the "
      "model that is not quantised or is quantised in one of these ways ({})",
      name, method_names(), keys.where());
}

const nlohmann::json* find_object(const nlohmann::json& config, const char* key,
                                  const std::string& where) {
  const auto found = config.find(key);
  if (found == config.end() || is_neutral(*found)) return nullptr;
  return &expect_kind(*found, kJsonObject, "read_model_config", key, where);
}

// A text model inside a wrapper may have its own settings.
const nlohmann::json* find_settings(const nlohmann::json& config, const char* key,
                                    const std::string& where) {
  if (const auto* settings = find_object(config, key, where)) return settings;
  const auto* text = find_object(config, "text_config", where);
  return text == nullptr ? nullptr : find_object(*text, key, where);
}

// Scales of quantised activations, by the tensor names of the methods that are read.
bool is_activation_scale(const TensorInfo& info) {
  constexpr std::array<std::string_view, 8> kSuffixes{
      ".input_scale", ".activation_scale", ".output_scale",     ".k_scale",
      ".v_scale",     ".input_scale_ub",   ".input_zero_point", ".output_zero_point"};
  const bool is_one = std::ranges::all_of(info.shape, [](int64_t size) { return size == 1; });
  return is_one && std::ranges::any_of(kSuffixes, [&](std::string_view suffix) {
           return info.name.ends_with(suffix);
         });
}

// The first files of GPTQ and AWQ have their settings elsewhere.
void refuse_packed(const WeightSource& source) {
  for (const auto& info : source.tensors()) {
    if (info.name.ends_with(".qweight"))
      fail_format(
          "[load_model] the weights are quantised ('{}'), but config.json has no "
          "quantization_config; copy the settings of quantize_config.json or quant_config.json "
          "there, with quant_method gptq or awq ({})",
          info.name, source.path().string());
  }
}

}  // namespace

Quantisation read_quantisation(const nlohmann::json& config, const std::string& where) {
  const auto* mlx = find_settings(config, "quantization", where);
  if (mlx != nullptr) {
    JsonKeys keys(*mlx, "read_model_config", where + ", quantization");
    return read_mlx(keys);
  }
  const auto* settings = find_settings(config, "quantization_config", where);
  if (settings == nullptr) return {};
  JsonKeys keys(*settings, "read_model_config", where + ", quantization_config");
  return read_method(keys);
}

DequantizedWeights dequantized(std::unique_ptr<WeightSource> source,
                               const Quantisation& quantisation) {
  if (!quantisation.derive) refuse_packed(*source);
  auto derived = quantisation.derive ? quantisation.derive(*source) : mxfp4_tensors(*source);
  std::map<std::string, double> scales;
  std::vector<std::string> hidden;
  for (const auto& info : source->tensors()) {
    if (quantisation.summary.empty() || !is_activation_scale(info)) continue;
    scales[info.name] = source->tensor(info.name).to(torch::kFloat64).item<double>();
    hidden.push_back(info.name);
  }
  return {with_derived(std::move(source), std::move(derived), hidden), std::move(scales)};
}

}  // namespace spikesink::detail
