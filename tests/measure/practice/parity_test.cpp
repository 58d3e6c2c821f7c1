// What hook points show beside a file of reference tensors.

#include "spikesink/measure/practice/parity.h"

#include "measure/measured_model.h"
#include "message_of.h"
#include "spikesink/hooks/hook_names.h"
#include "spikesink/model/load_model.h"
#include "spikesink/weights/safetensors.h"
#include "temp_dir.h"

namespace spikesink {
namespace {

using namespace hook_names;
using Indices = std::vector<int64_t>;

const std::string kPoint = layer_hook_name(1, kResidPost);

struct ParityTest : MeasuredModel {
  ParityTest() { take("blocks.*.hook_resid_post"); }

  void take(const std::string& pattern) {
    for (const auto& [name, tensor] : all_of(pattern)) reference[name] = tensor;
  }
  std::shared_ptr<const WeightSource> saved() {
    const auto file = folder / "reference.safetensors";
    save_safetensors(file, reference);
    return open_safetensors(file);
  }
  std::vector<TensorParity> compare(const ParityOptions& options = {}) {
    Parity parity(saved(), options);
    run(model, batches, {&parity});
    return parity.result().points;
  }
  /// What is said of the tensors by themselves, one sentence.
  std::string refusal() {
    auto message = message_of<std::invalid_argument>([&] { compare(); });
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    EXPECT_TRUE(contains(message, "reference.safetensors"));
    return message;
  }
  torch::Tensor& at_place() { return reference.at(kPoint); }

