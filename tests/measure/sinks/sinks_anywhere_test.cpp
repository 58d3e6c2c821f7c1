// Sinks at every key, against whole attention matrices.

#include "spikesink/measure/sinks/sinks_anywhere.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "measure/sinks/attention_matrices.h"
#include "message_of.h"
#include "spikesink/measure/sinks/attention_sinks.h"

namespace spikesink {
namespace {

class SinksAnywhereMatrixTest : public AttentionMatrices {};

TEST_P(SinksAnywhereMatrixTest, SinksAnywhereAreThoseOfTheMatrix) {
  const SinksAnywhereOptions options{.epsilon = causal ? 0.12 : 0.06, .least_queries = 6};
  SinksAnywhere anywhere(options);
  run(model, batches, {&anywhere});
  std::map<int64_t, int64_t> positions, heads_at_position;
  std::map<std::pair<int64_t, bool>, int64_t> tokens;
  std::map<std::pair<int64_t, int64_t>, int64_t> places;               // -> heads
  std::map<std::pair<int64_t, int64_t>, std::set<int64_t>> sequences;  // of a head, with a sink
  std::map<std::pair<int64_t, int64_t>, double> to_sinks;              // of a head, mean of queries
  int64_t long_enough = 0;
  for (const auto& batch : batches) {
    const auto all = matrices(batch);
    const int64_t length = batch.ids.size(1);
    long_enough += length >= options.least_queries ? batch.ids.size(0) : 0;
    for (int64_t key = 0; key < length; ++key) {
      const auto attention = received(all, key);
      if (attention.size(-1) < options.least_queries) continue;
      const auto found = (attention.mean(-1) > options.epsilon).nonzero();  // layer, row, head
      for (int64_t index = 0; index < found.size(0); ++index) {
        const auto layer = found[index][0].item<int64_t>(), row = found[index][1].item<int64_t>(),
                   head = found[index][2].item<int64_t>();
        const int64_t sequence = batch.first_sequence + row;
        ++positions[key];
        ++tokens[{batch.ids[row][key].item<int64_t>(), key == 0}];
        ++places[{sequence, key}];
        sequences[{layer, head}].insert(sequence);
        to_sinks[{layer, head}] +=
            attention[layer][row][head].sum().item<double>() / static_cast<double>(length);
      }
    }
  }
  const auto result = anywhere.result();
  EXPECT_EQ(result.sequences, long_enough);
  ASSERT_FALSE(positions.empty()) << "the test has something to see";
  ASSERT_EQ(result.positions.size(), positions.size());
  for (const auto& position : result.positions)
    EXPECT_EQ(position.count, positions[position.position]) << position.position;
  ASSERT_EQ(result.tokens.size(), tokens.size());
  for (const auto& token : result.tokens)
    EXPECT_EQ(token.count, (tokens[{token.id, token.at_start}])) << token.id;
  EXPECT_EQ(result.token_position_count, static_cast<int64_t>(places.size()));
  ASSERT_EQ(result.token_positions.size(), places.size());
  for (const auto& place : result.token_positions)
    EXPECT_EQ(place.heads, (places[{place.sequence, place.position}]));
  ASSERT_EQ(result.heads.size(), 8u);
  for (const auto& head : result.heads) {
    EXPECT_NEAR(head.share_of_sequences,
                static_cast<double>(sequences[{head.layer, head.head}].size()) /
                    static_cast<double>(long_enough),
                1e-12);
    EXPECT_NEAR(head.attention,
                (to_sinks[{head.layer, head.head}]) / static_cast<double>(long_enough), 1e-6);
  }
}

TEST_P(SinksAnywhereMatrixTest, KeyZeroAnywhereIsKeyZeroWatched) {
  for (const auto dtype : {torch::kFloat, torch::kDouble, torch::kBFloat16}) {
    auto typed = random_model(GetParam().config, dtype);
    AttentionSinks watched({.epsilon = 0.15});
    SinksAnywhere anywhere({.epsilon = 0.15, .least_queries = 1});
    run(typed, batches, {&watched, &anywhere});
    double share = 0;
    for (const auto& head : watched.result().heads) share += head.share_of_sequences;
    int64_t count = 0;
    for (const auto& position : anywhere.result().positions)
      count += position.position == 0 ? position.count : 0;
    EXPECT_NEAR(share * static_cast<double>(watched.result().sequences), static_cast<double>(count),
                1e-9);
    EXPECT_GT(count, 0);
  }
}

INSTANTIATE_TEST_SUITE_P(Models, SinksAnywhereMatrixTest, testing::ValuesIn(attention_models()),
                         [](const auto& info) { return std::string(info.param.name); });

struct SinksAnywhereTest : testing::Test {
  Transformer model = random_model();
  TokenBatches batches = batches_of_lengths({20, 5, 30});
};

TEST_F(SinksAnywhereTest, TwoPassesMerged) {
  const SinksAnywhereOptions options{.epsilon = 0.1, .max_token_positions = 5};
  SinksAnywhere once(options), first(options), second(options);
  run(model, batches, {&once});
  run(model, {batches[0]}, {&first});
  run(model, {batches[1], batches[2]}, {&second});
  second.merge(first);
  const auto a = once.result(), b = second.result();
  EXPECT_EQ(a.sequences, b.sequences);
  EXPECT_EQ(a.token_position_count, b.token_position_count);
  EXPECT_GT(a.token_position_count, 5) << "the test has something to leave out";
  ASSERT_EQ(a.token_positions.size(), 5u);
  for (size_t index = 0; index < 5; ++index) {
    const auto &one = a.token_positions[index], &other = b.token_positions[index];
    EXPECT_EQ(std::tie(one.sequence, one.position, one.id, one.heads),
              std::tie(other.sequence, other.position, other.id, other.heads));
  }
  ASSERT_EQ(a.positions.size(), b.positions.size());
  for (size_t index = 0; index < a.positions.size(); ++index) {
    const auto &one = a.positions[index], &other = b.positions[index];
    EXPECT_EQ(std::tie(one.position, one.count, one.sequences),
              std::tie(other.position, other.count, other.sequences));
  }
  ASSERT_EQ(a.tokens.size(), b.tokens.size());
  for (size_t index = 0; index < a.tokens.size(); ++index) {
    const auto &one = a.tokens[index], &other = b.tokens[index];
    EXPECT_EQ(
        std::tie(one.id, one.at_start, one.count, one.token_positions, one.occurrences),
        std::tie(other.id, other.at_start, other.count, other.token_positions, other.occurrences));
  }
  for (size_t index = 0; index < a.heads.size(); ++index) {
    const auto &one = a.heads[index], &other = b.heads[index];
    EXPECT_EQ(
        std::tie(one.share_of_sequences, one.position, one.share_at_position, one.sinks),
        std::tie(other.share_of_sequences, other.position, other.share_at_position, other.sinks));
    EXPECT_NEAR(one.attention, other.attention, 1e-12);
  }
}

TEST_F(SinksAnywhereTest, NoSinksAreAnEmptyResult) {
  SinksAnywhere none({.epsilon = 1.0}), short_ones({.least_queries = 50});
  EXPECT_TRUE(none.result().heads.empty()) << "before any run";
  run(model, batches, {&none, &short_ones});
  EXPECT_EQ(none.result().sequences, 4) << "two are too short";
  EXPECT_TRUE(none.result().positions.empty());
  EXPECT_TRUE(none.result().tokens.empty());
  EXPECT_TRUE(none.result().token_positions.empty());
  for (const auto& head : none.result().heads) {
    EXPECT_EQ(head.share_of_sequences, 0);
    EXPECT_EQ(head.position, -1);
  }
  EXPECT_EQ(short_ones.result().sequences, 0);
  EXPECT_TRUE(short_ones.result().heads.empty());
}

TEST_F(SinksAnywhereTest, ValuesThatAreNotNumbersAreNoSinks) {
  const auto scope = model->hooks().add("blocks.0.attn.hook_rot_q",
                                        [](const torch::Tensor& q) { return q * NAN; });
  SinksAnywhere anywhere;
  run(model, batches, {&anywhere});
  EXPECT_TRUE(anywhere.result().token_positions.empty());
}

TEST_F(SinksAnywhereTest, InvalidArgumentsAreRefused) {
  SinksAnywhere wrong({.least_queries = 0}), one, other({.epsilon = 0.2});
  EXPECT_TRUE(contains(message_of<std::invalid_argument>([&] { run(model, batches, {&wrong}); }),
                       "least_queries 0"));
  run(model, batches, {&one, &other});
  EXPECT_TRUE(
      contains(message_of<std::invalid_argument>([&] { one.merge(other); }), "epsilon 0.2"));
}

}  // namespace
}  // namespace spikesink
