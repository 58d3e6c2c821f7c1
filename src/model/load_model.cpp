#include "spikesink/model/load_model.h"

#include <chrono>
#include <cmath>
#include <set>

#include "detail/dtype.h"
#include "detail/fail.h"
#include "detail/logger.h"
#include "model/read_config.h"
#include "model/weight_names.h"

namespace spikesink {
namespace {

using detail::StoredAs;

struct Located {
  std::string tensor;
  StoredAs stored_as;
};

// "blocks.7.ln1.weight" -> "blocks.{}.ln1.weight" and "7".
std::pair<std::string, std::string> split_layer(const std::string& parameter) {
  static const std::string kPrefix = "blocks.";
  if (!parameter.starts_with(kPrefix)) return {parameter, ""};
  const auto dot = parameter.find('.', kPrefix.size());
  return {kPrefix + "{}" + parameter.substr(dot),
          parameter.substr(kPrefix.size(), dot - kPrefix.size())};
}

Located locate(const std::string& parameter, const std::vector<detail::WeightName>& names) {
  const auto [pattern, layer] = split_layer(parameter);
  for (const auto& name : names) {
    if (name.parameter == pattern)
      return {fmt::format(fmt::runtime(name.tensor), layer), name.stored_as};
  }
  throw std::logic_error("[load_model] no name is known for the parameter " + parameter);
}

// [heads * d_head, ...] with each head's rows as (pairs, 2) -> as (2, pairs), transformers' layout.
torch::Tensor halves_apart(const torch::Tensor& rows, int64_t heads) {
  return rows.unflatten(0, {heads, -1, 2}).transpose(1, 2).flatten(0, 2);
}

torch::Tensor undo(StoredAs stored_as, const torch::Tensor& tensor, const ModelConfig& config) {
  switch (stored_as) {
    case StoredAs::kQueryRowsInterleaved:
      return halves_apart(tensor, config.n_heads);
    case StoredAs::kKeyRowsInterleaved:
      return halves_apart(tensor, config.n_key_value_heads);
    case StoredAs::kAsIs:
      break;
  }
  return tensor;
}

// A sum is not finite when one of its terms is not.
bool all_finite(const torch::Tensor& tensor) {
  if (std::isfinite(tensor.sum(detail::at_least_float(tensor.scalar_type())).item<double>()))
    return true;
  return at::isfinite(tensor).all().item<bool>();
}

torch::Tensor read_parameter(const WeightSource& source, const Located& place,
                             torch::IntArrayRef expected, const ModelConfig& config) {
  if (!source.contains(place.tensor)) {
    detail::fail_format("[load_model] the tensor '{}' is missing, expected one of shape {} ({})",
                        place.tensor, c10::str(expected), source.path().string());
  }
  const auto& info = source.info(place.tensor);
  if (torch::IntArrayRef(info.shape) != expected) {
    detail::fail_format(
        "[load_model] the tensor '{}' has the wrong shape: got {}, expected {} ({})", place.tensor,
        c10::str(torch::IntArrayRef(info.shape)), c10::str(expected), source.path().string());
  }
  const auto tensor = source.tensor(place.tensor);
  if (!tensor.is_floating_point()) {
    detail::fail_format(
        "[load_model] the tensor '{}' has the wrong dtype: got {}, expected floating point ({})",
        place.tensor, info.dtype, source.path().string());
  }
  if (!all_finite(tensor)) {
    detail::fail_format(
        "[load_model] the tensor '{}' holds NaN or infinity, expected finite weights ({})",
        place.tensor, source.path().string());
  }
  return undo(place.stored_as, tensor, config);
}

void refuse_unused(const WeightSource& source, const std::set<std::string>& used,
                   const ModelConfig& config) {
  for (const auto& info : source.tensors()) {
    if (!used.contains(info.name) &&
        !detail::is_superfluous(info.name, source.format(), config.tied_embeddings)) {
      detail::fail_format(
          "[load_model] the tensor '{}' is not used by a {} model: got it with shape {}, expected "
          "no such tensor ({})",
          info.name, config.model_type, c10::str(torch::IntArrayRef(info.shape)),
          source.path().string());
    }
  }
}

ModelConfig validated(const ModelConfig& config, const std::filesystem::path& file) {
  try {
    config.validate();
  } catch (const std::invalid_argument& error) {
    detail::fail_format("{} ({})", error.what(), file.string());
  }
  return config;
}

ModelConfig config_of(const WeightSource& source) {
  if (const auto* gguf = dynamic_cast<const GgufFile*>(&source))
    return validated(detail::read_gguf_config(*gguf), source.path());
  const auto folder =
      std::filesystem::is_directory(source.path()) ? source.path() : source.path().parent_path();
  return validated(detail::read_hf_config(folder / "config.json"), folder / "config.json");
}

// Keeps a lying configuration from asking for more memory than the weights could fill.
void check_extent(const ModelConfig& config, const WeightSource& source) {
  int64_t longest = 0;
  for (const auto& info : source.tensors()) {
    for (const int64_t size : info.shape) longest = std::max(longest, size);
  }
  const auto check = [&](const char* field, int64_t value, int64_t most, const char* what) {
    if (value <= most) return;
    detail::fail_format("[load_model] {}: got {}, expected at most {}, {} ({})", field, value, most,
                        what, source.path().string());
  };
  check("n_layers", config.n_layers, static_cast<int64_t>(source.tensors().size()),
        "the number of tensors");
  const char* what = "the largest dimension of a tensor";
  check("d_model", config.d_model, longest, what);
  check("d_mlp", config.d_mlp, longest, what);
  check("d_vocabulary", config.d_vocabulary, longest, what);
  check("n_heads", config.n_heads, longest, what);
  check("d_head", config.d_head, longest / config.n_heads,
        "the largest dimension of a tensor over n_heads");
}

void check_options(const LoadOptions& options) {
  if (options.dtype != torch::kFloat32 && options.dtype != torch::kBFloat16 &&
      options.dtype != torch::kFloat64) {
    detail::fail_argument(
        "[load_model] dtype: got {}, expected float32, bfloat16 or float64 (float16 overflows on "
        "spikes)",
        c10::toString(options.dtype));
  }
  if (options.device.is_cuda() && !at::hasCUDA()) {
    detail::fail_argument("[load_model] device: got cuda, but this LibTorch sees no GPU");
  }
}

}  // namespace

ModelConfig read_model_config(const std::filesystem::path& path) {
  const auto config_file = path / "config.json";
  if (std::filesystem::exists(config_file))
    return validated(detail::read_hf_config(config_file), config_file);
  return config_of(*open_weights(path));
}

Transformer load_model(const std::filesystem::path& path, const LoadOptions& options) {
  check_options(options);
  const auto start = std::chrono::steady_clock::now();
  const torch::NoGradGuard no_grad;
  const auto source = open_weights(path);
  const auto config = config_of(*source);
  check_extent(config, *source);
  const auto& names = detail::weight_names(config.model_type, source->format());
  Transformer model(config);
  std::set<std::string> used;
  for (auto& parameter : model->named_parameters()) {
    const auto place = locate(parameter.key(), names);
    const auto values = read_parameter(*source, place, parameter.value().sizes(), config);
    parameter.value().set_data(values.to(options.device, options.dtype));
    used.insert(place.tensor);
  }
  refuse_unused(*source, used, config);
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  detail::logger().info("loaded {} ({} tensors) in {:.2f} s", path.string(), used.size(),
                        elapsed.count());
  return model;
}

}  // namespace spikesink
