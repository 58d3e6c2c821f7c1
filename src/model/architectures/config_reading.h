#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "model/config_keys.h"
#include "spikesink/model/model_config.h"

// What several families' `config.json` have in common.

namespace spikesink::detail {

/// The activation named by `key`; `absent` is transformers' default for the family.
Activation read_activation(ConfigKeys& keys, std::string_view key, const std::string& absent);

/// The width of a head when the heads share the stream evenly.
int64_t even_head_width(const ModelConfig& config);

/// Four times the stream, the usual width of a feed-forward. A stream too wide for that gives 0,
/// which no model may have.
int64_t four_widths(const ModelConfig& config);

/// Sizes, heads and context by the names that most families use. What `config` holds already is the
/// default.
void read_sizes(ConfigKeys& keys, ModelConfig& config);

struct RopeDefaults {
  double theta = 10000.0;
  double fraction = 1.0;  // of a head's coordinates that are turned
};
/// RoPE of all layers, or of those of one `layer_type`, in the spelling of transformers 5
/// (`rope_parameters`, also one for each layer type) or 4 (`rope_theta`, `rope_scaling`,
/// `partial_rotary_factor`). Needs the sizes.
RopeConfig read_rope(ConfigKeys& keys, const ModelConfig& config, const RopeDefaults& defaults = {},
                     const std::string& layer_type = "full_attention");

/// Two of them: of the layers that see all keys, and of those with a window, which are never scaled
/// in the older spelling and have their base there as `local_theta_key`.
std::vector<RopeConfig> read_ropes_by_layer_type(ConfigKeys& keys, const ModelConfig& config,
                                                 double theta, std::string_view local_theta_key,
                                                 double local_theta);

/// What YaRN multiplies cosine and sine with when a file does not say (arXiv 2309.00071, eq. 22).
double yarn_attention_factor(double factor);

/// Gives layers their window from `layer_types` ("sliding_attention" or "full_attention"), or,
/// where it is absent, by `slides`.
void read_windows(ConfigKeys& keys, ModelConfig& config, int64_t window,
                  const std::function<bool(int64_t layer)>& slides);
/// `sliding_window` for every layer, none when it is null.
void read_common_window(ConfigKeys& keys, ModelConfig& config);

NormConfig rms_norm(double epsilon);
/// With scale and bias.
NormConfig layer_norm(double epsilon);

/// Whether `architectures` names a class that ends so: it tells whether a checkpoint has a head.
bool is_saved_as(ConfigKeys& keys, std::string_view ending);

/// Passes over the keys of transformers' own housekeeping, of training and of generation.
void ignore_housekeeping(ConfigKeys& keys);

/// LayerConfigs to be changed, one for each layer.
std::vector<LayerConfig>& each_layer(ModelConfig& config);

}  // namespace spikesink::detail
