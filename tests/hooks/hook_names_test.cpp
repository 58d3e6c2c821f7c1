// That each architecture has the points of goldens/hook_names.json is checked by
// model.documentation.

#include "spikesink/hooks/hook_names.h"

#include <gtest/gtest.h>

namespace spikesink {
namespace {

TEST(HookNamesTest, APointOfALayerHasItsNumber) {
  EXPECT_EQ(hook_names::layer_hook_name(0, hook_names::kResidPre), "blocks.0.hook_resid_pre");
  EXPECT_EQ(hook_names::layer_hook_name(31, hook_names::kPattern), "blocks.31.attn.hook_pattern");
}

}  // namespace
}  // namespace spikesink
