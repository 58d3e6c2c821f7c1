#include "spikesink/report/html_page.h"

#include <gtest/gtest.h>

namespace spikesink {
namespace {

TEST(HtmlPageTest, TextOfTheReportIsDataAndNotMarkup) {
  const auto page = html_page(R"({"program":"</script><img src=x onerror=alert(1)>"})");
  EXPECT_EQ(page.find("<img"), std::string::npos);
  EXPECT_NE(page.find("\\u003c/script>\\u003cimg"), std::string::npos);
}

}  // namespace
}  // namespace spikesink
