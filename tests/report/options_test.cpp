// Every kind of result carries the options it was made with into report.json and onto the page.

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "measure/planted_spikes.h"
#include "spikesink/report/html_page.h"
#include "spikesink/report/report.h"
#include "spikesink/spikesink.h"
#include "temp_dir.h"

namespace spikesink {
namespace {

using nlohmann::json;

struct ReportOptionsTest : PlantedSpikes {
  HookScope scope = plant();
  SpikePositions spikes = places_of(spike_mask());

  /// The section of report.json, which the page must hold as well.
  template <typename Result>
  json section(const std::string& key, const Result& result) {
    Report report("test");
    report.add(result);
    const auto text = report.to_json();
    const auto page = html_page(text);
    const std::string_view open = "<script type=\"application/json\" id=\"report\">";
    const auto begin = page.find(open) + open.size();
    const auto on_page = json::parse(page.substr(begin, page.find("</script>", begin) - begin));
    const auto written = json::parse(text).at(key);
    if (written.is_object() && written.contains("options"))
      EXPECT_EQ(on_page.at(key).at("options"), written.at("options"));
    if (written.is_object() && written.contains("definition"))
      EXPECT_EQ(on_page.at(key).at("definition"), written.at("definition"));
    return written;
  }
  template <typename M>
  json section_of(const std::string& key, M measurement) {
    run(model, batches, {&measurement});
    return section(key, measurement.result());
  }
};

TEST_F(ReportOptionsTest, LifeCycle) {
  const auto written = section_of(
      "life_cycle",
      LifeCycle(
          {.top = 5, .least_magnitude = 7, .least_ratio = 8, .step_share = 0.5, .step_ratio = 9}));
  EXPECT_EQ(written["options"], json({{"least_magnitude", 7.0},
                                      {"least_ratio", 8.0},
                                      {"step_share", 0.5},
                                      {"step_ratio", 9.0}}));
  EXPECT_EQ(written["blocks"][0]["hidden_state"]["top"].size(), 5u);
}

TEST_F(ReportOptionsTest, MassiveActivations) {
  const auto written = section_of("massive_activations",
                                  MassiveActivations({.least_magnitude = 50, .least_ratio = 500}));
  EXPECT_EQ(written["options"], json({{"least_magnitude", 50.0}, {"least_ratio", 500.0}}));
}

TEST_F(ReportOptionsTest, SpikeTokens) {
  const auto written = section_of(
      "spike_tokens", SpikeTokens({.massive = {.least_magnitude = 50, .least_ratio = 2.5}}));
  const auto words = written["definition"].get<std::string>();
  EXPECT_NE(words.find("max |h| > 50 and >= 2.5 medians"), std::string::npos) << words;
}

TEST_F(ReportOptionsTest, AttentionSinks) {
  const auto written = section_of(
      "attention_sinks", AttentionSinks({.epsilon = 0.1, .keys = {2, 0}, .paper_length = 5}));
  EXPECT_EQ(written["paper"]["length"], 5);
  EXPECT_EQ(written["epsilon"], 0.1);
  EXPECT_EQ(written["key"], 2) << "the first key that was watched";
}

TEST_F(ReportOptionsTest, SinksAnywhere) {
  const auto written =
      section_of("sinks_anywhere", SinksAnywhere({.epsilon = 0.1, .least_queries = 3}));
  EXPECT_EQ(written["options"], json({{"epsilon", 0.1}, {"least_queries", 3}}));
}

TEST_F(ReportOptionsTest, SelfAttention) {
  const auto written = section_of("self_attention", SelfAttention(spikes, {.delimiters = {3, 5}}));
  EXPECT_EQ(written["options"], json({{"delimiters", {3, 5}}}));
}

TEST_F(ReportOptionsTest, GateLinearity) {
  const auto written = section_of(
      "gate_linearity", GateLinearity(spikes, {.max_spike_samples = 2, .max_ordinary_samples = 3}));
  EXPECT_EQ(written["options"], json({{"max_spike_samples", 2}, {"max_ordinary_samples", 3}}));
  EXPECT_EQ(written["blocks"][0]["ordinary"]["sample"].size(), 3u);
  EXPECT_EQ(written["blocks"][0]["ordinary"]["sample"][0].size(), 3u);
}

TEST_F(ReportOptionsTest, SparseConstants) {
  EXPECT_EQ(section_of("sparse_constants", SparseConstants(spikes, {.top = 7}))["top"], 7);
}

TEST_F(ReportOptionsTest, SpikeCosines) {
  const auto written =
      section_of("spike_cosines", SpikeCosines(spikes, Block{2}, {.max_tokens = 5}));
  EXPECT_EQ(written["options"], json({{"max_tokens", 5}}));
  EXPECT_EQ(written["block"], 2);
  EXPECT_EQ(written["norm"], json({{"name", "blocks.1.ln1"}, {"after_block", 2}}));
  for (const char* kind : {"spike", "ordinary"}) {
    EXPECT_EQ(written[kind]["tokens"].size(), 5u);
    EXPECT_EQ(written[kind]["normalized"]["matrix"][4].size(), 5u);
  }
}

TEST_F(ReportOptionsTest, SinkGeometry) {
  SinkGeometry geometry({.sinks = {.positions = {1}}, .before_rope = true});
  run(model, batches, {&geometry});
  const auto written = section("sink_geometry", SinkGeometrySummary{.result = geometry.result()});
  EXPECT_EQ(written["options"], json({{"positions", {1}}, {"before_rope", true}}));
}

TEST_F(ReportOptionsTest, SinkKeySpan) {
  const auto written =
      section_of("sink_key_span", SinkKeySpan({.channels = {9, 3}, .sinks = {.positions = {1}}}));
  EXPECT_EQ(written["options"], json({{"channels", {9, 3}}, {"positions", {1}}}));
  EXPECT_EQ(written["heads"].size(), 4u);
}

TEST_F(ReportOptionsTest, AttentionLocality) {
  const auto written =
      section_of("attention_locality", AttentionLocality({.epsilon = 0.1,
                                                          .least_queries = 3,
                                                          .windows = {2, 5, 7},
                                                          .least_share_of_sequences = 0.25,
                                                          .common_sinks = {.positions = {1}}}));
  EXPECT_EQ(written["options"], json({{"epsilon", 0.1},
                                      {"least_queries", 3},
                                      {"windows", {2, 5, 7}},
                                      {"least_share_of_sequences", 0.25},
                                      {"common_sinks", {1}}}));
  EXPECT_EQ(written["heads"][0]["without_sinks"]["within"].size(), 3u);
}

TEST_F(ReportOptionsTest, EffectiveSinks) {
  const auto written =
      section_of("effective_sinks", EffectiveSinks({.sinks = {.positions = {2, 0}}}));
  EXPECT_EQ(written["options"], json({{"positions", {2, 0}}}));
  EXPECT_FALSE(written["heads"][0].contains("gate")) << "the model has none";
}

TEST_F(ReportOptionsTest, QuadraticForm) {
  const auto written =
      section("quadratic_form",
              quadratic_form(model, {.outlier_deviations = 0.5, .least_dominance = 0.25}));
  EXPECT_EQ(written["options"], json({{"outlier_deviations", 0.5}, {"least_dominance", 0.25}}));
}

TEST_F(ReportOptionsTest, FirstNorm) {
  const auto written = section(
      "first_norm", *first_norm(model, {.delimiters = {3, 5}, .first = {7}, .spike = {5, 9}}));
  EXPECT_EQ(written["groups"]["delimiter"]["entries"], 2);
  ASSERT_EQ(written["tokens"].size(), 4u);
  EXPECT_EQ(written["tokens"][1]["id"], 5);
  EXPECT_EQ(written["tokens"][1]["groups"], json({"delimiter", "spike"}));
  EXPECT_EQ(written["tokens"][2]["groups"], json({"first"}));
}

TEST_F(ReportOptionsTest, VocabularyProbe) {
  const auto written =
      section("vocabulary_probe",
              vocabulary_probe(model, Block{2},
                               {.spike = 200, .least_share = 0.25, .least_magnitude = 50}));
  EXPECT_EQ(written["options"], json({{"least_share", 0.25}, {"least_magnitude", 50.0}}));
  EXPECT_EQ(written["spike"], 200);
}

TEST_F(ReportOptionsTest, Quantisation) {
  const auto written = section_of(
      "quantisation", Quantisation(spikes, {.bits = 4, .outlier_ratio = 5, .least_gain = 2}));
  EXPECT_EQ(written["options"], json({{"bits", 4}, {"outlier_ratio", 5.0}, {"least_gain", 2.0}}));
}

TEST_F(ReportOptionsTest, KvCache) {
  SinksAnywhere sinks;
  SpikeTokens tokens;
  run(model, batches, {&sinks, &tokens});
  const auto written = section(
      "kv_cache", kv_cache_keep(sinks.result(), tokens.result(), {.least_share_of_heads = 0.75}));
  EXPECT_EQ(written["options"], json({{"least_share_of_heads", 0.75}}));
}

TEST_F(ReportOptionsTest, NotFinite) {
  const auto written = section_of("not_finite", NotFinite({"blocks.*.hook_mlp_out"}));
  EXPECT_EQ(written["options"], json({{"patterns", {"blocks.*.hook_mlp_out"}}}));
}

TEST_F(ReportOptionsTest, Parity) {
  TempDir folder;
  const auto file = folder / "reference.safetensors";
  save_safetensors(file, {{"hook_embed", all_of("hook_embed")["hook_embed"]}});
  const auto written =
      section_of("parity", Parity(open_safetensors(file), {.absolute = 0.5, .relative = 0.25}));
  EXPECT_EQ(written["options"], json({{"absolute", 0.5}, {"relative", 0.25}}));
}

TEST_F(ReportOptionsTest, Streams) {
  const StreamingOptions options{.step = 3, .segment_length = 5};
  const auto result = evaluate_streaming(model, tokens[0], {.first = 1, .window = 8}, options);
  const auto written = section(
      "streams", std::vector<NamedStreamingResult>{{"window", {.first = 1, .window = 8}, result}});
  EXPECT_EQ(written[0]["step"], 3);
  EXPECT_EQ(written[0]["segment_length"], 5);
}

}  // namespace
}  // namespace spikesink
