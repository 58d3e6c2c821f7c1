// Where a model's numbers end, and how many.

#include "spikesink/measure/practice/not_finite.h"

#include <fmt/format.h>

#include "measure/measured_model.h"
#include "message_of.h"
#include "spikesink/hooks/hook_names.h"
#include "spikesink/measure/spikes/life_cycle.h"
#include "spikesink/model/load_model.h"
#include "spikesink/weights/safetensors.h"
#include "temp_dir.h"

namespace spikesink {
namespace {

using namespace hook_names;

/// A hook that puts `value` at one place of one sequence, in every pass over all of them.
Hook plant(int64_t sequence, const std::vector<int64_t>& index, double value) {
  return [=, first = int64_t{0}](const torch::Tensor& x) mutable {
    auto planted = x.clone();
    const int64_t row = sequence - first;
    first = (first + x.size(0)) % kSequences;
    if (row < 0 || row >= x.size(0)) return planted;
    auto place = planted[row];
    for (const int64_t i : index) place = place[i];
    place.fill_(value);
    return planted;
  };
}

auto fields(const NotFiniteValues& values) {
  return std::tie(values.point, values.nan, values.infinite, values.sequence, values.index);
}

void expect_same(const NotFinite& a, const NotFinite& b) {
  const auto one = a.result().points, other = b.result().points;
  ASSERT_EQ(one.size(), other.size());
  ASSERT_FALSE(one.empty());
  for (size_t at = 0; at < one.size(); ++at)
    EXPECT_EQ(fields(one[at]), fields(other[at])) << one[at].point;
}

struct NotFiniteTest : MeasuredModel {
  std::vector<NotFiniteValues> found(std::vector<std::string> patterns = {}) {
    NotFinite not_finite(std::move(patterns));
    run(model, batches, {&not_finite});
    return not_finite.result().points;
  }
};

TEST_F(NotFiniteTest, AHealthyModelHasNone) {
  EXPECT_TRUE(found().empty());
  EXPECT_EQ(model->hooks().hook_count(), 0u);
}

TEST_F(NotFiniteTest, NoMatrixIsFormedUnlessRequested) {
  RunContext context;
  NotFinite not_finite;
  const auto scope = not_finite.attach(model, context);
  EXPECT_FALSE(model->hooks().has_hooks(layer_hook_name(0, kScores)));
  EXPECT_FALSE(model->hooks().has_hooks(layer_hook_name(0, kPattern)));
  EXPECT_EQ(model->hooks().hook_count(), model->hooks().names().size() - 2 * 2);
}

TEST_F(NotFiniteTest, AnInfinityIsReportedAtTheFirstPoint) {
  for (const std::string point :
       {"hook_embed", "blocks.0.hook_attn_out", "blocks.1.mlp.hook_post"}) {
    const auto scope = model->hooks().add(point, plant(3, {4, 9}, -INFINITY));
    const auto points = found();
    ASSERT_GT(points.size(), 1u);
    const auto& [name, nan, infinite, sequence, index] = points.front();
    EXPECT_EQ(name, point);
    EXPECT_EQ(nan, 0);
    EXPECT_EQ(infinite, 1);
    EXPECT_EQ(sequence, 3);
    EXPECT_EQ(index, (std::vector<int64_t>{4, 9}));
  }
}

TEST_F(NotFiniteTest, CountsBothKindsAndLocatesTheFirst) {
  const auto point = layer_hook_name(1, kZ);
  auto scope = model->hooks().add(point, plant(4, {2, 0, 0}, INFINITY));
  scope += model->hooks().add(point, plant(2, {5, 3, 1}, NAN));
  scope += model->hooks().add(point, plant(2, {5, 2, 7}, NAN));
  const auto points = found({point});
  ASSERT_EQ(points.size(), 1u);
  EXPECT_EQ(points[0].nan, 2);
  EXPECT_EQ(points[0].infinite, 1);
  EXPECT_EQ(points[0].sequence, 2);
  EXPECT_EQ(points[0].index, (std::vector<int64_t>{5, 2, 7}));
}

TEST_F(NotFiniteTest, PatternsChooseThePoints) {
  const auto scope = model->hooks().add("hook_embed", plant(0, {0, 0}, NAN));
  const auto points =
      found({"blocks.1.hook_mlp_out", "blocks.*.hook_mlp_out", "blocks.0.hook_resid_pre"});
  std::vector<std::string> names;
  for (const auto& point : points) names.push_back(point.point);
  EXPECT_EQ(names, (std::vector<std::string>{"blocks.0.hook_resid_pre", "blocks.0.hook_mlp_out",
                                             "blocks.1.hook_mlp_out"}));
  EXPECT_EQ(points[0].nan, 1) << "a point that two patterns name is counted once";
  EXPECT_TRUE(contains(message_of<std::invalid_argument>([&] { found({"blocks.2.hook_mlp_out"}); }),
                       "blocks.2.hook_mlp_out"));
}

TEST_F(NotFiniteTest, TwoPassesMergeInEitherOrder) {
  auto scope = model->hooks().add("blocks.0.hook_mlp_out", plant(1, {7, 3}, INFINITY));
  scope += model->hooks().add("blocks.0.hook_mlp_out", plant(5, {2, 4}, NAN));
  scope += model->hooks().add("blocks.1.hook_attn_out", plant(4, {6, 0}, NAN));
  const auto [once, merged] = once_and_merged<NotFinite>();
  expect_same(once, merged);
  NotFinite first, second;
  run(model, {batches[0]}, {&first});
  run(model, {batches[1], batches[2]}, {&second});
  second.merge(first);
  expect_same(once, second);
}

TEST_F(NotFiniteTest, OtherPointsDoNotMerge) {
  NotFinite one({"hook_embed"}), other({"ln_final.hook_normalized"});
  run(model, batches, {&one, &other});
  EXPECT_TRUE(
      contains(message_of<std::invalid_argument>([&] { one.merge(other); }), "cannot merge"));
}

// Which sequence a row of theirs is of, nobody knows.
TEST_F(NotFiniteTest, ExpertsHaveNoTokenPosition) {
  use(load_model(SPIKESINK_GOLDENS "/models/mixtral/two_of_four"));
  int64_t planted = 0;
  const auto scope = model->hooks().add("blocks.0.mlp.experts.1.hook_post", [&](const auto& x) {
    planted += x.numel();
    return at::full_like(x, INFINITY);
  });
  const auto points = found();
  ASSERT_FALSE(points.empty());
  EXPECT_EQ(points[0].point, "blocks.0.mlp.experts.1.hook_post");
  EXPECT_EQ(points[0].infinite, planted);
  EXPECT_FALSE(points[0].sequence);
  EXPECT_TRUE(points[0].index.empty());
  EXPECT_EQ(points[1].point, "blocks.0.hook_mlp_out");
  EXPECT_TRUE(points[1].sequence);
}

TEST_F(NotFiniteTest, NamesTheFirstValueOutOfTheRangeOfFloat16) {
  const TempDir folder;
  const std::filesystem::path golden = SPIKESINK_GOLDENS "/tiny_llama/plain";
  std::filesystem::copy(golden / "config.json", folder / "config.json");
  std::map<std::string, torch::Tensor> tensors;
  const auto source = open_weights(golden);
  for (const auto& info : source->tensors()) tensors[info.name] = source->tensor(info.name).clone();
  for (const char* part : {"up", "down"})
    tensors[fmt::format("model.layers.0.mlp.{}_proj.weight", part)] *= 1000;
  save_safetensors(folder / "model.safetensors", tensors);

  LifeCycle life_cycle;
  NotFinite not_finite;
  model = load_model(folder.path());
  run(model, batches, {&life_cycle, &not_finite});
  EXPECT_TRUE(not_finite.result().points.empty());
  EXPECT_EQ(life_cycle.result().not_finite(), 0);
  const auto excess = life_cycle.result().first_overflow(kMaxFloat16);
  ASSERT_TRUE(excess);
  EXPECT_EQ(excess->block.number, 2);

  model = load_model(folder.path(), {.dtype = torch::kHalf});
  run(model, batches, {&life_cycle, &not_finite});
  EXPECT_GT(life_cycle.result().not_finite(), 0);
  EXPECT_FALSE(life_cycle.result().first_overflow(kMaxFloat16));
  ASSERT_FALSE(not_finite.result().points.empty());
  EXPECT_EQ(not_finite.result().points.front().point, excess->block.output_hook_name());
}

}  // namespace
}  // namespace spikesink
