#include "spikesink/train/training_log.h"

#include <gtest/gtest.h>

#include "message_of.h"
#include "read_bytes.h"
#include "spikesink/error.h"
#include "train/small_run.h"

namespace spikesink {
namespace {

TEST(TrainingLogTest, IsReadAsItWasWritten) {
  const CompleteRun whole(run_config());
  const auto log = read_training_log(whole.folder / "log.jsonl");
  ASSERT_EQ(log.size(), 20);
  std::string text;
  for (const auto& record : log) text += to_json(record) + "\n";
  EXPECT_EQ(text, read_bytes(whole.folder / "log.jsonl"));
  ASSERT_TRUE(log[5].validation && log[19].validation);
  EXPECT_FALSE(log[4].validation);
  const auto old = whole.folder.write("old.jsonl", R"({"step": 1, "validation": {"loss": 1}})");
  EXPECT_FALSE(read_training_log(old).front().validation->massive_channels);
  const auto bad = whole.folder.write("bad.jsonl", "{\"step\": 1}\n{\"stp\": 2}\n");
  EXPECT_TRUE(
      contains(message_of<FileError>([&] { read_training_log(bad); }), "bad.jsonl, line 2"));
}

}  // namespace
}  // namespace spikesink
