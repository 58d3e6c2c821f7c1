#include "spikesink/measure/sinks/qk_sample.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <set>

#include "measure/sinks/qk_batches.h"
#include "message_of.h"

namespace spikesink {
namespace {

struct QkSampleTest : QkBatches {};

TEST_F(QkSampleTest, TheSampleIsOfTheTextsVectors) {
  QkSample sample({.heads = {{1, 3}, {0, 0}}, .sinks = kSinks, .max_vectors = 6});
  run(model, batches, {&sample});
  const auto result = sample.result();
  ASSERT_EQ(result.size(), 2u);
  EXPECT_EQ(result[0].queries.size(), 6u);
  EXPECT_EQ(result[0].other_keys.size(), 6u);
  EXPECT_EQ(result[0].sink_keys.size(), 6u);
  EXPECT_EQ(result[0].points().sizes(), (std::vector<int64_t>{18, 8}));
  for (const auto& batch : batches) {
    const auto cache = run_with_cache(model, batch.ids, {"blocks.1.attn.hook_rot_*"});
    const auto expect = [&](const std::vector<QkVector>& list, const torch::Tensor& all,
                            bool sink) {
      for (const auto& vector : list) {
        EXPECT_EQ(is_sink(vector.token.sequence, vector.token.position), sink);
        const int64_t row = vector.token.sequence - batch.first_sequence;
        if (row < 0 || row >= batch.ids.size(0)) continue;
        EXPECT_EQ(vector.id, batch.ids[row][vector.token.position].item<int64_t>());
        EXPECT_TRUE(torch::tensor(vector.values).allclose(all[row][vector.token.position]));
      }
    };
    expect(result[0].queries, cache["blocks.1.attn.hook_rot_q"].select(2, 3), false);
    expect(result[0].other_keys, cache["blocks.1.attn.hook_rot_k"].select(2, 1), false);
    expect(result[0].sink_keys, cache["blocks.1.attn.hook_rot_k"].select(2, 1), true);
  }
}

TEST_F(QkSampleTest, SamplesMergeWhateverTheOrder) {
  const QkSampleOptions options{.heads = {{1, 3}}, .max_vectors = 5};
  QkSample once(options), first(options), second(options);
  run(model, batches, {&once});
  run(model, {batches[2]}, {&first});
  run(model, {batches[0], batches[1]}, {&second});
  first.merge(second);
  const auto sample = once.result()[0];
  EXPECT_TRUE(sample.points().equal(first.result()[0].points()));
  std::set<int64_t> sequences;
  for (const auto& query : sample.queries) sequences.insert(query.token.sequence);
  EXPECT_GT(sequences.size(), 1u) << "the hash spreads";
}

TEST_F(QkSampleTest, AHeadThatTheModelLacksIsRefused) {
  QkSample no_head({.heads = {{0, 4}}});
  EXPECT_TRUE(contains(message_of<std::invalid_argument>([&] { run(model, batches, {&no_head}); }),
                       "head 4 of layer 0"));
}

}  // namespace
}  // namespace spikesink
