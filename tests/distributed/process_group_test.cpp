// Of processes in their own right see examples/processes_test.py.

#include "spikesink/distributed/process_group.h"

#include <gtest/gtest.h>

#include "threads_as_processes.h"

namespace spikesink {
namespace {

TEST(ProcessesTest, SharesAreEvenAndLeaveNothingOut) {
  for (const int64_t items : {0, 1, 7, 8, 100}) {
    for (const int64_t count : {1, 2, 3, 8}) {
      int64_t next = 0;
      for (int64_t rank = 0; rank < count; ++rank) {
        const auto [first, last] = rank_range(items, rank, count);
        EXPECT_EQ(first, next);
        EXPECT_GE(last - first, items / count);
        EXPECT_LE(last - first, (items + count - 1) / count);
        next = last;
      }
      EXPECT_EQ(next, items);
    }
  }
}

TEST(ProcessesTest, TheFirstOneWritesAndSoDoesOneThatIsAlone) {
  EXPECT_TRUE(is_main_process(nullptr));
  ThreadJob(3).run([](const ProcessGroup& process) {
    EXPECT_EQ(is_main_process(&process), process.rank() == 0);
  });
}

}  // namespace
}  // namespace spikesink
