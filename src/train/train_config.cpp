#include "spikesink/train/train_config.h"

#include <cmath>
#include <limits>

#include "detail/fail.h"
#include "detail/utf8.h"
#include "model/config_fields.h"

namespace spikesink {
namespace {

constexpr const char* kTrainConfig = "TrainConfig";
constexpr int kDeepestTrainConfig = 16;

void check_least(const char* field, int64_t value, int64_t least) {
  if (value < least)
    detail::fail_argument("[{}] {}: got {}, expected at least {}", kTrainConfig, field, value,
                          least);
}

void check_range(const char* field, double value, double low, double high) {
  if (!(value >= low && value <= high))
    detail::fail_argument("[{}] {}: got {}, expected {} to {}", kTrainConfig, field, value, low,
                          high);
}

// The number of elements of the large matrices, to refuse sizes that no machine can allocate.
double most_parameters(const ModelConfig& model) {
  const auto product = [](int64_t rows, int64_t columns) {
    return static_cast<double>(rows) * static_cast<double>(columns);
  };
  const int64_t rows = 2 * model.d_vocabulary + model.context + model.position_offset,
                heads = 2 * (model.n_heads + model.n_key_value_heads);
  const double layer =
      3 * product(model.d_model, model.d_mlp) +
      product(heads, std::max(model.d_head, model.d_value)) * static_cast<double>(model.d_model);
  const auto& delta_net = model.delta_net;
  const double delta = product(2 * delta_net.n_key_heads, delta_net.d_key) +
                       3 * product(delta_net.n_value_heads, delta_net.d_value);
  return product(rows, model.d_model) +
         static_cast<double>(model.n_layers) * (layer + delta * static_cast<double>(model.d_model));
}

// Refuses sizes that no machine has memory for, before anything is allocated.
void check_sizes(const TrainConfig& config) {
  constexpr int64_t kMostLayers = 1 << 12, kMostWidth = 1 << 20, kMostAtOnce = 1 << 24,
                    kMostTask = 1 << 15, kMostTokens = 1 << 28;
  constexpr double kMostParameters = 1e12;
  const auto check = [](const char* field, int64_t value, int64_t most) {
    if (value > most)
      detail::fail_argument("[{}] {}: got {}, expected at most {}", kTrainConfig, field, value,
                            most);
  };
  check("model.n_layers", config.model.n_layers, kMostLayers);
  check("model.d_model", config.model.d_model, kMostWidth);
  check("model.d_mlp", config.model.d_mlp, kMostWidth);
  check("model.n_heads", config.model.n_heads, kMostWidth);
  check("model.n_key_value_heads", config.model.n_key_value_heads, kMostWidth);
  check("model.d_head", config.model.d_head, kMostWidth);
  check("model.d_value", config.model.d_value, kMostWidth);
  check("model.delta_net.n_key_heads", config.model.delta_net.n_key_heads, kMostWidth);
  check("model.delta_net.n_value_heads", config.model.delta_net.n_value_heads, kMostWidth);
  check("model.delta_net.d_key", config.model.delta_net.d_key, kMostWidth);
  check("model.delta_net.d_value", config.model.delta_net.d_value, kMostWidth);
  check("model.delta_net.kernel", config.model.delta_net.kernel, kMostLayers);
  check("model.d_embedding", config.model.d_embedding, kMostWidth);
  check("model.d_vocabulary", config.model.d_vocabulary, kMostAtOnce);
  check("model.n_token_types", config.model.n_token_types, kMostWidth);
  check("model.context", config.model.context, kMostAtOnce);
  check("model.position_offset", config.model.position_offset, kMostAtOnce);
  check("sequences", config.sequences, kMostAtOnce);
  check("measured_sequences", config.measured_sequences, kMostAtOnce);
  check("length", config.length, kMostAtOnce);
  check("sequences * length", config.sequences * config.length, kMostTokens);
  check("measured_sequences * length", config.measured_sequences * config.length, kMostTokens);
  check("backcopy.tokens", config.backcopy.tokens, kMostTask);
  if (const double parameters = most_parameters(config.model); parameters > kMostParameters)
    detail::fail_argument("[{}] model: got sizes for {:.3g} parameters, expected at most {:.0g}",
                          kTrainConfig, parameters, kMostParameters);
}

void check_initial(const TrainConfig& config) {
  constexpr double kLarge = 1e6;
  const auto& initial = config.initial;
  check_range("initial.embedding_deviation", initial.embedding_deviation, 0, kLarge);
  check_range("initial.matrix_deviation", initial.matrix_deviation, 0, kLarge);
  check_range("initial.gate_deviation", initial.gate_deviation, 0, kLarge);
  check_range("initial.attention_alpha", initial.attention_alpha, -kLarge, kLarge);
  check_range("initial.feed_forward_alpha", initial.feed_forward_alpha, -kLarge, kLarge);
  if (!initial.unembedding_deviation) return;
  check_range("initial.unembedding_deviation", *initial.unembedding_deviation, 0, kLarge);
  if (config.model.tied_embeddings)
    detail::fail_argument(
        "[{}] initial.unembedding_deviation: got {}, expected none, because "
        "model.tied_embeddings makes the unembedding the embedding",
        kTrainConfig, *initial.unembedding_deviation);
}

void check_data(const TrainConfig& config) {
  const auto& data = config.data;
  const auto check_text = [](const char* field, const std::string& path) {
    if (!detail::is_valid_utf8(path))
      detail::fail_argument("[{}] {}: got '{}', expected a path in UTF-8", kTrainConfig, field,
                            path);
  };
  for (const auto& path : data.training) check_text("data.training", path);
  for (const auto& path : data.validation) check_text("data.validation", path);
  check_text("data.tokenizer", data.tokenizer);
  if (data.training.empty() &&
      (!data.validation.empty() || !data.tokenizer.empty() || data.separator))
    detail::fail_argument(
        "[{}] data.training: got none, expected paths, because data.validation, "
        "data.tokenizer or data.separator is given",
        kTrainConfig);
  if (data.separator && (*data.separator < 0 || *data.separator >= config.model.d_vocabulary))
    detail::fail_argument("[{}] data.separator: got {}, expected 0 to {}", kTrainConfig,
                          *data.separator, config.model.d_vocabulary - 1);
}

}  // namespace

template <typename Visitor>
void visit_fields(Visitor& visit, BigramBackcopyConfig& task) {
  visit("tokens", task.tokens);
  visit("triggers", task.triggers);
  visit("trigger_boost", task.trigger_boost);
  visit("spread", task.spread);
  visit("seed", task.seed);
}

template <typename Visitor>
void visit_fields(Visitor& visit, DataConfig& data) {
  visit("training", data.training);
  visit("validation", data.validation);
  visit("tokenizer", data.tokenizer);
  visit("separator", data.separator);
  visit("starts_with_separator", data.starts_with_separator);
  visit("shuffled", data.shuffled);
}

template <typename Visitor>
void visit_fields(Visitor& visit, InitialWeightsConfig& initial) {
  visit("embedding_deviation", initial.embedding_deviation);
  visit("matrix_deviation", initial.matrix_deviation);
  visit("unembedding_deviation", initial.unembedding_deviation);
  visit("gate_deviation", initial.gate_deviation);
  visit("scale_by_depth", initial.scale_by_depth);
  visit("attention_alpha", initial.attention_alpha);
  visit("feed_forward_alpha", initial.feed_forward_alpha);
}

template <typename Visitor>
void visit_fields(Visitor& visit, OptimizerConfig& optimizer) {
  visit("learning_rate", optimizer.learning_rate);
  visit("min_rate_ratio", optimizer.min_rate_ratio);
  visit("warm_up", optimizer.warm_up);
  visit("beta1", optimizer.beta1);
  visit("beta2", optimizer.beta2);
  visit("epsilon", optimizer.epsilon);
  visit("weight_decay", optimizer.weight_decay);
  visit("decay_vectors", optimizer.decay_vectors);
  visit("clip", optimizer.clip);
}

template <typename Visitor>
void visit_fields(Visitor& visit, TrainConfig& config) {
  visit("name", config.name);
  visit("model", config.model);
  visit("data", config.data);
  visit("backcopy", config.backcopy);
  visit("initial", config.initial);
  visit("optimizer", config.optimizer);
  visit("steps", config.steps);
  visit("sequences", config.sequences);
  visit("micro_batch", config.micro_batch);
  visit("length", config.length);
  visit("skipped_predictions", config.skipped_predictions);
  visit("seed", config.seed);
  visit("bfloat16", config.bfloat16);
  visit("recompute", config.recompute);
  visit("measure_every", config.measure_every);
  visit("measured_sequences", config.measured_sequences);
  visit("checkpoint_every", config.checkpoint_every);
  visit("kept_checkpoints", config.kept_checkpoints);
}

void TrainConfig::validate() const {
  model.validate();
  check_least("steps", steps, 0);
  check_least("sequences", sequences, 1);
  check_least("micro_batch", micro_batch, 0);
  check_least("length", length, 1);
  check_least("skipped_predictions", skipped_predictions, 0);
  check_least("measure_every", measure_every, 0);
  check_least("measured_sequences", measured_sequences, 1);
  check_least("checkpoint_every", checkpoint_every, 0);
  check_least("kept_checkpoints", kept_checkpoints, 1);
  check_least("optimizer.warm_up", optimizer.warm_up, 0);
  constexpr double kLarge = 1e6;
  check_range("optimizer.learning_rate", optimizer.learning_rate, 0, kLarge);
  check_range("optimizer.min_rate_ratio", optimizer.min_rate_ratio, 0, 1);
  constexpr double kBelowOne = 1 - 1e-9, kLeastEpsilon = 1e-30;  // avoid 0 / 0
  check_range("optimizer.beta1", optimizer.beta1, 0, kBelowOne);
  check_range("optimizer.beta2", optimizer.beta2, 0, kBelowOne);
  check_range("optimizer.epsilon", optimizer.epsilon, kLeastEpsilon, 1);
  check_range("optimizer.weight_decay", optimizer.weight_decay, 0, kLarge);
  check_range("optimizer.clip", optimizer.clip, 0, kLarge);
  check_initial(*this);
  constexpr double kMostBoost = 1e12, kMostSpread = 100;  // sums stay finite
  check_range("backcopy.trigger_boost", backcopy.trigger_boost, 0, kMostBoost);
  check_range("backcopy.spread", backcopy.spread, 0, kMostSpread);
  for (const uint64_t one : {seed, backcopy.seed}) {
    if (one > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
      detail::fail_argument("[{}] seed: got {}, expected less than 2^63", kTrainConfig, one);
  }
  check_sizes(*this);
  check_data(*this);
  if (model.experts.count > 0)
    detail::fail_argument(
        "[{}] model.experts: got {}, expected 0: training of experts is not supported",
        kTrainConfig, model.experts.count);
  if (model.latent.kv_rank != 0)
    detail::fail_argument(
        "[{}] model.latent: got kv_rank {}, expected 0: training of latent attention is not "
        "supported",
        kTrainConfig, model.latent.kv_rank);
  if (!model.is_causal_lm())
    detail::fail_argument("[{}] model: got an encoder, expected a decoder with an unembedding",
                          kTrainConfig);
  if (length > model.context)
    detail::fail_argument("[{}] length: got {}, expected at most model.context = {}", kTrainConfig,
                          length, model.context);
  if (skipped_predictions >= length)
    detail::fail_argument("[{}] skipped_predictions: got {}, expected less than length = {}",
                          kTrainConfig, skipped_predictions, length);
}

TrainConfig read_train_config(const std::string& json, const std::string& where) {
  TrainConfig config;
  const auto object =
      detail::parse_strict_json(json, kDeepestTrainConfig, "read_train_config", where);
  detail::FieldReader(object, "read_train_config", where).read(config);
  try {
    config.validate();
  } catch (const std::invalid_argument& error) {
    detail::fail_format("{} ({})", error.what(), where);
  }
  return config;
}

std::string to_json(const TrainConfig& config) {
  return detail::FieldWriter::write(config).dump(1);
}

}  // namespace spikesink
