// How far attention reaches besides sinks, against whole attention matrices.

#include "spikesink/measure/sinks/attention_locality.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>
#include <functional>

#include "measure/sinks/attention_matrices.h"
#include "message_of.h"
#include "spikesink/measure/sinks/sinks_anywhere.h"

namespace spikesink {
namespace {

/// Of all pairs of a query and a kept key: their weight, weight x distance, and weight within each
/// window.
struct PairSums {
  double attention = 0, distance = 0;
  std::vector<double> within;
};

class AttentionLocalityMatrixTest : public AttentionMatrices {
 protected:
  AttentionLocalityOptions options{.epsilon = causal ? 0.12 : 0.06,
                                   .least_queries = 6,
                                   .windows = {1, 3, 40},
                                   .least_share_of_sequences = 0.6,
                                   .common_sinks = {.positions = {1, -1}}};
  int64_t queries = 0, sequences = 0;  // of the text

  AttentionLocalityMatrixTest() {
    model = random_model(GetParam().config, torch::kDouble);
    for (const auto& batch : batches) {
      if (batch.ids.size(1) < options.least_queries) continue;
      sequences += batch.ids.size(0);
      queries += batch.ids.numel();
    }
  }

  using IsKept = std::function<bool(const torch::Tensor& pattern, int64_t key)>;

  bool sees(int64_t layer, int64_t query, int64_t key) const {
    const int64_t window = GetParam().config.layer(layer).window;
    return !causal || (key <= query && (window == 0 || query - key < window));
  }
  bool is_sink(const torch::Tensor& pattern, int64_t key) const {
    const int64_t length = pattern.size(0), first = causal ? key : 0;
    return length - first >= options.least_queries &&
           pattern.select(1, key).slice(0, first).mean().item<double>() > options.epsilon;
  }
  static bool is_common(const torch::Tensor& pattern, int64_t key) {
    return key == 1 || key == pattern.size(0) - 1;
  }

  // Calls `visit` with A [T, T] of every sequence that is long enough.
  void each_pattern(const HeadLocality& head,
                    const std::function<void(const torch::Tensor&)>& visit) {
    for (const auto& batch : batches) {
      if (batch.ids.size(1) < options.least_queries) continue;
      const auto all = matrices(batch)[head.layer];
      for (int64_t row = 0; row < all.size(0); ++row) visit(all[row][head.head]);
    }
  }

  PairSums sums(const HeadLocality& head, bool even, const IsKept& is_kept) {
    PairSums sums{.within = std::vector<double>(options.windows.size())};
    each_pattern(head, [&](const torch::Tensor& pattern) {
      const auto visible = torch::zeros_like(pattern);
      for (int64_t query = 0; query < pattern.size(0); ++query) {
        for (int64_t key = 0; key < pattern.size(0); ++key)
          visible[query][key] = sees(head.layer, query, key) ? 1 : 0;
      }
      const auto weights = even ? visible / visible.sum(1, /*keepdim=*/true) : pattern;
      for (int64_t key = 0; key < pattern.size(0); ++key) {
        if (!is_kept(pattern, key)) continue;
        const auto column = weights.select(1, key);
        const auto distance = (torch::arange(pattern.size(0)) - key).abs();
        sums.attention += column.sum().item<double>();
        sums.distance += (column * distance).sum().item<double>();
        for (size_t index = 0; index < options.windows.size(); ++index)
          sums.within[index] += (column * (distance < options.windows[index])).sum().item<double>();
      }
    });
    return sums;
  }

