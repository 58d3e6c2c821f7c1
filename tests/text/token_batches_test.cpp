#include "spikesink/text/token_batches.h"

#include <gtest/gtest.h>

#include "message_of.h"

namespace spikesink {
namespace {

/// One token a byte.
struct Bytes : Tokenizer {
  std::optional<int64_t> bos = 256;
  std::optional<int64_t> eos;
  bool adds = false;
  bool adds_end = false;

  std::vector<int64_t> encode(std::string_view text) const override {
    std::vector<int64_t> ids;
    for (const char byte : text) ids.push_back(static_cast<unsigned char>(byte));
    return ids;
  }
  std::string decode(const std::vector<int64_t>&) const override { return {}; }
  std::string token_text(int64_t) const override { return {}; }
  int64_t vocabulary_size() const override { return 257; }
  std::optional<int64_t> bos_id() const override { return bos; }
  std::optional<int64_t> eos_id() const override { return eos; }
  bool adds_bos() const override { return adds; }
  bool adds_eos() const override { return adds_end; }
};

TEST(TokenBatchesTest, WindowsFollowOneAnotherAndTheRestIsDropped) {
  const auto batches = token_batches(Bytes(), "abcdefghijk", {.length = 3, .max_batch_tokens = 6});
  ASSERT_EQ(batches.size(), 2u);
  EXPECT_TRUE(
      batches[0].ids.equal(torch::tensor({{'a', 'b', 'c'}, {'d', 'e', 'f'}}, torch::kLong)));
  EXPECT_TRUE(batches[1].ids.equal(torch::tensor({{'g', 'h', 'i'}}, torch::kLong)));
  EXPECT_EQ(batches[1].first_sequence, 2);
  EXPECT_EQ(token_batches(Bytes(), "abcdefghijk", {.length = 3, .max_windows = 2})[0].ids.size(0),
            2);
}

TEST(TokenBatchesTest, BosIsTheFirstTokenOfEachWindow) {
  Bytes bytes;
  const auto expected = torch::tensor({{256, 'a', 'b'}, {256, 'd', 'e'}}, torch::kLong);
  EXPECT_TRUE(
      token_batches(bytes, "abcdef", {.length = 3, .bos = BosRule::kYes})[0].ids.equal(expected));
  EXPECT_EQ(token_batches(bytes, "abcdef", {.length = 3})[0].ids[0][0].item<int64_t>(), 'a');
  bytes.adds = true;
  EXPECT_TRUE(token_batches(bytes, "abcdef", {.length = 3})[0].ids.equal(expected))
      << "as the tokenizer says";
  EXPECT_EQ(token_batches(bytes, "abcdef", {.length = 3, .bos = BosRule::kNo})[0]
                .ids[0][0]
                .item<int64_t>(),
            'a');
  bytes.bos.reset();
  EXPECT_TRUE(contains(message_of<std::invalid_argument>([&] {
                         token_batches(bytes, "abcdef", {.length = 3, .bos = BosRule::kYes});
                       }),
                       "BOS"));
}

TEST(TokenBatchesTest, EosIsTheLastTokenWhereTheTokenizerAddsIt) {
  Bytes bytes;
  bytes.eos = 255;
  const auto ids = [&](BosRule rule) {
    return token_batches(bytes, "abcdef", {.length = 3, .bos = rule})[0].ids;
  };
  EXPECT_TRUE(
      ids(BosRule::kYes).equal(torch::tensor({{256, 'a', 'b'}, {256, 'd', 'e'}}, torch::kLong)));
  bytes.adds_end = true;
  EXPECT_TRUE(
      ids(BosRule::kAuto).equal(torch::tensor({{'a', 'b', 255}, {'d', 'e', 255}}, torch::kLong)));
  bytes.adds = true;
  const auto both = torch::tensor({{256, 'a', 255}, {256, 'd', 255}}, torch::kLong);
  EXPECT_TRUE(ids(BosRule::kAuto).equal(both));
  EXPECT_TRUE(ids(BosRule::kYes).equal(both));
  EXPECT_TRUE(
      ids(BosRule::kNo).equal(torch::tensor({{'a', 'b', 'c'}, {'d', 'e', 'f'}}, torch::kLong)));
  EXPECT_TRUE(contains(
      message_of<std::invalid_argument>([&] { token_batches(bytes, "abcdef", {.length = 2}); }),
      "expected at least 3 tokens"));
  EXPECT_TRUE(windows_end_with_eos(bytes, BosRule::kAuto));
  EXPECT_FALSE(windows_end_with_eos(bytes, BosRule::kNo));
  EXPECT_TRUE(bytes.is_special(255) && bytes.is_special(256) && !bytes.is_special('a'));
}

TEST(TokenBatchesTest, SeveralTokensMayPrecedeAndFollowTheText) {
  struct Several : Bytes {
    std::vector<int64_t> prefix_ids() const override { return {256, 254}; }
    std::vector<int64_t> suffix_ids() const override { return {253, 255}; }
  } several;
  several.eos = 255;
  several.adds = several.adds_end = true;
  const auto all = torch::tensor({{256, 254, 'a', 253, 255}}, torch::kLong);
  for (const BosRule rule : {BosRule::kAuto, BosRule::kYes})
    EXPECT_TRUE(token_batches(several, "abcde", {.length = 5, .bos = rule})[0].ids.equal(all));
  EXPECT_EQ(window_prefix(several, BosRule::kNo), std::vector<int64_t>{});
  EXPECT_EQ(window_suffix(several, BosRule::kNo), std::vector<int64_t>{});
  EXPECT_TRUE(contains(
      message_of<std::invalid_argument>([&] { token_batches(several, "abcd", {.length = 4}); }),
      "expected at least 5 tokens"));
}

TEST(TokenBatchesTest, ATextShorterThanAWindowIsRefused) {
  for (const char* text : {"", "ab"}) {
    const auto message =
        message_of<std::invalid_argument>([&] { token_batches(Bytes(), text, {.length = 3}); });
    EXPECT_TRUE(contains(message, "too short"));
    EXPECT_TRUE(contains(message, "3"));
  }
  EXPECT_THROW(token_batches(Bytes(), "abc", {.length = 1}), std::invalid_argument);
  EXPECT_THROW(token_batches(Bytes(), "abc", {.length = 2, .max_windows = -1}),
               std::invalid_argument);
}

TEST(TokenBatchesTest, GivenSequencesOfOneLengthShareABatch) {
  const auto batches = token_batches({{1, 2}, {3, 4}, {5}, {6, 7}});
  ASSERT_EQ(batches.size(), 3u);
  EXPECT_EQ(batches[0].ids.size(0), 2);
  EXPECT_EQ(batches[1].first_sequence, 2);
  EXPECT_EQ(batches[2].first_sequence, 3);
  EXPECT_EQ(token_batches({{1, 2, 3}, {4, 5, 6}}, /*max_batch_tokens=*/2).size(), 2u)
      << "a long sequence goes alone";
  EXPECT_THROW(token_batches(std::vector<std::vector<int64_t>>{}), std::invalid_argument);
  EXPECT_TRUE(contains(message_of<std::invalid_argument>([&] {
                         token_batches({{1}, {}});
                       }),
                       "sequence 1"));
}

}  // namespace
}  // namespace spikesink
