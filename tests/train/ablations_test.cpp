#include "spikesink/train/ablations.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "message_of.h"

namespace spikesink {
namespace {

using nlohmann::json;

void differences(const json& a, const json& b, const std::string& at,
                 std::vector<std::string>& out) {
  for (const auto& [key, value] : a.items()) {
    const auto name = at.empty() ? key : fmt::format("{}.{}", at, key);
    if (value.is_object()) {
      differences(value, b[key], name, out);
    } else if (value != b[key]) {
      out.push_back(name);
    }
  }
}

TEST(AblationsTest, EachRowDiffersInItsFieldsAlone) {
  EXPECT_EQ(ablations().size(), 42);
  for (const auto& scale : {"60m", "7b"}) {
    const auto base = json::parse(to_json(baseline(scale)));
    for (const auto& row : ablations()) {
      if (row.fields.empty()) continue;
      std::vector<std::string> changed;
      differences(base, json::parse(to_json(ablation_config(row.name, scale))), "", changed);
      ASSERT_GE(changed.size(), 2u) << row.name;
      std::erase(changed, "name");
      auto allowed = row.fields;
      for (const auto& field : changed)
        EXPECT_NE(std::find(allowed.begin(), allowed.end(), field), allowed.end())
            << row.name << " changes " << field;
    }
  }
  EXPECT_TRUE(contains(
      message_of<std::invalid_argument>([] { ablation_config("table5/sandwhich", "nano"); }),
      "table5/sandwich"));
  EXPECT_THROW(baseline("2b"), std::invalid_argument);
}

// The baseline of the authors' code (github.com/savinasun/SpikeSparseSink, configs/base.yaml and
// train_0.yaml, and the models' reset_parameters), under the names of TrainConfig.
const json& authors_baseline() {
  static const auto config = json::parse(R"({
    "steps": 50000, "length": 4096, "skipped_predictions": 0, "seed": 2025, "sequences": 512,
    "optimizer": {"learning_rate": 3e-4, "min_rate_ratio": 0.1, "warm_up": 2000, "beta1": 0.9,
                  "beta2": 0.95, "epsilon": 1e-8, "weight_decay": 0.1, "decay_vectors": true,
                  "clip": 1.0},
    "initial": {"embedding_deviation": 1.0, "matrix_deviation": 0.02, "unembedding_deviation": null,
                "gate_deviation": 0.02, "scale_by_depth": false, "attention_alpha": 0.8,
                "feed_forward_alpha": 0.2},
    "model": {"d_vocabulary": 32000, "d_model": 4096, "n_layers": 32, "n_heads": 32,
              "n_key_value_heads": 32, "d_head": 128, "d_mlp": 11008, "context": 4096,
              "tied_embeddings": false, "qkv_bias": false, "attention_output_bias": false,
              "mlp_bias": false, "norm_placement": "pre", "qk_norm": "none",
              "norm": {"kind": "rms", "epsilon": 1e-5, "has_bias": false},
              "final_norm": {"kind": "rms", "epsilon": 1e-5, "has_bias": false},
              "qk_norm_config": {"kind": "rms", "epsilon": 1e-5},
              "gate": {"input": "none"}, "feed_forward": "mlp", "gated": true,
              "activation": {"kind": "silu"}}
  })");
  return config;
}

struct PublishedRow {
  int number;  // of configs/train_N.yaml
  const char* row;
  const char* changes;  // to the baseline
};

constexpr PublishedRow kPublished[] = {
    {0, "baseline", "{}"},
    {1, "table3/rate-7.5e-5", R"({"optimizer": {"learning_rate": 7.5e-5}})"},
    {2, "table3/rate-1.5e-4", R"({"optimizer": {"learning_rate": 1.5e-4}})"},
    {3, "table3/rate-6e-4", R"({"optimizer": {"learning_rate": 6e-4}})"},
    {4, "table3/rate-1.2e-3", R"({"optimizer": {"learning_rate": 1.2e-3}})"},
    {11, "table3/weight-decay-0", R"({"optimizer": {"weight_decay": 0.0}})"},
    {21, "table3/beta2-0.9", R"({"optimizer": {"beta2": 0.9}})"},
    {22, "table3/beta2-0.999", R"({"optimizer": {"beta2": 0.999}})"},
    {31, "table3/twice-the-tokens", R"({"steps": 100000})"},
    {41, "table3/constant-rate", R"({"optimizer": {"min_rate_ratio": 1.0}})"},
    {91, "table6/heads-16", R"({"model": {"n_heads": 16, "n_key_value_heads": 16}})"},
    {92, "table6/heads-8", R"({"model": {"n_heads": 8, "n_key_value_heads": 8}})"},
    {101, "table6/d-head-64", R"({"model": {"d_head": 64}})"},
    {102, "table6/d-head-32", R"({"model": {"d_head": 32}})"},
    {103, "table6/d-head-16", R"({"model": {"d_head": 16}})"},
    {104, "table6/d-head-8", R"({"model": {"d_head": 8}})"},
    {111, "table6/d-head-256-heads-16",
     R"({"model": {"d_head": 256, "n_heads": 16, "n_key_value_heads": 16}})"},
    {112, "table6/d-head-64-heads-64",
     R"({"model": {"d_head": 64, "n_heads": 64, "n_key_value_heads": 64}})"},
    {113, "table6/d-head-32-heads-128",
     R"({"model": {"d_head": 32, "n_heads": 128, "n_key_value_heads": 128}})"},
    {114, "table6/d-head-16-heads-256",
     R"({"model": {"d_head": 16, "n_heads": 256, "n_key_value_heads": 256}})"},
    {115, "table6/d-head-8-heads-512",
     R"({"model": {"d_head": 8, "n_heads": 512, "n_key_value_heads": 512}})"},
    {121, "table4/gelu",
     R"({"model": {"d_mlp": 16512, "gated": false, "activation": {"kind": "gelu"}}})"},
    {122, "table4/linear", R"({"model": {"feed_forward": "linear"}})"},
    // The authors' layer has two attention blocks; here it is two layers.
    {123, "table4/attention-only", R"({"model": {"feed_forward": "none", "n_layers": 64}})"},
    {141, "table5/dynamic-tanh", R"({"model": {"norm": {"kind": "dynamic tanh"}}})"},
    {142, "table5/sandwich", R"({"model": {"norm_placement": "sandwich"}})"},
    {143, "table5/sandwich-qk", R"({"model": {"norm_placement": "output", "qk_norm": "whole"}})"},
    {151, "table7/conditional-channel",
     R"({"model": {"gate": {"input": "hidden", "width": "channel"}}})"},
    {152, "table7/conditional-head",
     R"({"model": {"gate": {"input": "hidden", "width": "head"}}})"},
    {153, "table7/conditional-token",
     R"({"model": {"gate": {"input": "hidden", "width": "token"}}})"},
    {154, "table7/unconditional-head",
     R"({"model": {"gate": {"input": "constant", "width": "head"}}})"},
    {155, "table7/position", R"({"model": {"gate": {"input": "position", "width": "channel"}}})"},
    {156, "table7/embedding", R"({"model": {"gate": {"input": "embedding", "width": "channel"}}})"},
    {157, "table7/unconditional-channel",
     R"({"model": {"gate": {"input": "constant", "width": "channel"}, "d_model": 3072,
                   "n_heads": 24, "n_key_value_heads": 24, "d_mlp": 8256}})"},
    // The authors' batch_size is a blank; appendix A has 2M tokens a step.
    {161, "published/1-16384",
     R"({"length": 16384, "sequences": 128, "model": {"context": 16384}})"},
    {162, "table8/1-1024", R"({"length": 1024, "sequences": 2048, "model": {"context": 1024}})"},
    {163, "table8/1-256", R"({"length": 256, "sequences": 8192, "model": {"context": 256}})"},
    {171, "table8/1024-4096", R"({"skipped_predictions": 1024})"},
    {172, "table8/1024-5120",
     R"({"length": 5120, "skipped_predictions": 1024, "sequences": 410,
         "model": {"context": 5120}})"},
    {173, "table8/2048-4096", R"({"skipped_predictions": 2048})"},
    {174, "table8/2048-6144",
     R"({"length": 6144, "skipped_predictions": 2048, "sequences": 341,
         "model": {"context": 6144}})"},
};