  TempDir folder;
  std::map<std::string, torch::Tensor> reference;
};

TEST_F(ParityTest, EqualTensorsAgree) {
  take("**");  // scores hold -infinity
  reference["tokens"] = tokens;
  const auto points = compare();
  std::vector<std::string> names;
  for (const auto& point : points) {
    names.push_back(point.point);
    EXPECT_EQ(point.outside, 0);
    EXPECT_EQ(point.error, 0);
    EXPECT_EQ(point.largest_difference, 0);
    EXPECT_EQ(point.rows, kSequences);
    EXPECT_EQ(point.shape, reference.at(point.point).sizes().vec());
  }
  EXPECT_EQ(names, model->hooks().names()) << "in the order of the forward pass";
}

TEST_F(ParityTest, AChangedValueIsFound) {
  auto value = at_place()[3][5][7];
  const double got = value.item<double>();
  value += 0.5;
  const double expected = value.item<double>();
  at_place()[4][1][2] += 1e-5;  // allowed
  const auto points = compare();
  EXPECT_EQ(points[0].outside, 0);
  EXPECT_EQ(points[1].point, kPoint);
  EXPECT_EQ(points[1].outside, 1);
  EXPECT_EQ(points[1].worst, (Indices{3, 5, 7}));
  EXPECT_EQ(points[1].got, got);
  EXPECT_EQ(points[1].expected, expected);
  EXPECT_EQ(points[1].largest_difference, expected - got);
  EXPECT_NEAR(points[1].error, (expected - got) / (1e-4 + 1e-3 * std::abs(expected)), 1e-9);
  EXPECT_NEAR(points[1].scale, at_place().to(torch::kDouble).square().mean().sqrt().item<double>(),
              1e-12);
}

TEST_F(ParityTest, LimitsAreThoseOfTheCaller) {
  at_place()[3][5][7] += 0.5;
  EXPECT_EQ(compare({.absolute = 0.6, .relative = 0})[1].outside, 0);
  EXPECT_NEAR(compare({.absolute = 0.25, .relative = 0})[1].error, 2, 1e-5);
  at_place()[3][5][7] = 1000;
  EXPECT_EQ(compare({.absolute = 0, .relative = 1.1})[1].outside, 0);
}

TEST_F(ParityTest, ALimitIsNotNegative) {
  for (const auto& wrong : {ParityOptions{.absolute = -1}, ParityOptions{.relative = NAN}})
    EXPECT_TRUE(contains(message_of<std::invalid_argument>([&] { compare(wrong); }), "from 0"));
}

TEST_F(ParityTest, LimitsOfZeroCompareExactly) {
  const ParityOptions none{.absolute = 0, .relative = 0};
  at_place()[0][0][0] = 0;
  const auto scope = model->hooks().add(kPoint, [](const torch::Tensor& x) {
    return x.clone().index_put_({0, 0, 0}, 0);
  });
  EXPECT_EQ(compare(none)[0].outside, 0);
  at_place()[1][0][0] = std::nextafter(at_place()[1][0][0].item<float>(), 1e9f);
  EXPECT_EQ(compare(none)[0].outside, 0);
  EXPECT_EQ(compare(none)[1].error, INFINITY);
}

TEST_F(ParityTest, NaNAgreesWithNaNAlone) {
  for (const int64_t sequence : {1, 4}) at_place()[sequence][5][7] = NAN;
  auto points = compare();
  EXPECT_EQ(points[1].outside, 2);
  EXPECT_EQ(points[1].error, INFINITY);
  EXPECT_EQ(points[1].worst, (Indices{1, 5, 7})) << "the first of them";
  EXPECT_TRUE(std::isfinite(points[1].got));
  EXPECT_TRUE(std::isnan(points[1].expected));
  EXPECT_TRUE(std::isfinite(points[1].scale));

  const auto scope = model->hooks().add(kPoint, push(5, 7, NAN));
  at_place().select(1, 5).select(1, 7).fill_(NAN);
  EXPECT_EQ(compare()[1].outside, 0);
}

TEST_F(ParityTest, AnInfinityIsInfinitelyFarAway) {
  const auto scope = model->hooks().add(kPoint, push(2, 3, INFINITY));
  const auto point = compare()[1];
  EXPECT_EQ(point.outside, kSequences);
  EXPECT_EQ(point.error, INFINITY);
  EXPECT_EQ(point.largest_difference, INFINITY);
  EXPECT_EQ(point.worst, (Indices{0, 2, 3}));
}

TEST_F(ParityTest, BatchesMakeNoDifference) {
  at_place()[1][2][3] += 1;
  at_place()[5][0][9] -= 4;
  Parity parity(saved());
  run(model, {{tokens, 0}}, {&parity});
  const auto together = parity.result().points[1], apart = compare()[1];
  EXPECT_EQ(together.outside, 2);
  EXPECT_EQ(together.worst, (Indices{5, 0, 9}));
  EXPECT_EQ(together.outside, apart.outside);
  EXPECT_EQ(together.worst, apart.worst);
}

TEST_F(ParityTest, PointsThatARunDoesNotReachAreReported) {
  Parity parity(saved());
  run(model, {batches[0]}, {&parity});
  EXPECT_EQ(parity.result().points[1].rows, 2);
  EXPECT_EQ(parity.result().points[1].shape.front(), kSequences);
}

// Their rows are tokens, of any sequence.
TEST_F(ParityTest, ExpertsAreCompared) {
  use(load_model(SPIKESINK_GOLDENS "/models/mixtral/two_of_four"));
  reference.clear();
  take("blocks.0.mlp.**");
  const auto points = compare();
  EXPECT_EQ(points.size(), reference.size());
  for (const auto& point : points) {
    EXPECT_EQ(point.outside, 0) << point.point;
    EXPECT_EQ(point.rows, point.shape.front()) << point.point;
  }
}

TEST_F(ParityTest, AnotherShapeIsRefused) {
  const auto good = at_place();
  const auto refused = [&](const torch::Tensor& wrong, const std::string& shape) {
    at_place() = wrong.contiguous();
    const auto message = refusal();
    EXPECT_TRUE(contains(message, kPoint));
    EXPECT_TRUE(contains(message, shape));
  };
  refused(good.slice(2, 1), "[6, 20, 31]");
  refused(good.slice(1, 1), "[6, 19, 32]");
  refused(good.slice(0, 1), "[5, 20, 32]");
  refused(good[0], "[20, 32]");
  refused(torch::zeros({}), "[]");
}

TEST_F(ParityTest, UnknownNamesAreRefused) {
  for (const std::string name : {"blocks.0.hook_resid_pots", "blocks.*.hook_resid_post"}) {
    reference = {{name, tokens}};
    const auto message = refusal();
    EXPECT_TRUE(contains(message, name));
    EXPECT_TRUE(contains(message, "blocks.0.hook_resid_post"));
  }
  Parity parity(saved(), {}, /*ignored=*/{"blocks.*.hook_resid_post"});
  run(model, batches, {&parity});
  EXPECT_TRUE(parity.result().points.empty());
}

TEST_F(ParityTest, OnlyPointsOfTheFileAreWatched) {
  reference["tokens"] = tokens;
  RunContext context;
  Parity parity(saved());
  {
    const auto scope = parity.attach(model, context);
    EXPECT_EQ(model->hooks().hook_count(), 2u);
    EXPECT_TRUE(model->hooks().has_hooks(kPoint));
  }
  EXPECT_EQ(model->hooks().hook_count(), 0u);
}

}  // namespace
}  // namespace spikesink
