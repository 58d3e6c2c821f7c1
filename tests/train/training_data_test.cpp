#include "spikesink/train/training_data.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "message_of.h"
#include "spikesink/text/tokenizer.h"
#include "spikesink/train/ablations.h"
#include "spikesink/train/token_windows.h"
#include "temp_dir.h"
#include "train/token_files.h"

namespace spikesink {
namespace {

namespace fs = std::filesystem;

constexpr const char* kText =
    "The first token takes what nobody wants. A head that has nothing to do looks there, and the "
    "norm makes it small. ";

std::string repeated(int times) {
  std::string text;
  for (int time = 0; time < times; ++time) text += fmt::format("{} {}", time, kText);
  return text;
}

TrainConfig text_config(const std::vector<std::string>& paths) {
  auto config = baseline("nano");
  config.model.d_vocabulary = 300;
  config.length = 16;
  config.measured_sequences = 4;
  config.data.training = paths;
  return config;
}

TEST(TrainingDataTest, TextTrainsATokenizerAndEndsInWindows) {
  const TempDir folder;
  folder.write("b.txt", repeated(40));
  folder.write("a.jsonl", "{\"text\": \"one\", \"id\": 7}\n\n{\"text\": \"two\"}\n");
  folder.write("c.csv", "not read");
  const auto config = text_config({folder.path().string()});
  const auto data = open_training_data(config, folder / "tokenizer");
  const auto tokenizer = load_tokenizer(data.tokenizer);
  EXPECT_EQ(tokenizer->vocabulary_size(), 300);
  EXPECT_TRUE(tokenizer->adds_bos());
  // The documents one after another, each after the separator.
  const int64_t separator = *tokenizer->eos_id();
  std::vector<int64_t> ids;
  for (const auto& document : {std::string("one"), std::string("two"), repeated(40)}) {
    ids.push_back(separator);
    for (const int64_t id : tokenizer->encode(document)) ids.push_back(id);
  }
  const int64_t held = 4 * 15, kept = static_cast<int64_t>(ids.size()) - held;
  const auto& validation = dynamic_cast<const TokenWindows&>(*data.validation);
  ASSERT_EQ(validation.windows(16), 4);
  const std::vector<int64_t> last(ids.begin() + kept, ids.begin() + kept + 15);
  EXPECT_EQ(ids_in(data.validation->sequences(0, 1, 16).slice(1, 1)), last);
  EXPECT_EQ(data.validation->sequences(0, 1, 16)[0][0].item<int64_t>(), separator);
  // All training windows, in whatever order.
  const auto& training = dynamic_cast<const TokenWindows&>(*data.training);
  const int64_t count = training.windows(16);
  ASSERT_EQ(count, kept / 15);
  std::multiset<std::vector<int64_t>> expected, got;
  for (int64_t row = 0; row < count; ++row) {
    expected.insert({ids.begin() + 15 * row, ids.begin() + 15 * (row + 1)});
    got.insert(ids_in(training.sequences(row, 1, 16).slice(1, 1)));
  }
  EXPECT_EQ(got, expected);
  // A second opening reads the tokenizer that is there.
  const auto written = fs::last_write_time(data.tokenizer / "tokenizer.json");
  const auto again = open_training_data(config, folder / "tokenizer");
  EXPECT_EQ(fs::last_write_time(data.tokenizer / "tokenizer.json"), written);
  EXPECT_TRUE(again.training->sequences(0, 3, 16).equal(data.training->sequences(0, 3, 16)));
}

TEST(TrainingDataTest, ShardsNeedNoTokenizer) {
  const TempDir folder;
  std::vector<uint16_t> ids(200);
  std::iota(ids.begin(), ids.end(), 0);
  const auto file = folder.write("train.bin", bytes_of(ids)).string();
  auto config = text_config({file});
  EXPECT_TRUE(contains(message_of<std::invalid_argument>([&] { open_training_data(config); }),
                       "data.separator: got none"));
  config.data.starts_with_separator = false;
  const auto data = open_training_data(config);
  EXPECT_TRUE(data.tokenizer.empty());
  EXPECT_EQ(ids_in(data.validation->sequences(0, 1, 16)), ids_in(torch::arange(136, 152)));
  // A last shard that is shorter than what is held out gives its whole windows.
  std::vector<uint16_t> few(40);
  config.data.training.push_back(folder.write("last.bin", bytes_of(few)).string());
  const auto both = open_training_data(config);
  EXPECT_EQ(dynamic_cast<const TokenWindows&>(*both.validation).windows(16), 4);
  EXPECT_EQ(dynamic_cast<const TokenWindows&>(*both.training).windows(16), 200 / 16 - 2);
  config.data.training.push_back(folder.write("a.txt", kText).string());
  EXPECT_TRUE(contains(message_of<std::invalid_argument>([&] { open_training_data(config); }),
                       "got none for 1 texts beside 2 token shards"));
  config.data.training.resize(1);
  config.data.starts_with_separator = true;
  config.data.separator = 299;
  EXPECT_EQ(open_training_data(config).training->sequences(0, 1, 16)[0][0].item<int64_t>(), 299);
}

TEST(TrainingDataTest, BadCorporaAreReportedInOneSentence) {
  const TempDir folder;
  const auto said = [&](const std::vector<std::string>& paths, auto change) {
    auto config = text_config(paths);
    change(config);
    try {
      open_training_data(config, folder / "tokenizer");
    } catch (const std::exception& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  const auto plain = [](TrainConfig&) {};
  const auto text = folder.write("a.txt", repeated(40)).string();
  const auto brief = folder.write("brief.txt", "ab").string();
  EXPECT_TRUE(contains(said({(folder / "none.txt").string()}, plain), "there is no '"));
  EXPECT_TRUE(contains(said({text, (folder / "shard-2.bin").string()}, plain), "shard-2.bin"));
  EXPECT_TRUE(contains(said({folder.write("a.csv", "x").string()}, plain), "expected a .txt"));
  fs::create_directory(folder / "empty");
  EXPECT_TRUE(contains(said({(folder / "empty").string()}, plain), "the folder has no .txt"));
  EXPECT_TRUE(contains(said({folder.write("empty.txt", "").string()}, plain), "is empty"));
  EXPECT_TRUE(contains(said({folder.write("a.jsonl", "{\"text\": 1}").string()}, plain),
                       "a.jsonl, line 1"));
  EXPECT_TRUE(contains(said({brief}, plain), "the corpus is too short"));
  fs::remove_all(folder / "tokenizer");
  EXPECT_TRUE(contains(said({text}, [](TrainConfig& c) { c.model.d_vocabulary = 65; }),
                       "model.d_vocabulary: got 65, expected at least 257"));
  said({text}, plain);
  EXPECT_TRUE(contains(said({text}, [&](TrainConfig& c) { c.data.validation = {brief}; }),
                       "data.validation: the corpus is too short: got 0 windows of 16 tokens, "
                       "expected at least 4"));
  EXPECT_TRUE(contains(said({text}, [](TrainConfig& c) { c.model.d_vocabulary = 65; }),
                       "the tokenizer has too many tokens: got "));
}

TEST(TrainingDataTest, BackcopyIsMeasuredOnTheSameSequencesWhateverTheSeed) {
  auto config = baseline("nano");
  const auto data = open_training_data(config);
  config.seed = 1;
  const auto other = open_training_data(config);
  EXPECT_TRUE(data.validation->sequences(0, 4, 32).equal(other.validation->sequences(0, 4, 32)));
  EXPECT_FALSE(data.training->sequences(0, 4, 32).equal(other.training->sequences(0, 4, 32)));
}

}  // namespace
}  // namespace spikesink
