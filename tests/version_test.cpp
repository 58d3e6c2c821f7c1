#include "spikesink/version.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace spikesink {
namespace {

TEST(VersionTest, TheTextIsMadeOfTheNumbers) {
  EXPECT_EQ(SPIKESINK_VERSION, fmt::format("{}.{}.{}", SPIKESINK_VERSION_MAJOR,
                                           SPIKESINK_VERSION_MINOR, SPIKESINK_VERSION_PATCH));
}

}  // namespace
}  // namespace spikesink
