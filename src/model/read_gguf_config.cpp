#include <algorithm>
#include <array>

#include "detail/fail.h"
#include "model/read_config.h"

namespace spikesink::detail {
namespace {

// What an architecture's keys say beyond those that are read, and that does not change the forward
// pass.
constexpr std::array kInertKeys = {"vocab_size", "rope.dimension_count", "attention.key_length",
                                   "attention.value_length"};

template <typename T>
T value_or(const GgufFile& file, const std::string& key, T absent) {
  const auto* found = file.find<T>(key);
  return found ? *found : absent;
}

void check_same(const GgufFile& file, const std::string& key, int64_t expected) {
  const auto got = value_or<int64_t>(file, key, expected);
  if (got != expected)
    fail_format("[read_model_config] {}: got {}, expected {} ({})", key, got, expected,
                file.path().string());
}

RopeScaling read_rope_scaling(const GgufFile& file, const std::string& prefix) {
  RopeScaling scaling;
  if (file.contains("rope_freqs.weight")) {
    const auto factors = file.tensor("rope_freqs.weight").to(torch::kDouble).contiguous();
    scaling.kind = RopeScalingKind::kFactors;
    scaling.factors.assign(factors.data_ptr<double>(),
                           factors.data_ptr<double>() + factors.numel());
  }
  const auto type = value_or<std::string>(file, prefix + "rope.scaling.type", "none");
  if (type == "linear") {
    scaling.kind = RopeScalingKind::kLinear;
    scaling.factor = file.get<double>(prefix + "rope.scaling.factor");
  } else if (type != "none") {
    fail_format("[read_model_config] {}rope.scaling.type: got '{}', expected none or linear ({})",
                prefix, type, file.path().string());
  }
  return scaling;
}

void refuse_unread(const GgufFile& file, const std::string& prefix,
                   const std::vector<std::string>& read) {
  for (const auto& [key, value] : file.metadata()) {
    if (!key.starts_with(prefix)) continue;
    const auto name = key.substr(prefix.size());
    const auto* number = std::get_if<int64_t>(&value);
    const auto* real = std::get_if<double>(&value);
    const bool neutral = (number && *number == 0) || (real && *real == 0);
    const bool inert = std::find(kInertKeys.begin(), kInertKeys.end(), name) != kInertKeys.end();
    if (!neutral && !inert && std::find(read.begin(), read.end(), name) == read.end()) {
      fail_format(
          "[read_model_config] the key '{}' is not understood, expected it absent or zero ({})",
          key, file.path().string());
    }
  }
}

}  // namespace

ModelConfig read_gguf_config(const GgufFile& file) {
  const auto architecture = file.get<std::string>("general.architecture");
  if (architecture != "llama") {
    fail_format("[read_model_config] general.architecture: got '{}', expected llama ({})",
                architecture, file.path().string());
  }
  const std::string prefix = architecture + ".";
  ModelConfig config;
  config.model_type = architecture;
  config.n_layers = file.get<int64_t>(prefix + "block_count");
  config.d_model = file.get<int64_t>(prefix + "embedding_length");
  config.d_mlp = file.get<int64_t>(prefix + "feed_forward_length");
  config.n_heads = file.get<int64_t>(prefix + "attention.head_count");
  config.n_key_value_heads =
      value_or<int64_t>(file, prefix + "attention.head_count_kv", config.n_heads);
  const auto even_split = config.n_heads > 0 ? config.d_model / config.n_heads : 0;
  config.d_head = value_or<int64_t>(file, prefix + "attention.key_length", even_split);
  check_same(file, prefix + "attention.value_length", config.d_head);
  check_same(file, prefix + "rope.dimension_count", config.d_head);
  config.d_vocabulary = file.info("token_embd.weight").shape.front();
  config.context = file.get<int64_t>(prefix + "context_length");
  config.norm_epsilon = file.get<double>(prefix + "attention.layer_norm_rms_epsilon");
  config.rope_theta = value_or<double>(file, prefix + "rope.freq_base", config.rope_theta);
  config.rope_scaling = read_rope_scaling(file, prefix);
  config.attention_bias = file.contains("blk.0.attn_q.bias");
  config.mlp_bias = file.contains("blk.0.ffn_gate.bias");
  config.tied_embeddings = !file.contains("output.weight");
  refuse_unread(file, prefix,
                {"block_count", "embedding_length", "feed_forward_length", "attention.head_count",
                 "attention.head_count_kv", "context_length", "attention.layer_norm_rms_epsilon",
                 "rope.freq_base", "rope.scaling.type", "rope.scaling.factor"});
  return config;
}

}  // namespace spikesink::detail