  void expect_locality(const Locality& got, const PairSums& expected, double tolerance) const {
    EXPECT_NEAR(got.attention, expected.attention / static_cast<double>(queries), tolerance);
    EXPECT_NEAR(got.mean_distance, expected.distance / expected.attention, 10 * tolerance);
    ASSERT_EQ(got.within.size(), options.windows.size());
    for (size_t index = 0; index < options.windows.size(); ++index)
      EXPECT_NEAR(got.within[index], expected.within[index] / expected.attention, tolerance);
  }
  void expect_keys(const HeadLocality& head, const KeySetLocality& got, const IsKept& is_kept,
                   double tolerance) {
    expect_locality(got.measured, sums(head, /*even=*/false, is_kept), tolerance);
    expect_locality(got.even, sums(head, /*even=*/true, is_kept), tolerance);
  }
  void expect_head(const HeadLocality& head, double tolerance) {
    int64_t with_sink = 0;
    each_pattern(head, [&](const torch::Tensor& pattern) {
      bool found = false;
      for (int64_t key = 0; key < pattern.size(0); ++key) found |= is_sink(pattern, key);
      with_sink += found;
    });
    const double share = static_cast<double>(with_sink) / static_cast<double>(sequences);
    EXPECT_NEAR(head.share_of_sequences, share, 1e-12);
    EXPECT_EQ(head.is_sink_head, share >= 0.6);
    expect_keys(
        head, head.without_sinks,
        [&](const auto& pattern, int64_t key) { return !is_sink(pattern, key); }, tolerance);
    expect_keys(
        head, head.without_common_sinks,
        [&](const auto& pattern, int64_t key) {
          return !is_sink(pattern, key) && !is_common(pattern, key);
        },
        tolerance);
  }
};

TEST_P(AttentionLocalityMatrixTest, SumsAreThoseOfTheMatrix) {
  AttentionLocality locality(options);
  run(model, batches, {&locality});
  const auto result = locality.result();
  EXPECT_EQ(result.sequences, sequences);
  ASSERT_EQ(result.heads.size(), 8u);
  bool has_sinks = false;
  for (const auto& head : result.heads) {
    SCOPED_TRACE("layer " + std::to_string(head.layer) + " head " + std::to_string(head.head));
    expect_head(head, 1e-9);
    has_sinks |= head.share_of_sequences > 0;
  }
  EXPECT_TRUE(has_sinks) << "the test has something to leave out";
}

TEST_P(AttentionLocalityMatrixTest, InFloat) {
  model = random_model(GetParam().config, torch::kFloat);
  AttentionLocality locality(options);
  run(model, batches, {&locality});
  for (const auto& head : locality.result().heads) expect_head(head, 1e-5);
}

TEST_P(AttentionLocalityMatrixTest, SinksAreThoseOfSinksAnywhere) {
  for (const auto dtype : {torch::kFloat, torch::kBFloat16}) {
    auto typed = random_model(GetParam().config, dtype);
    AttentionLocality locality(options);
    SinksAnywhere anywhere({.epsilon = options.epsilon, .least_queries = options.least_queries});
    run(typed, batches, {&locality, &anywhere});
    const auto heads = locality.result().heads;
    const auto expected = anywhere.result().heads;
    ASSERT_EQ(heads.size(), expected.size());
    for (size_t index = 0; index < heads.size(); ++index)
      EXPECT_NEAR(heads[index].share_of_sequences, expected[index].share_of_sequences, 1e-12);
  }
}

INSTANTIATE_TEST_SUITE_P(Models, AttentionLocalityMatrixTest, testing::ValuesIn(attention_models()),
                         [](const auto& info) { return std::string(info.param.name); });

/// With these, two heads of layer 1 are sink heads.
const AttentionLocalityOptions kSomeSinkHeads{.epsilon = 0.19, .least_share_of_sequences = 0.25};

struct AttentionLocalityTest : testing::Test {
  Transformer model = random_model(tiny_config(), torch::kDouble);
  TokenBatches batches = batches_of_lengths({20, 5, 30});

