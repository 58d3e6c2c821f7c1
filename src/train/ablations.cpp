#include "spikesink/train/ablations.h"

#include <algorithm>
#include <cmath>

#include "detail/edit_distance.h"
#include "detail/fail.h"

namespace spikesink {
namespace {

// The paper's baseline. Rows at other sizes are scaled by their ratio to it.
constexpr double kRate = 3e-4, kHeads = 32, kWidth = 128, kLength = 4096;

int64_t scaled(int64_t size, double of, double to) {
  return std::llround(static_cast<double>(size) * to / of);
}

// -- the changes of the rows

using Change = std::function<void(TrainConfig&)>;

Change rate(double to) {
  return [to](TrainConfig& config) { config.optimizer.learning_rate *= to / kRate; };
}

Change heads(double count, double width) {
  return [=](TrainConfig& config) {
    auto& model = config.model;
    model.n_heads = model.n_key_value_heads = scaled(model.n_heads, kHeads, count);
    model.d_head = scaled(model.d_head, kWidth, width);
  };
}

// Two matrices of 3/2 the width have as many weights as the three of a gated feed-forward block.
void without_gate(TrainConfig& config) {
  config.model.gated = false;
  config.model.activation.kind = Activation::kGelu;
  config.model.d_mlp = config.model.d_mlp * 3 / 2;
}

// Each feed-forward block becomes an attention block: twice as many layers, without feed-forward.
void attention_only(TrainConfig& config) {
  config.model.feed_forward = FeedForwardKind::kNone;
  config.model.n_layers *= 2;
}

Change norms(NormPlacement placement, QkNorm qk) {
  return [=](TrainConfig& config) {
    config.model.norm_placement = placement;
    config.model.qk_norm = qk;
  };
}

Change gate(GateInput input, GateWidth width) {
  return [=](TrainConfig& config) { config.model.gate = {input, width}; };
}

// The published run of this gate is a model of three quarters of the width. A model whose heads
// cannot be divided so keeps its width.
void unconditional_channel(TrainConfig& config) {
  auto& model = config.model;
  model.gate = {GateInput::kConstant, GateWidth::kChannel};
  if (model.n_heads % 4 != 0) return;
  for (auto* size : {&model.d_model, &model.d_mlp, &model.n_heads, &model.n_key_value_heads})
    *size = *size * 3 / 4;
}

// Sequences of `length` predictions, the first `skipped` of which do not count. A step has as many
// tokens as the baseline's.
Change positions(double skipped, double length) {
  return [=](TrainConfig& config) {
    const int64_t tokens = config.sequences * config.length, baseline_length = config.length;
    config.skipped_predictions = scaled(baseline_length, kLength, skipped);
    config.length = scaled(baseline_length, kLength, length);
    config.sequences =
        std::llround(static_cast<double>(tokens) / static_cast<double>(config.length));
    config.model.context = config.length;
  };
}

std::vector<Ablation> all_rows() {
  const std::vector<std::string> kRateField = {"optimizer.learning_rate"},
                                 kGate = {"model.gate.input", "model.gate.width"},
                                 kPositions = {"length", "skipped_predictions", "sequences",
                                               "model.context"};
  const std::vector<std::string> kHeadCount = {"model.n_heads", "model.n_key_value_heads"},
                                 kHeadWidth = {"model.d_head"};
  auto both = kHeadCount;
  both.push_back(kHeadWidth.front());
  const std::vector<std::string> placement = {"model.norm_placement"};
  return {
      {"baseline", {{10.1, 46.0, 3818}}, {}, [](TrainConfig&) {}},
      {"table3/rate-7.5e-5", {{11.8, 18.6, 1447}}, kRateField, rate(7.5e-5)},
      {"table3/rate-1.5e-4", {{10.7, 31.8, 2251}}, kRateField, rate(1.5e-4)},
      {"table3/rate-6e-4", {{10.0, 51.5, 3773}}, kRateField, rate(6e-4)},
      {"table3/rate-1.2e-3", {{10.2, 39.2, 2723}}, kRateField, rate(1.2e-3)},
      {"table3/constant-rate",
       {{10.7, 56.8, 2870}},
       {"optimizer.min_rate_ratio"},
       [](TrainConfig& config) { config.optimizer.min_rate_ratio = 1; }},
      {"table3/weight-decay-0",
       {{10.4, 33.8, 12275}},
       {"optimizer.weight_decay"},
       [](TrainConfig& config) { config.optimizer.weight_decay = 0; }},
      {"table3/beta2-0.9",
       {{10.1, 49.0, 2832}},
       {"optimizer.beta2"},
       [](TrainConfig& config) { config.optimizer.beta2 = 0.9; }},
      {"table3/beta2-0.999",
       {{10.7, 20.9, 1855}},
       {"optimizer.beta2"},
       [](TrainConfig& config) { config.optimizer.beta2 = 0.999; }},
      {"table3/twice-the-tokens",
       {{9.5, 63.3, 1848}},
       {"steps"},
       [](TrainConfig& config) { config.steps *= 2; }},
      {"table4/gelu",
       {{10.1, 69.3, 3369}},
       {"model.gated", "model.activation.kind", "model.d_mlp"},
       without_gate},
      {"table4/linear",
       {{12.5, 58.9, 688}},
       {"model.feed_forward"},
       [](TrainConfig& config) { config.model.feed_forward = FeedForwardKind::kLinear; }},
      {"table4/attention-only",
       {{10.8, 73.9, 637}},
       {"model.feed_forward", "model.n_layers"},
       attention_only},
      {"table5/sandwich",
       {{9.8, 44.7, 520}},
       placement,
       norms(NormPlacement::kSandwich, QkNorm::kNone)},
      {"table5/sandwich-qk",
       {{10.0, 42.0, 92}},
       {"model.norm_placement", "model.qk_norm"},
       norms(NormPlacement::kOutput, QkNorm::kWhole)},
      {"table5/dynamic-tanh",
       {{10.0, 61.0, 153}},
       {"model.norm.kind"},
       [](TrainConfig& config) { config.model.norm.kind = NormKind::kDynamicTanh; }},
      {"table6/heads-8", {{10.4, 37.1, 1253}}, kHeadCount, heads(8, kWidth)},
      {"table6/heads-16", {{10.3, 41.7, 1936}}, kHeadCount, heads(16, kWidth)},
      {"table6/d-head-8", {{11.3, 4.1, 291}}, kHeadWidth, heads(kHeads, 8)},
      {"table6/d-head-16", {{10.8, 9.8, 315}}, kHeadWidth, heads(kHeads, 16)},
      {"table6/d-head-32", {{10.5, 27.9, 829}}, kHeadWidth, heads(kHeads, 32)},
      {"table6/d-head-64", {{10.3, 37.7, 2112}}, kHeadWidth, heads(kHeads, 64)},
      {"table6/d-head-8-heads-512", {{10.7, 11.0, 1205}}, both, heads(512, 8)},
      {"table6/d-head-16-heads-256", {{10.4, 30.8, 1750}}, both, heads(256, 16)},
      {"table6/d-head-32-heads-128", {{10.3, 41.1, 1916}}, both, heads(128, 32)},
      {"table6/d-head-64-heads-64", {{10.2, 44.1, 2523}}, both, heads(64, 64)},
      {"table6/d-head-256-heads-16", {{10.1, 52.1, 3429}}, both, heads(16, 256)},
      {"table7/conditional-channel",
       {{10.0, 4.5, 202}},
       kGate,
       gate(GateInput::kHidden, GateWidth::kChannel)},
      {"table7/conditional-head",
       {{10.1, 6.4, 186}},
       kGate,
       gate(GateInput::kHidden, GateWidth::kHead)},
      {"table7/conditional-token",
       {{10.2, 31.2, 316}},
       kGate,
       gate(GateInput::kHidden, GateWidth::kToken)},
      {"table7/unconditional-channel",
       {{10.1, 42.2, 1922}},
       {"model.gate.input", "model.gate.width", "model.d_model", "model.d_mlp", "model.n_heads",
        "model.n_key_value_heads"},
       unconditional_channel},
      {"table7/unconditional-head",
       {{10.1, 41.3, 1884}},
       kGate,
       gate(GateInput::kConstant, GateWidth::kHead)},
      {"table7/unconditional-single",
       {{10.2, 44.3, 1797}},
       kGate,
       gate(GateInput::kConstant, GateWidth::kToken)},
      {"table7/position",
       {{10.1, 41.1, 1755}},
       kGate,
       gate(GateInput::kPosition, GateWidth::kChannel)},
      {"table7/embedding",
       {{10.0, 31.1, 1966}},
       kGate,
       gate(GateInput::kEmbedding, GateWidth::kChannel)},
      {"table8/1-256", {{12.4, 42.1, 5411}}, kPositions, positions(0, 256)},
      {"table8/1-1024", {{10.6, 46.3, 4442}}, kPositions, positions(0, 1024)},
      {"table8/1024-4096", {{10.1, 13.0, 38470}}, kPositions, positions(1024, 4096)},
      {"table8/1024-5120", {{10.1, 8.0, 42365}}, kPositions, positions(1024, 5120)},
      {"table8/2048-4096", {{10.6, 1.2, 7193}}, kPositions, positions(2048, 4096)},
      {"table8/2048-6144", {{10.0, 5.8, 30634}}, kPositions, positions(2048, 6144)},
      {"published/1-16384", std::nullopt, kPositions, positions(0, 16384)},
  };
}

// -- scales

struct Scale {
  const char* name;
  int64_t layers, d_model, d_mlp, heads, d_head, vocabulary, length, sequences;
  void (*recipe)(TrainConfig&);
};

// The defaults of TrainConfig, and the authors' number of steps.
void authors_recipe(TrainConfig& config) {
  config.steps = 50000;
}

// Found by experiment (docs/training.md). 0.16 is the authors' 0.02 at the width of 64: 1.28 /
// sqrt(d_model).
void nano_recipe(TrainConfig& config) {
  config.steps = 600;
  config.measure_every = 50;
  config.initial.matrix_deviation = 0.16;
  config.initial.attention_alpha = config.initial.feed_forward_alpha = 2;
  config.optimizer.learning_rate = 3e-3;
  config.optimizer.warm_up = 100;
  config.optimizer.weight_decay = 0.3;
}

// As above, at the width of 128. Every token that is no trigger is followed by one distribution
// (spread 0), so the model has to make these tokens alike.
void micro_recipe(TrainConfig& config) {
  config.steps = 1500;
  config.measure_every = 100;
  config.backcopy.spread = 0;
  config.initial.matrix_deviation = 0.113;
  config.optimizer.learning_rate = 1e-2;
  config.optimizer.warm_up = 100;
  config.optimizer.weight_decay = 0.02;
}

// 7b is the model of the paper's authors. 1b has the shape of Llama-3.2-1B, 60m that of Gu et al.
// (arXiv 2410.10781). A step of these has 2M tokens.
constexpr Scale kScales[] = {
    {.name = "nano",
     .layers = 2,
     .d_model = 64,
     .d_mlp = 192,
     .heads = 1,
     .d_head = 64,
     .vocabulary = 65,
     .length = 64,
     .sequences = 64,
     .recipe = nano_recipe},
    {.name = "micro",
     .layers = 2,
     .d_model = 128,
     .d_mlp = 384,
     .heads = 1,
     .d_head = 128,
     .vocabulary = 65,
     .length = 64,
     .sequences = 64,
     .recipe = micro_recipe},
    {.name = "60m",
     .layers = 10,
     .d_model = 768,
     .d_mlp = 1536,
     .heads = 8,
     .d_head = 96,
     .vocabulary = 32000,
     .length = 2048,
     .sequences = 1024,
     .recipe = authors_recipe},
    {.name = "1b",
     .layers = 16,
     .d_model = 2048,
     .d_mlp = 5632,
     .heads = 16,
     .d_head = 128,
     .vocabulary = 32000,
     .length = 4096,
     .sequences = 512,
     .recipe = authors_recipe},
    {.name = "7b",
     .layers = 32,
     .d_model = 4096,
     .d_mlp = 11008,
     .heads = 32,
     .d_head = 128,
     .vocabulary = 32000,
     .length = 4096,
     .sequences = 512,
     .recipe = authors_recipe},
};

}  // namespace

const std::vector<Ablation>& ablations() {
  static const auto rows = all_rows();
  return rows;
}

const Ablation& find_ablation(const std::string& name) {
  std::vector<std::string> names;
  for (const auto& row : ablations()) {
    if (row.name == name) return row;
    names.push_back(row.name);
  }
  detail::fail_argument("[ablations] got '{}', expected a row's name; the nearest are {}", name,
                        fmt::join(detail::nearest(name, names), ", "));
}

TrainConfig baseline(const std::string& scale) {
  for (const auto& size : kScales) {
    if (scale != size.name) continue;
    TrainConfig config;
    config.name = "baseline";
    auto& model = config.model;
    model.n_layers = size.layers;
    model.d_model = size.d_model;
    model.d_mlp = size.d_mlp;
    model.n_heads = model.n_key_value_heads = size.heads;
    model.d_head = size.d_head;
    model.d_vocabulary = size.vocabulary;
    model.context = size.length;
    model.ropes = {{}};
    config.sequences = size.sequences;
    config.length = size.length;
    size.recipe(config);
    return config;
  }
  detail::fail_argument("[baseline] scale: got '{}', expected nano, micro, 60m, 1b or 7b", scale);
}

TrainConfig ablation_config(const std::string& name, const std::string& scale) {
  const auto& row = find_ablation(name);
  auto config = baseline(scale);
  const auto before = to_json(config);
  row.change(config);
  if (!row.fields.empty() && to_json(config) == before)
    detail::fail_argument("[ablation_config] {} equals the baseline at the scale {}", name, scale);
  config.name = name;
  config.validate();
  return config;
}

}  // namespace spikesink
