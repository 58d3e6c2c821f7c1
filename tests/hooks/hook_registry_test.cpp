#include "spikesink/hooks/hook_registry.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "message_of.h"

namespace spikesink {
namespace {

struct HookRegistryTest : testing::Test {
  HookRegistry hooks;
  HookPoint first = hooks.add_point("blocks.0.hook_resid_pre");
  HookPoint second = hooks.add_point("blocks.1.hook_resid_pre");
  HookPoint pattern = hooks.add_point("blocks.1.attn.hook_pattern");
  torch::Tensor value = torch::ones({2, 3});
};

TEST_F(HookRegistryTest, APointWithoutHooksGivesBackTheSameTensor) {
  EXPECT_FALSE(first.has_hooks());
  EXPECT_TRUE(first(value).is_same(value));
}

TEST_F(HookRegistryTest, AnObserverSeesAndAReplacementPassesOn) {
  torch::Tensor seen;
  const auto replace = hooks.add(first.name(), [](const torch::Tensor& x) { return x * 2; });
  const auto observe = hooks.add(first.name(), [&](const torch::Tensor& x) { seen = x; });
  const auto result = first(value);
  EXPECT_TRUE(seen.equal(value * 2)) << "hooks act in the order of their registration";
  EXPECT_TRUE(result.is_same(seen));
}

TEST_F(HookRegistryTest, AHookMayReceiveTheName) {
  std::vector<std::string> met;
  const auto scope =
      hooks.add("blocks.*.hook_resid_pre",
                [&](const torch::Tensor&, const std::string& name) { met.push_back(name); });
  first(value);
  second(value);
  EXPECT_EQ(met, (std::vector<std::string>{first.name(), second.name()}));
}

TEST_F(HookRegistryTest, AnotherShapeOrDtypeThrows) {
  {
    const auto scope = hooks.add(first.name(), [](const torch::Tensor& x) { return x.sum(0); });
    const auto message = message_of<std::invalid_argument>([&] { first(value); });
    EXPECT_TRUE(contains(message, first.name()));
    EXPECT_TRUE(contains(message, "[3]"));
    EXPECT_TRUE(contains(message, "[2, 3]"));
  }
  const auto scope =
      hooks.add(first.name(), [](const torch::Tensor& x) { return x.to(torch::kDouble); });
  EXPECT_THROW(first(value), std::invalid_argument);
}

TEST_F(HookRegistryTest, AStarStopsAtDotsAndTwoDoNot) {
  EXPECT_EQ(hooks.matching_names("blocks.*.hook_resid_pre").size(), 2u);
  EXPECT_EQ(hooks.matching_names("**").size(), 3u);
  EXPECT_EQ(hooks.matching_names("blocks.1.**").size(), 2u);
  EXPECT_EQ(hooks.matching_names("**.hook_pattern"), std::vector<std::string>{pattern.name()});
}

TEST_F(HookRegistryTest, APatternWithoutAMatchThrowsWithTheNearestNames) {
  for (const char* wrong :
       {"blocks.0.hook_resid_pro", "blocks.*.hook_resid_pro", "blocks.2.hook_resid_pre", "*", ""}) {
    const auto message = message_of<std::invalid_argument>(
        [&] { auto scope = hooks.add(wrong, [](const torch::Tensor&) {}); });
    EXPECT_TRUE(contains(message, "hook_resid_pre")) << wrong;
  }
}

TEST_F(HookRegistryTest, AScopeRemovesItsHooks) {
  {
    const auto scope = hooks.add("**", [](const torch::Tensor&) {});
    EXPECT_EQ(hooks.hook_count(), 3u);
    EXPECT_TRUE(hooks.has_hooks(pattern.name()));
  }
  EXPECT_EQ(hooks.hook_count(), 0u);
  try {
    const auto scope =
        hooks.add("**", [](const torch::Tensor&) { throw std::runtime_error("inside"); });
    first(value);
    FAIL();
  } catch (const std::runtime_error&) {
  }
  EXPECT_EQ(hooks.hook_count(), 0u) << "also after an exception";
}

TEST_F(HookRegistryTest, ScopesMoveJoinAndRelease) {
  auto scope = hooks.add(first.name(), [](const torch::Tensor&) {});
  scope = hooks.add(second.name(), [](const torch::Tensor&) {});
  EXPECT_FALSE(first.has_hooks()) << "assigning takes the old ones off";
  scope += hooks.add(first.name(), [](const torch::Tensor&) {});
  HookScope moved = std::move(scope);
  EXPECT_EQ(hooks.hook_count(), 2u);
  moved.reset();
  EXPECT_EQ(hooks.hook_count(), 0u);
}

TEST_F(HookRegistryTest, AScopeMayOutliveTheRegistry) {
  HookScope scope;
  {
    HookRegistry brief;
    brief.add_point("a");
    scope = brief.add("a", [](const torch::Tensor&) {});
  }
  scope.reset();
}

TEST_F(HookRegistryTest, ANameIsUniqueInTheRegistry) {
  EXPECT_THROW(hooks.add_point(first.name()), std::logic_error);
}

}  // namespace
}  // namespace spikesink
