#include "spikesink/model/load_model.h"

#include <chrono>

#include "detail/exists.h"
#include "detail/fail.h"
#include "detail/free_memory.h"
#include "detail/logger.h"
#include "model/open_model.h"
#include "model/read_config.h"
#include "model/streamed_weights.h"

namespace spikesink {
namespace {

// A damaged configuration could ask for more memory than the weights need: compares its sizes with
// the tensors of the file.
void check_sizes(const ModelConfig& config, const WeightSource& source) {
  int64_t max_dimension = 0, tensors = 0;
  for (const auto& info : source.tensors()) {
    if (std::ranges::find(info.shape, 0) != info.shape.end())
      continue;  // an empty tensor has no bytes
    ++tensors;
    for (const int64_t size : info.shape) max_dimension = std::max(max_dimension, size);
  }
  const auto check = [&](const char* field, int64_t value, int64_t limit, const char* what) {
    if (value <= limit) return;
    detail::fail_format("[load_model] {}: got {}, expected at most {}, {} ({})", field, value,
                        limit, what, source.path().string());
  };
  // Modules are allocated before any tensor is looked up.
  constexpr int64_t kMostLayers = 1 << 12, kMostExperts = 1 << 16;
  check("n_layers", config.n_layers, tensors, "the number of tensors");
  check("n_layers", config.n_layers, kMostLayers, "more than which no model has");
  const char* what = "the largest dimension of a tensor";
  check("d_model", config.d_model, max_dimension, what);
  if (config.feed_forward == FeedForwardKind::kMlp)
    check("d_mlp", config.d_mlp, max_dimension, what);
  check("d_embedding", config.d_embedding, max_dimension, what);
  check("n_token_types", config.n_token_types, max_dimension, what);
  if (config.learned_positions || config.gate.input == GateInput::kPosition) {
    check("context", config.context, max_dimension, what);
    check("position_offset", config.position_offset, max_dimension - config.context,
          "what the context leaves of the largest dimension of a tensor");
  }
  check("experts.d_mlp", config.experts.d_mlp, max_dimension, what);
  check("experts.d_shared", config.experts.d_shared, max_dimension, what);
  check("experts.count", config.experts.count, max_dimension, what);
  check("experts.count", config.experts.count, kMostExperts / config.n_layers,
        fmt::format("{} over all layers", kMostExperts).c_str());
  check("d_vocabulary", config.d_vocabulary, max_dimension, what);
  check("n_heads", config.n_heads, max_dimension, what);
  const char* of_heads = "the largest dimension of a tensor over n_heads";
  check("d_head", config.d_head, max_dimension / config.n_heads, of_heads);
  check("d_value", config.d_value, max_dimension / config.n_heads, of_heads);
  check("latent.kv_rank", config.latent.kv_rank, max_dimension, what);
  check("latent.q_rank", config.latent.q_rank, max_dimension, what);
  if (config.attention_layers().size() == static_cast<size_t>(config.n_layers)) return;
  const auto& delta_net = config.delta_net;
  check("delta_net.n_value_heads", delta_net.n_value_heads, max_dimension, what);
  check("delta_net.d_value", delta_net.d_value, max_dimension / delta_net.n_value_heads,
        "the largest dimension of a tensor over n_value_heads");
  check("delta_net.d_key", delta_net.d_key, max_dimension / delta_net.n_key_heads,
        "the largest dimension of a tensor over n_key_heads");
  check("delta_net.kernel", delta_net.kernel, max_dimension, what);
}

void check_options(const LoadOptions& options) {
  if (!c10::isFloatingType(options.dtype) || c10::isFloat8Type(options.dtype)) {
    detail::fail_argument(
        "[load_model] dtype: got {}, expected float32, bfloat16, float16 or float64",
        c10::toString(options.dtype));
  }
  if (options.device.is_cuda() && !at::hasCUDA()) {
    detail::fail_argument("[load_model] device: got cuda, but this LibTorch sees no GPU");
  }
}

int64_t memory_limit(const LoadOptions& options) {
  if (options.max_memory > 0) return options.max_memory;
  const auto free =
      options.device.is_cpu()
          ? detail::free_memory()
          : static_cast<int64_t>(
                at::accelerator::getMemoryInfo(std::max<int>(0, options.device.index())).first);
  return free / 5 * 4;
}

// Loads all weights now, or makes the model load them by layer.
void load_weights(Transformer& model, detail::StoredWeights weights, const LoadOptions& options) {
  const int64_t memory = memory_limit(options);
  int64_t bytes = 0;
  for (int64_t group = 0; group < weights.group_count(); ++group) bytes += weights.bytes({group});
  const bool fits = bytes <= memory;
  if (options.weight_loading == WeightLoadingMode::kByLayer ||
      (options.weight_loading == WeightLoadingMode::kAuto && !fits)) {
    detail::logger().info("weights of {} bytes are loaded by layer: the memory limit is {} bytes",
                          bytes, memory);
    model->stream_weights_from(
        std::make_unique<detail::StreamedWeights>(std::move(weights), memory));
    return;
  }
  for (int64_t group = 0; group < weights.group_count(); ++group)
    detail::set_weights(weights.read({group}));
}

void log_ignored(const ModelConfig& config, const std::filesystem::path& path) {
  if (const auto text = describe_ignored(config); !text.empty())
    detail::logger().warn("{}: {}", path.string(), text);
}

}  // namespace

ModelConfig read_model_config(const std::filesystem::path& path,
                              const std::vector<std::string>& ignored_keys) {
  const auto config_file = path / "config.json";
  if (detail::exists(config_file)) return detail::describe_hf(config_file, ignored_keys).config;
  return detail::describe(*open_weights(path), ignored_keys).config;
}

std::string describe_ignored(const ModelConfig& config) {
  std::vector<std::string> parts;
  const auto add = [&](const char* what, const std::vector<std::string>& names) {
    if (!names.empty())
      parts.push_back(fmt::format("ignored {}: {}", what, fmt::join(names, ", ")));
  };
  add("keys of the configuration", config.ignored_keys);
  add("tensors", config.ignored_tensors);
  return printable(fmt::format("{}", fmt::join(parts, "; ")));
}

Transformer load_model(const std::filesystem::path& path, const LoadOptions& options) {
  check_options(options);
  const auto start = std::chrono::steady_clock::now();
  const torch::NoGradGuard no_grad;
  auto opened = detail::open_model(path, options);
  log_ignored(opened.config, path);
  check_sizes(opened.config, *opened.source);
  Transformer model(opened.config);
  detail::StoredWeights weights(*model, std::move(opened.source), opened.names, opened.base,
                                torch::TensorOptions(options.dtype).device(options.device));
  const auto tensors = weights.tensors();
  load_weights(model, std::move(weights), options);
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  detail::logger().info("loaded {} ({} tensors) in {:.2f} s", path.string(), tensors,
                        elapsed.count());
  return model;
}

}  // namespace spikesink
