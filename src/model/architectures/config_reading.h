#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "model/config_keys.h"
#include "spikesink/model/model_config.h"

// Readers of `config.json` keys that several families share.

namespace spikesink::detail {

/// Reads the activation; `absent` is transformers' default for the family.
Activation read_activation(ConfigKeys& keys, std::string_view key, const std::string& absent);

/// Returns d_model / n_heads, or 0 without heads.
int64_t even_head_width(const ModelConfig& config);

/// Returns 4 d_model, the usual width of a feed-forward, or 0 (which is invalid) on overflow.
int64_t four_widths(const ModelConfig& config);

/// Reads sizes, heads and context with the keys that most families use. Values that are set in
/// `config` are the defaults.
void read_sizes(ConfigKeys& keys, ModelConfig& config);

struct RopeDefaults {
  double theta = 10000.0;
  double fraction = 1.0;   // fraction of a head's dimensions that are rotated
  bool partial = false;    // `partial_rotary_factor` counts
  bool outer_keys = true;  // `rope_theta` and `partial_rotary_factor` outside the object count
  /// A dynamic scaling with `alpha` multiplies the base, whatever the length of the sequence.
  bool fixed_alpha = false;
  bool query_scale = false;  // the family reads `llama_4_scaling_beta`, with read_query_scale
  bool mscales = false;      // a scaling has its factor of cosine and sine in `short_mscale`
};
/// Returns the object of the RoPE parameters. As in transformers, the key of version 4 has
/// priority.
ConfigKeys rope_object(ConfigKeys& keys);

/// Reads RoPE of all layers, or of the layers with one `layer_type`, with the keys of transformers
/// 5
/// (`rope_parameters`, optionally per layer type) or 4 (`rope_theta`, `rope_scaling`,
/// `partial_rotary_factor`). `config` must have its sizes.
RopeConfig read_rope(ConfigKeys& keys, const ModelConfig& config, const RopeDefaults& defaults = {},
                     const std::string& layer_type = "full_attention");

/// Reads the scale of queries that is part of the RoPE parameters.
QueryScale read_query_scale(ConfigKeys& keys);

/// Reads two RopeConfigs: first that of the layers with full attention, then that of the layers
/// with a sliding window. With the keys of transformers 4 the second is not scaled, and its base is
/// `local_theta_key`.
std::vector<RopeConfig> read_ropes_by_layer_type(ConfigKeys& keys, const ModelConfig& config,
                                                 double theta, std::string_view local_theta_key,
                                                 double local_theta);

/// Returns YaRN's default factor of cosine and sine (arXiv 2309.00071, eq. 22).
double yarn_attention_factor(double factor);

/// Returns the factor of the softmax scale that follows from YaRN's `mscale_all_dim` (DeepSeek).
double read_softmax_factor(ConfigKeys& keys);

/// Reads a size that is `count` times `width`.
int64_t read_product(ConfigKeys& keys, std::string_view count, int64_t width);

/// Gives experts to the layers from number `first` on.
void set_expert_layers(ModelConfig& config, int64_t first);

/// Sets the sliding window of each layer from `layer_types` ("sliding_attention" or
/// "full_attention"), or, if that is absent, with `slides`.
void read_windows(ConfigKeys& keys, ModelConfig& config, int64_t window,
                  const std::function<bool(int64_t layer)>& slides);
/// Sets `sliding_window` in every layer; null: no window; `absent` without the key.
void read_common_window(ConfigKeys& keys, ModelConfig& config, int64_t absent = 0);
/// The layers with full attention get no positions.
void remove_rope_without_window(ModelConfig& config);
/// Reads `sliding_window`. Unlike an absent key, which means `absent`, null means no window: 0.
int64_t read_window_or_null(ConfigKeys& keys, int64_t absent);

/// Reads the language model of a multimodal model, the object `text_config`. `type` is its
/// model_type.
ModelConfig read_text_config(ConfigKeys& keys, const std::string& type,
                             ModelConfig (*read_config)(ConfigKeys& keys));

NormConfig rms_norm(double epsilon);
/// Has a scale and a bias.
NormConfig layer_norm(double epsilon);

/// True if a class name in `architectures` has this ending. It shows whether a checkpoint has a
/// head.
bool is_saved_as(ConfigKeys& keys, std::string_view ending);

/// Ignores keys of transformers' internals, of training and of generation.
void ignore_housekeeping(ConfigKeys& keys);

/// Returns the LayerConfigs, one per layer; creates them if necessary.
std::vector<LayerConfig>& each_layer(ModelConfig& config);

}  // namespace spikesink::detail
