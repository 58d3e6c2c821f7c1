#include "spikesink/train/training_data.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "message_of.h"
#include "spikesink/text/tokenizer.h"
#include "spikesink/train/ablations.h"
#include "spikesink/train/token_windows.h"
#include "temp_dir.h"
#include "train/permutation.h"

namespace spikesink {
namespace {

namespace fs = std::filesystem;

template <typename T>
std::string bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

template <typename T>
std::string llmc_shard(int32_t magic, int32_t version, int32_t count, const std::vector<T>& ids) {
  std::vector<int32_t> header(256);
  header[0] = magic;
  header[1] = version;
  header[2] = count;
  return bytes_of(header) + bytes_of(ids);
}

std::vector<int64_t> list(const torch::Tensor& ids) {
  const auto flat = ids.to(torch::kLong).flatten();
  return {flat.data_ptr<int64_t>(), flat.data_ptr<int64_t>() + flat.numel()};
}

TokenShard shard(int64_t first, int64_t last) {
  return {fmt::format("{}-{}", first, last), torch::arange(first, last, torch::kInt)};
}

// -- the order

TEST(PermutedTest, EveryPlaceOnceInAnOrderOfItsOwn) {
  for (const uint64_t count : {1, 2, 3, 17, 64, 1000}) {
    std::vector<uint64_t> order, other, sorted(count);
    for (uint64_t index = 0; index < count; ++index) {
      order.push_back(detail::permuted(index, count, 5));
      other.push_back(detail::permuted(index, count, 6));
    }
    std::iota(sorted.begin(), sorted.end(), 0);
    EXPECT_TRUE(std::is_permutation(order.begin(), order.end(), sorted.begin())) << count;
    if (count >= 17) {
      EXPECT_NE(order, sorted);
      EXPECT_NE(order, other);
    }
  }
}

// Where one place goes over many seeds: chi-squared of 16 cells has mean 15 and deviation 5.5.
TEST(PermutedTest, NoPlaceIsPreferred) {
  std::vector<double> counts(16);
  constexpr int kSeeds = 8000;
  for (int seed = 0; seed < kSeeds; ++seed) ++counts[detail::permuted(3, 16, seed)];
  double squares = 0;
  for (const double count : counts) squares += std::pow(count - kSeeds / 16.0, 2);
  EXPECT_LT(squares / (kSeeds / 16.0), 45);
}

// -- shards

TEST(TokenShardTest, ReadsAllThreeKinds) {
  const TempDir folder;
  const std::vector<uint16_t> small = {1, 60000, 3};
  const std::vector<uint32_t> large = {1, 100000, 3};
  const std::vector<int64_t> expected = {1, 60000, 3}, expected_large = {1, 100000, 3};
  const auto read = [&](const std::string& bytes) {
    return list(open_token_shard(folder.write("a.bin", bytes)).tokens);
  };
  EXPECT_EQ(read(bytes_of(small)), expected);
  EXPECT_EQ(read(llmc_shard(20240520, 1, 3, small)), expected);
  EXPECT_EQ(read(llmc_shard(20240801, 7, 3, large)), expected_large);
}

TEST(TokenShardTest, WhatIsNoneIsRefused) {
  const TempDir folder;
  const auto said = [&](const std::string& bytes) {
    const auto file = folder.write("a.bin", bytes);
    return message_of<FormatError>([&] { open_token_shard(file); });
  };
  EXPECT_TRUE(holds(said("abc"), "got 3 bytes, expected uint16 ids"));
  EXPECT_TRUE(holds(said(""), "is empty"));
  const std::vector<uint16_t> ids = {1, 2, 3};
  EXPECT_TRUE(holds(said(llmc_shard(20240520, 1, 4, ids)),
                    "got version 1 and 4 tokens, expected version 1 and 3 tokens"));
  EXPECT_TRUE(holds(said(llmc_shard(20240520, 2, 3, ids)), "got version 2"));
  EXPECT_THROW(open_token_shard(folder / "none.bin"), FormatError);
}

// -- windows

TEST(TokenWindowsTest, EveryWindowOnceEachTimeRound) {
  const TokenWindows windows({shard(0, 23), shard(100, 131)}, {.d_vocabulary = 200, .seed = 4});
  ASSERT_EQ(windows.windows(5), 4 + 6);
  std::vector<std::vector<int64_t>> seen[2];
  for (int64_t round = 0; round < 2; ++round) {
    for (int64_t row = 0; row < 10; ++row)
      seen[round].push_back(list(windows.sequences(10 * round + row, 1, 5)));
  }
  EXPECT_NE(seen[0], seen[1]);
  for (auto& rows : seen) std::sort(rows.begin(), rows.end());
  EXPECT_EQ(seen[0], seen[1]);
  for (int64_t row = 0; row < 10; ++row) {
    const int64_t first = row < 4 ? 5 * row : 100 + 5 * (row - 4);
    EXPECT_EQ(seen[0][row], list(torch::arange(first, first + 5)));
  }
  EXPECT_TRUE(windows.sequences(3, 9, 5).slice(0, 4, 6).equal(windows.sequences(7, 2, 5)));
}

TEST(TokenWindowsTest, AFirstTokenTakesAPlace) {
  const TokenWindows windows({shard(0, 8)},
                             {.d_vocabulary = 50, .first_token = 49, .shuffled = false});
  EXPECT_EQ(windows.windows(5), 2);
  EXPECT_EQ(list(windows.sequences(0, 2, 5)),
            (std::vector<int64_t>{49, 0, 1, 2, 3, 49, 4, 5, 6, 7}));
}

TEST(TokenWindowsTest, BadInputIsToldByName) {
  const TokenWindows windows({shard(0, 8)}, {.d_vocabulary = 7});
  EXPECT_TRUE(holds(message_of<FormatError>([&] { windows.sequences(0, 1, 8); }),
                    "got ids from 0 to 7, expected 0 to 6 (0-8)"));
  EXPECT_TRUE(
      holds(message_of<std::invalid_argument>([&] { windows.sequences(0, 1, 9); }), "9 tokens"));
}

// -- corpora

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
  EXPECT_EQ(list(data.validation->sequences(0, 1, 16).slice(1, 1)), last);
  EXPECT_EQ(data.validation->sequences(0, 1, 16)[0][0].item<int64_t>(), separator);
  // All training windows, in whatever order.
  const auto& training = dynamic_cast<const TokenWindows&>(*data.training);
  const int64_t count = training.windows(16);
  ASSERT_EQ(count, kept / 15);
  std::multiset<std::vector<int64_t>> expected, got;
  for (int64_t row = 0; row < count; ++row) {
    expected.insert({ids.begin() + 15 * row, ids.begin() + 15 * (row + 1)});
    got.insert(list(training.sequences(row, 1, 16).slice(1, 1)));
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
  EXPECT_TRUE(holds(message_of<std::invalid_argument>([&] { open_training_data(config); }),
                    "data.separator: got none"));
  config.data.starts_with_separator = false;
  const auto data = open_training_data(config);
  EXPECT_TRUE(data.tokenizer.empty());
  EXPECT_EQ(list(data.validation->sequences(0, 1, 16)), list(torch::arange(136, 152)));
  // A last shard that is shorter than what is held out gives its whole windows.
  std::vector<uint16_t> few(40);
  config.data.training.push_back(folder.write("last.bin", bytes_of(few)).string());
  const auto both = open_training_data(config);
  EXPECT_EQ(dynamic_cast<const TokenWindows&>(*both.validation).windows(16), 4);
  EXPECT_EQ(dynamic_cast<const TokenWindows&>(*both.training).windows(16), 200 / 16 - 2);
  config.data.training.push_back(folder.write("a.txt", kText).string());
  EXPECT_TRUE(holds(message_of<std::invalid_argument>([&] { open_training_data(config); }),
                    "got none for 1 texts beside 2 token shards"));
  config.data.training.resize(1);
  config.data.starts_with_separator = true;
  config.data.separator = 299;
  EXPECT_EQ(open_training_data(config).training->sequences(0, 1, 16)[0][0].item<int64_t>(), 299);
}

TEST(TrainingDataTest, BadCorporaAreToldInOneSentence) {
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
  EXPECT_TRUE(holds(said({(folder / "none.txt").string()}, plain), "there is no '"));
  EXPECT_TRUE(holds(said({text, (folder / "shard-2.bin").string()}, plain), "shard-2.bin"));
  EXPECT_TRUE(holds(said({folder.write("a.csv", "x").string()}, plain), "expected a .txt"));
  fs::create_directory(folder / "empty");
  EXPECT_TRUE(holds(said({(folder / "empty").string()}, plain), "the folder has no .txt"));
  EXPECT_TRUE(holds(said({folder.write("empty.txt", "").string()}, plain), "is empty"));
  EXPECT_TRUE(
      holds(said({folder.write("a.jsonl", "{\"text\": 1}").string()}, plain), "a.jsonl, line 1"));
  EXPECT_TRUE(holds(said({brief}, plain), "the corpus is too short"));
  fs::remove_all(folder / "tokenizer");
  EXPECT_TRUE(holds(said({text}, [](TrainConfig& c) { c.model.d_vocabulary = 65; }),
                    "model.d_vocabulary: got 65, expected at least 257"));
  said({text}, plain);
  EXPECT_TRUE(holds(said({text}, [&](TrainConfig& c) { c.data.validation = {brief}; }),
                    "data.validation: the corpus is too short: got 0 windows of 16 tokens, "
                    "expected at least 4"));
  EXPECT_TRUE(holds(said({text}, [](TrainConfig& c) { c.model.d_vocabulary = 65; }),
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