// Expects the keys of `expected` in `got`; numbers agree to their last digits.
void expect_keys(const json& expected, const json& got, const std::string& where) {
  for (const auto& [key, value] : expected.items()) {
    const auto name = where + "." + key;
    ASSERT_TRUE(got.contains(key)) << name;
    if (value.is_object()) {
      expect_keys(value, got[key], name);
    } else if (value.is_number_float()) {
      EXPECT_DOUBLE_EQ(got[key].get<double>(), value.get<double>()) << name;
    } else {
      EXPECT_EQ(got[key], value) << name;
    }
  }
}

TEST(AblationsTest, AtThePapersSizeTheyAreTheAuthorsConfigurations) {
  EXPECT_EQ(std::size(kPublished), 41);
  for (const auto& published : kPublished) {
    auto expected = authors_baseline();
    expected.merge_patch(json::parse(published.changes));
    expect_keys(expected, json::parse(to_json(ablation_config(published.row, "7b"))),
                published.row);
  }
}

TEST(AblationsTest, OtherSizesHaveTheAuthorsRecipe) {
  for (const char* scale : {"60m", "1b"}) {
    auto expected = authors_baseline();
    expected.erase("model");
    expected["length"] = scale == std::string("60m") ? 2048 : 4096;
    expected["sequences"] = (1 << 21) / expected["length"].get<int64_t>();
    expect_keys(expected, json::parse(to_json(baseline(scale))), scale);
  }
}

TEST(AblationsTest, EveryRowTakesAsManyTokensAStep) {
  for (const char* scale : {"nano", "60m", "7b"}) {
    const auto base = baseline(scale);
    const auto tokens = static_cast<double>(base.sequences * base.length);
    for (const auto& row : ablations()) {
      if (row.fields.empty() || row.fields.front() != "length") continue;
      const auto config = ablation_config(row.name, scale);
      EXPECT_NEAR(static_cast<double>(config.sequences * config.length), tokens,
                  static_cast<double>(config.length) / 2)
          << row.name << " at " << scale;
    }
  }
}

}  // namespace
}  // namespace spikesink
