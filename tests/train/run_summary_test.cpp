#include "spikesink/train/run_summary.h"

#include <gtest/gtest.h>

#include <optional>

namespace spikesink {
namespace {

TrainingRunLog finished(const std::string& name, double loss, std::optional<double> spike) {
  TrainingRunLog run;
  run.config.name = name;
  run.config.steps = 2;
  run.log = {{.step = 1},
             {.step = 2, .validation = ValidationRecord{.loss = loss, .spike = spike}}};
  return run;
}

TEST(SummarizeTest, OverTheSeedsThatAreDone) {
  auto half = finished("mine", 7, 7);
  half.log.pop_back();
  const auto rows =
      summarize_rows({finished("table5/sandwich", 3, 20), finished("mine", 1, std::nullopt),
                      finished("table5/sandwich", 2, 30), half});
  ASSERT_EQ(rows.size(), 2);
  EXPECT_EQ(rows[0].runs, 2);
  EXPECT_EQ(rows[0].loss->mean, 2.5);
  EXPECT_EQ(rows[0].loss->low, 2);
  EXPECT_EQ(rows[0].spike->high, 30);
  EXPECT_EQ(rows[0].paper->spike, 520);
  EXPECT_EQ(rows[1].runs, 1);
  EXPECT_FALSE(rows[1].spike || rows[1].paper || rows[1].sink_ratio_percent);
}

}  // namespace
}  // namespace spikesink
