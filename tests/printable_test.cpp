#include "spikesink/printable.h"

#include <gtest/gtest.h>

namespace spikesink {
namespace {

using namespace std::string_literals;

TEST(PrintableTest, TextStaysAsItIs) {
  for (const auto* text :
       {"", "plain", "caf\u00e9, \u4f60\u597d \U0001F600", "\u05d0\u0628", "a\\b 'c'"})
    EXPECT_EQ(printable(text), text);
}

TEST(PrintableTest, ControlCharactersAreEscaped) {
  EXPECT_EQ(printable("\x1b[2J"), "\\x1b[2J");
  EXPECT_EQ(printable("a\nb\tc\x7f"), "a\\x0ab\\x09c\\x7f");
  EXPECT_EQ(printable("x\0y"s), "x\\x00y");
  EXPECT_EQ(printable("\u009b"), "\\x9b");        // of the C1 controls, which some terminals obey
  EXPECT_EQ(printable("a\u2028b"), "a\\u2028b");  // a line's end
}

TEST(PrintableTest, BidirectionalControlCharactersAreEscaped) {
  EXPECT_EQ(printable("abc\u202edcba\u202c"), "abc\\u202edcba\\u202c");
  EXPECT_EQ(printable("\u2066x\u2069"), "\\u2066x\\u2069");
}

TEST(PrintableTest, BytesThatAreNotUtf8AreEscaped) {
  EXPECT_EQ(printable("a\xff\x80z"), "a\\xff\\x80z");
  EXPECT_EQ(printable("\xe4\xbd"), "\\xe4\\xbd");           // cut
  EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80");  // a surrogate
}

TEST(PrintableTest, LongTextIsCutInTheMiddle) {
  for (const size_t size : {1501, 7000, 5'000'000}) {
    const auto text = "begin" + std::string(size, 'x') + "/the/path";
    const auto shown = printable(text);
    EXPECT_LT(shown.size(), 1600);
    EXPECT_TRUE(shown.starts_with("begin"));
    EXPECT_TRUE(shown.ends_with("x/the/path"));
    EXPECT_NE(shown.find(" [...] "), std::string::npos);
  }
  EXPECT_EQ(printable(std::string(1500, 'x')), std::string(1500, 'x'));
}

TEST(PrintableTest, ACutIsNeverInsideACharacter) {
  for (size_t shift = 0; shift < 4; ++shift) {
    std::string text(shift, 'x');
    for (int i = 0; i < 3000; ++i) text += "\U0001F600";
    const auto shown = printable(text);
    EXPECT_EQ(shown.find("\\x"), std::string::npos) << shown.substr(900, 200);
  }
}

}  // namespace
}  // namespace spikesink
