#include "measure/sinks/sink_keys.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "message_of.h"

namespace spikesink {
namespace {

TEST(SinkKeysTest, TheMaskIsOfPositionsAndOfSingleTokens) {
  const SinkKeys keys{.positions = {0, -1, 9}, .token_positions = {{5, 2}, {7, 1}}};
  const auto batch = with_prefix({torch::ones({2, 4}, torch::kLong), 5}, {8});
  auto expected = torch::zeros({2, 5}, torch::kBool);
  expected.select(1, 0).fill_(true);
  expected.select(1, 4).fill_(true);  // the last
  expected[0][3] = true;              // behind the prefix
  EXPECT_TRUE(detail::sink_mask(keys, batch).equal(expected));
}

TEST(SinkKeysTest, PositionsThatDoNotExistAreRefused) {
  const auto refusal = [](const SinkKeys& keys) {
    return message_of<std::invalid_argument>([&] { detail::check(keys, "Test"); });
  };
  EXPECT_TRUE(contains(refusal({.positions = {-2}}), "[Test] sink key: got -2"));
  EXPECT_TRUE(contains(refusal({.token_positions = {{-1, 3}}}), "got sequence -1 and position 3"));
  detail::check({.positions = {0, -1}, .token_positions = {{0, 0}}}, "Test");
}

}  // namespace
}  // namespace spikesink
