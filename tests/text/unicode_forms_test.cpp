#include "text/unicode_forms.h"

#include <gtest/gtest.h>

namespace spikesink::detail {
namespace {

struct Case {
  const char* text;
  const char* expected;
};

TEST(UnicodeFormsTest, ComposesInCanonicalOrder) {
  const Case cases[] = {
      {"", ""},
      {"plain \u00E9 text", "plain \u00E9 text"},
      {"e\u0301", "\u00E9"},
      {"\u1E69", "\u1E69"},
      {"s\u0307\u0323", "\u1E69"},
      {"\u1E9B\u0323", "\u1E9B\u0323"},
      {"q\u0307\u0323", "q\u0323\u0307"},                    // reordered though nothing composes
      {"a\u0301\u0301", "\u00E1\u0301"},                     // the second mark is blocked
      {"a\u0315\u0300\u05AE\u0062", "\u00E0\u05AE\u0315b"},  // later marks compose past higher ones
      {"\u0301a", "\u0301a"},
      {"\u212B\u2126", "\u00C5\u03A9"},  // singletons
      {"\u0958", "\u0915\u093C"},        // excluded from composition
      {"\u0344", "\u0308\u0301"},
      {"\u1112\u1161\u11AB", "\uD55C"},  // Hangul
      {"\uD558\u11AB", "\uD55C"},
      {"\uAC01\u11A8", "\uAC01\u11A8"},
      {"\u1100\u11A8", "\u1100\u11A8"},
      {"\u09C7\u09BE", "\u09CB"},  // starters compose with starters
      {"\U0001D15E", "\U0001D157\U0001D165"},
      {"\uF900", "\u8C48"},
  };
  for (const Case& entry : cases)
    EXPECT_EQ(to_form(UnicodeForm::kC, entry.text), entry.expected) << entry.text;
}

}  // namespace
}  // namespace spikesink::detail
