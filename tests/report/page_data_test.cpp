#include "report/page_data.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace spikesink::detail {
namespace {

using nlohmann::json;

json kept(const json& report) {
  return json::parse(page_data(report.dump()));
}

TEST(PageDataTest, NumbersHaveSixDigits) {
  const auto data = kept({{"loss", 3.14159265358979}, {"list", {{1e-9 / 3}, 12345678.9}}});
  EXPECT_EQ(data["loss"], 3.14159);
  EXPECT_EQ(data["list"][0][0], 3.33333e-10);
  EXPECT_EQ(data["list"][1], 12345700.0);
}

TEST(PageDataTest, WholeNumbersAndTextStay) {
  const json report = {{"count", 123456789}, {"text", "0.123456789 \u2028"}, {"none", nullptr}};
  EXPECT_EQ(kept(report), report);
}

TEST(PageDataTest, KeepsTheBandAndTheLargestNorms) {
  std::vector<double> norms(1000);
  for (size_t channel = 0; channel < norms.size(); ++channel)
    norms[channel] = static_cast<double>((channel * 7) % norms.size());
  const auto data = kept({{"quadratic_form", {{"blocks", {{{"block", 2}, {"norms", norms}}}}}}});
  const auto& block = data["quadratic_form"]["blocks"][0];
  EXPECT_FALSE(block.contains("norms"));
  EXPECT_EQ(block["block"], 2);
  EXPECT_EQ(block["norm_band"], json({9, 990}));
  ASSERT_EQ(block["largest_norms"].size(), 10);
  EXPECT_EQ(block["largest_norms"][0], json({857, 999}));
  EXPECT_EQ(block["largest_norms"][9][1], 990);
}

TEST(PageDataTest, NormsMayBeFewOrUnknown) {
  const json blocks = {{{"norms", {1.5, nullptr, 2.5}}}, {{"norms", {nullptr}}}, {{"norms", {}}}};
  const auto data = kept({{"quadratic_form", {{"blocks", blocks}}}});
  const auto& kept_blocks = data["quadratic_form"]["blocks"];
  EXPECT_EQ(kept_blocks[0]["norm_band"], json({1.5, 2.5}));
  EXPECT_EQ(kept_blocks[0]["largest_norms"], json::parse("[[2, 2.5], [0, 1.5]]"));
  for (const size_t block : {1, 2}) {
    EXPECT_TRUE(kept_blocks[block]["norm_band"].is_null());
    EXPECT_TRUE(kept_blocks[block]["largest_norms"].empty());
  }
}

TEST(PageDataTest, KeepsTheRankOfTheGeometryOfAHead) {
  const json keys = {{"norm", 2.5}, {"effective_rank", 1.25}};
  const json head = {{"layer", 3}, {"margin", 1.5}, {"sinks", keys}, {"others", keys}};
  const auto data = kept({{"sink_geometry", {{"heads", {head}}}}});
  const json rank = {{"effective_rank", 1.25}};
  EXPECT_EQ(data["sink_geometry"]["heads"][0],
            json({{"layer", 3}, {"sinks", rank}, {"others", rank}}));
}

}  // namespace
}  // namespace spikesink::detail
