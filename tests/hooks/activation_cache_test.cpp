#include "spikesink/hooks/activation_cache.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "message_of.h"

namespace spikesink {
namespace {

TEST(ActivationCacheTest, KeepsTheLatestAndNamesTheNearest) {
  HookRegistry hooks;
  const HookPoint first = hooks.add_point("blocks.0.hook_resid_pre");
  const auto value = torch::ones({2, 3});
  ActivationCache cache;
  {
    const auto scope = cache.record(hooks, "blocks.*.hook_resid_pre");
    first(value);
    first(value * 3);
  }
  first(value * 4);
  EXPECT_TRUE(cache[first.name()].equal(value * 3));
  EXPECT_TRUE(contains(
      message_of<std::invalid_argument>([&] { cache["blocks.0.hook_resid_prae"]; }), first.name()));
}

}  // namespace
}  // namespace spikesink
