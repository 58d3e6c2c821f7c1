#include "spikesink/report/report.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "message_of.h"
#include "spikesink/report/html_page.h"
#include "spikesink/spikesink.h"
#include "temp_dir.h"
#include "tiny_model.h"

namespace spikesink {
namespace {

constexpr const char* kHostile = "</script><img src=x onerror=alert(1)>";

/// A tokenizer whose every token is hostile.
struct Hostile : Tokenizer {
  std::vector<int64_t> encode(std::string_view) const override { return {}; }
  std::string decode(const std::vector<int64_t>&) const override { return kHostile; }
  std::string token_text(int64_t) const override { return kHostile; }
  int64_t vocabulary_size() const override { return tiny_config().d_vocabulary; }
  std::optional<int64_t> bos_id() const override { return {}; }
  std::optional<int64_t> eos_id() const override { return {}; }
  bool adds_bos() const override { return false; }
  bool adds_eos() const override { return false; }
};

struct ReportTest : testing::Test {
  ReportTest() {
    auto model = random_model();
    const TokenBatches batches = {{random_tokens(3, 10), 0}};
    const auto spike = model->hooks().add("blocks.0.hook_mlp_out", [](const torch::Tensor& x) {
      auto pushed = x.clone();
      pushed.select(1, 0).select(1, 3) += 50000;
      return pushed;
    });
    run(model, batches, {&life_cycle, &massive, &sinks, &perplexity});
    report.add_configuration("seed", int64_t{7});
    report.add_configuration("model", "no\nsuch \"model\"");
    report.add(model->config());
    report.add(life_cycle.result());
    report.add(massive.result());
    report.add(sinks.result());
    report.add(perplexity.result());
    report.add(*largest_state_picture(model, batches, life_cycle.result()));
  }

  LifeCycle life_cycle;
  MassiveActivations massive;
  AttentionSinks sinks;
  Perplexity perplexity;
  Report report{"test", std::make_shared<Hostile>()};
  TempDir folder;
};

TEST_F(ReportTest, CarriesTheFieldsThatScriptsRelyOn) {
  const auto json = nlohmann::json::parse(report.to_json());
  EXPECT_EQ(json["schema"]["version"], 1);
  EXPECT_EQ(json["configuration"]["seed"], 7);
  EXPECT_TRUE(json["versions"].contains("libtorch"));
  EXPECT_EQ(json["versions"]["kernels"], at::get_cpu_capability());
  const auto& blocks = json["life_cycle"]["blocks"];
  ASSERT_EQ(blocks.size(), 4u);
  EXPECT_EQ(blocks[0]["block"], 1);
  EXPECT_EQ(blocks[1]["kind"], "feed_forward");
  EXPECT_EQ(blocks[3]["layer"], 1);
  EXPECT_EQ(blocks[1]["hidden_state"]["top"][0]["channel"], 3);
  EXPECT_EQ(blocks[1]["hidden_state"]["top"][0]["position"], 0);
  EXPECT_EQ(blocks[1]["hidden_state"]["top"][0]["magnitude"],
            life_cycle.result().blocks[1].hidden_state.top[0].magnitude);
  EXPECT_EQ(blocks[1]["output"]["median"], life_cycle.result().blocks[1].output.median);
  EXPECT_EQ(json["life_cycle"]["spike_channels"], nlohmann::json({3}));
  EXPECT_EQ(json["life_cycle"]["step_up"], nlohmann::json({2}));
  EXPECT_EQ(json["life_cycle"]["step_down"], nlohmann::json::array());
  const auto& channel = json["massive_activations"]["blocks"][0]["channels"][0];
  EXPECT_EQ(channel["channel"], 3);
  EXPECT_EQ(channel["count"], 3);
  EXPECT_GT(channel["mean"], 40000);
  EXPECT_EQ(json["massive_activations"]["blocks"][0]["tokens"][0]["text"], kHostile);
  const auto& sink = json["attention_sinks"];
  EXPECT_EQ(sink["definition"], "paper");
  EXPECT_EQ(sink["epsilon"], 0.3);
  EXPECT_EQ(sink["heads"].size(), 8u);
  EXPECT_EQ(sink["sink_ratio_percent"], sinks.result().sink_ratio_percent(SinkDefinition::kPaper));
  EXPECT_EQ(sink["sink_heads"].size(), sinks.result().sink_heads().size());
  EXPECT_EQ(json["perplexity"]["tokens"], 27);
  EXPECT_EQ(json["perplexity"]["mean_loss"], perplexity.result().mean_loss);
}

TEST_F(ReportTest, WhatWasNotMeasuredIsNull) {
  Perplexity none;
  auto model = random_model();
  run(model, {{random_tokens(3, 1), 0}}, {&none});
  report.add(none.result());
  const auto json = nlohmann::json::parse(report.to_json());
  EXPECT_TRUE(json["perplexity"]["mean_loss"].is_null());
}

TEST_F(ReportTest, TheSameReportTwiceIsTheSameBytes) {
  EXPECT_EQ(report.to_json(), report.to_json());
}

TEST_F(ReportTest, BothFilesAreWrittenWholeAndNothingElse) {
  report.write(folder / "a" / "b");
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder / "a" / "b"))
    files.push_back(entry.path().filename());
  std::sort(files.begin(), files.end());
  EXPECT_EQ(files, (std::vector<std::string>{"report.html", "report.json"}));
}

TEST_F(ReportTest, AFolderThatCannotBeWrittenIsReportedBeforehand) {
  folder.write("file", "");
  EXPECT_TRUE(
      contains(message_of<FileError>([&] { prepare_report_folder(folder / "file"); }), "file"));
  EXPECT_TRUE(contains(
      message_of<FileError>([&] { prepare_report_folder(folder / "file" / "below"); }), "below"));
  EXPECT_THROW(prepare_report_folder("/proc/nothing"), FileError);
  prepare_report_folder(folder / "new");
  EXPECT_TRUE(std::filesystem::is_empty(folder / "new"));
}

TEST_F(ReportTest, TextOfAVocabularyDoesNotBecomeMarkup) {
  const auto page = html_page(report.to_json());
  EXPECT_EQ(page.find(kHostile), std::string::npos);
  EXPECT_EQ(page.find("<img"), std::string::npos);
  for (const char* part : {"{{page.css}}", "{{report.json}}", "{{plotly.js}}", "{{plot.js}}",
                           "{{sections.js}}", "{{page.js}}"})
    EXPECT_EQ(page.find(part), std::string::npos);
  EXPECT_NE(page.find("\\u003c/script>\\u003cimg"), std::string::npos) << "in as data";
}

}  // namespace
}  // namespace spikesink
