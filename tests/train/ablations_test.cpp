#include "spikesink/train/ablations.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "message_of.h"

namespace spikesink {
namespace {

using nlohmann::json;

void differences(const json& a, const json& b, const std::string& at,
                 std::vector<std::string>& out) {
  for (const auto& [key, value] : a.items()) {
    const auto name = at.empty() ? key : fmt::format("{}.{}", at, key);
    if (value.is_object()) {
      differences(value, b[key], name, out);
    } else if (value != b[key]) {
      out.push_back(name);
    }
  }
}

TEST(AblationsTest, EachRowDiffersInItsFieldsAlone) {
  EXPECT_EQ(ablations().size(), 41);
  for (const auto& scale : {"60m", "7b"}) {
    const auto base = json::parse(to_json(baseline(scale)));
    for (const auto& row : ablations()) {
      if (row.fields.empty()) continue;
      std::vector<std::string> changed;
      differences(base, json::parse(to_json(ablation_config(row.name, scale))), "", changed);
      ASSERT_GE(changed.size(), 2u) << row.name;
      std::erase(changed, "name");
      auto allowed = row.fields;
      for (const auto& field : changed)
        EXPECT_NE(std::find(allowed.begin(), allowed.end(), field), allowed.end())
            << row.name << " changes " << field;
    }
  }
  EXPECT_TRUE(contains(
      message_of<std::invalid_argument>([] { ablation_config("table5/sandwhich", "nano"); }),
      "table5/sandwich"));
  EXPECT_THROW(baseline("2b"), std::invalid_argument);
}

TEST(AblationsTest, AtThePapersSizeTheyAreThePapers) {
  EXPECT_EQ(ablation_config("table6/d-head-8-heads-512", "7b").model.n_heads, 512);
  EXPECT_EQ(ablation_config("table6/heads-16", "7b").model.d_head, 128);
  EXPECT_NEAR(ablation_config("table3/rate-1.2e-3", "7b").optimizer.learning_rate, 1.2e-3, 1e-12);
  const auto longer = ablation_config("table8/1024-5120", "7b");
  EXPECT_EQ(longer.length, 5120);
  EXPECT_EQ(longer.least_context, 1024);
  EXPECT_EQ(longer.model.context, 5120);
}

}  // namespace
}  // namespace spikesink
