#include "text/limits.h"

#include <gtest/gtest.h>

#include "message_of.h"
#include "spikesink/error.h"
#include "text/decoder.h"
#include "text/split_pattern.h"

namespace spikesink::detail {
namespace {

TEST(LimitsTest, StepsOfADecoderDoNotFillMemory) {
  Decoder decoder;
  for (int step = 0; step < 7; ++step)
    decoder.add(replace_decoder(Regex(quoted_pattern("a"), "test"), std::string(60, 'a')));
  const auto said = "[Tokenizer] the decoder makes a text too long: got";
  EXPECT_TRUE(contains(message_of<FileError>([&] { decoder.decode({"a", "b"}); }), said));
  EXPECT_TRUE(contains(message_of<FileError>([&] { decoder.show("a"); }), said));
}

TEST(LimitsTest, GrowthIsRelativeToTheInput) {
  check_growth("decoder", 0, 1 << 20);  // a little for nothing is allowed
  check_growth("decoder", 1 << 20, 65 << 20);
  EXPECT_THROW(check_growth("decoder", 0, (1 << 20) + 64), FileError);
  EXPECT_THROW(check_growth("decoder", 1 << 20, (65 << 20) + 64), FileError);
}

}  // namespace
}  // namespace spikesink::detail