  AttentionLocalityResult measured(const AttentionLocalityOptions& options) {
    AttentionLocality locality(options);
    run(model, batches, {&locality});
    return locality.result();
  }
};

TEST_F(AttentionLocalityTest, EvenAttentionIsEven) {
  const auto scope =
      model->hooks().add("blocks.*.attn.hook_rot_q", [](const torch::Tensor& q) { return 0 * q; });
  for (const auto& head : measured({.epsilon = 0.15}).heads) {
    EXPECT_GT(head.share_of_sequences, 0) << "the first key is a sink";
    EXPECT_NEAR(head.without_sinks.measured.mean_distance, head.without_sinks.even.mean_distance,
                1e-9);
    EXPECT_NEAR(head.without_sinks.measured.within[1], head.without_sinks.even.within[1], 1e-9);
  }
}

TEST_F(AttentionLocalityTest, GroupsAreMeansOverHeads) {
  const auto result = measured(kSomeSinkHeads);
  for (const bool sinks : {true, false}) {
    const auto& [sink_heads, other_heads, area] = result.all.without_sinks;
    const auto& group = sinks ? sink_heads : other_heads;
    double distance = 0, even = 0, within = 0;
    int64_t heads = 0;
    for (const auto& head : result.heads) {
      if (head.is_sink_head != sinks) continue;
      ++heads;
      distance += head.without_sinks.measured.mean_distance;
      even += head.without_sinks.even.mean_distance;
      within += head.without_sinks.measured.within[1];
    }
    ASSERT_GT(heads, 0);
    EXPECT_EQ(group.heads, heads);
    EXPECT_NEAR(group.mean.measured.mean_distance, distance / heads, 1e-12);
    EXPECT_NEAR(group.mean.even.mean_distance, even / heads, 1e-12);
    EXPECT_NEAR(group.mean.measured.within[1], within / heads, 1e-12);
  }
}

TEST_F(AttentionLocalityTest, GroupsOfALayerAreOfItsHeads) {
  const auto result = measured(kSomeSinkHeads);
  ASSERT_EQ(result.layers.size(), 2u);
  int64_t sink_heads = 0;
  for (size_t layer = 0; layer < 2; ++layer) {
    const auto& [sinks, others, area] = result.layers[layer].comparisons.without_common_sinks;
    EXPECT_EQ(sinks.heads + others.heads, 4);
    sink_heads += sinks.heads;
    double distance = 0;
    for (const auto& head : result.heads) {
      if (head.layer == static_cast<int64_t>(layer) && !head.is_sink_head)
        distance += head.without_common_sinks.measured.mean_distance;
    }
    if (others.heads > 0) {
      EXPECT_NEAR(others.mean.measured.mean_distance, distance / others.heads, 1e-12);
    }
  }
  EXPECT_EQ(sink_heads, result.all.without_common_sinks.sink_heads.heads);
}

TEST_F(AttentionLocalityTest, AreaIsTheShareOfPairs) {
  const auto result = measured(kSomeSinkHeads);
  double nearer = 0, pairs = 0;
  for (const auto& sink : result.heads) {
    for (const auto& other : result.heads) {
      if (!sink.is_sink_head || other.is_sink_head) continue;
      ++pairs;
      nearer += sink.without_common_sinks.measured.mean_distance <
                other.without_common_sinks.measured.mean_distance;
    }
  }
  ASSERT_GT(pairs, 0);
  EXPECT_NEAR(result.all.without_common_sinks.area, nearer / pairs, 1e-12);
}

TEST_F(AttentionLocalityTest, WithoutSinkHeads) {
  const auto result = measured({.epsilon = 1, .windows = {}});
  const auto& [sink_heads, other_heads, area] = result.all.without_sinks;
  EXPECT_EQ(sink_heads.heads, 0);
  EXPECT_TRUE(std::isnan(sink_heads.mean.measured.mean_distance));
  EXPECT_TRUE(std::isnan(area));
  EXPECT_EQ(other_heads.heads, 8);
  for (const auto& head : result.heads)
    EXPECT_NEAR(head.without_sinks.measured.attention, 1, 1e-9) << "nothing is left out";
  EXPECT_TRUE(measured({.least_queries = 50}).heads.empty());
  EXPECT_TRUE(AttentionLocality().result().heads.empty()) << "before any run";
}

TEST_F(AttentionLocalityTest, TwoPassesMerged) {
  AttentionLocality once(kSomeSinkHeads), first(kSomeSinkHeads), second(kSomeSinkHeads);
  run(model, batches, {&once});
  run(model, {batches[0]}, {&first});
  run(model, {batches[1], batches[2]}, {&second});
  first.merge(second);
  const auto a = once.result(), b = first.result();
  EXPECT_EQ(a.sequences, b.sequences);
  ASSERT_EQ(a.heads.size(), b.heads.size());
  for (size_t index = 0; index < a.heads.size(); ++index) {
    const auto &one = a.heads[index], &other = b.heads[index];
    EXPECT_EQ(one.share_of_sequences, other.share_of_sequences);
    EXPECT_NEAR(one.without_sinks.measured.mean_distance,
                other.without_sinks.measured.mean_distance, 1e-12);
    EXPECT_NEAR(one.without_common_sinks.even.within[1], other.without_common_sinks.even.within[1],
                1e-12);
  }
}

TEST_F(AttentionLocalityTest, BatchesDoNotMatter) {
  const auto together = measured(kSomeSinkHeads);
  TokenBatches rows;
  for (const auto& batch : batches) {
    for (int64_t row = 0; row < batch.ids.size(0); ++row)
      rows.push_back({batch.ids.slice(0, row, row + 1), batch.first_sequence + row});
  }
  batches = rows;
  const auto apart = measured(kSomeSinkHeads);
  for (size_t index = 0; index < together.heads.size(); ++index)
    EXPECT_NEAR(together.heads[index].without_sinks.measured.mean_distance,
                apart.heads[index].without_sinks.measured.mean_distance, 1e-12);
}

TEST_F(AttentionLocalityTest, ValuesThatAreNotNumbersStayInTheirHead) {
  const auto scope = model->hooks().add("blocks.1.attn.hook_rot_q", [](const torch::Tensor& q) {
    auto changed = q.clone();
    changed.select(2, 3) = NAN;
    return changed;
  });
  const auto result = measured(kSomeSinkHeads);
  for (const auto& head : result.heads)
    EXPECT_EQ(std::isnan(head.without_sinks.measured.mean_distance),
              head.layer == 1 && head.head == 3);
  EXPECT_TRUE(std::isfinite(result.all.without_sinks.other_heads.mean.measured.mean_distance));
}

TEST_F(AttentionLocalityTest, InvalidArgumentsAreRefused) {
  const auto refuses = [&](const AttentionLocalityOptions& options, const std::string& words) {
    const auto message = message_of<std::invalid_argument>([&] { measured(options); });
    EXPECT_TRUE(contains(message, words)) << message;
  };
  refuses({.least_queries = 0}, "least_queries: got 0");
  refuses({.windows = {4, 0}}, "windows: got 0");
  refuses({.least_share_of_sequences = 0}, "least_share_of_sequences: got 0");
  refuses({.least_share_of_sequences = 1.5}, "least_share_of_sequences: got 1.5");
  refuses({.common_sinks = {.positions = {-2}}}, "got -2");
}

TEST_F(AttentionLocalityTest, OtherOptionsDoNotMerge) {
  AttentionLocality one;
  run(model, batches, {&one});
  const auto refuses = [&](const AttentionLocalityOptions& options, const std::string& words) {
    AttentionLocality other(options);
    run(model, batches, {&other});
    const auto message = message_of<std::invalid_argument>([&] { one.merge(other); });
    EXPECT_TRUE(contains(message, words)) << message;
  };
  refuses({.epsilon = 0.2}, "epsilon 0.2");
  refuses({.least_queries = 9}, "least_queries 9");
  refuses({.windows = {2}}, "windows [2]");
  refuses({.least_share_of_sequences = 0.1}, "least_share_of_sequences 0.1");
  refuses({.common_sinks = {.positions = {1}}}, "common_sinks [1]");
}

}  // namespace
}  // namespace spikesink
