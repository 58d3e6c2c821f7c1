#include "spikesink/train/token_shard.h"

#include <gtest/gtest.h>

#include "message_of.h"
#include "spikesink/error.h"
#include "temp_dir.h"
#include "train/token_files.h"

namespace spikesink {
namespace {

TEST(TokenShardTest, ReadsAllThreeKinds) {
  const TempDir folder;
  const std::vector<uint16_t> small = {1, 60000, 3};
  const std::vector<uint32_t> large = {1, 100000, 3};
  const std::vector<int64_t> expected = {1, 60000, 3}, expected_large = {1, 100000, 3};
  const auto read = [&](const std::string& bytes) {
    return ids_in(open_token_shard(folder.write("a.bin", bytes)).tokens);
  };
  EXPECT_EQ(read(bytes_of(small)), expected);
  EXPECT_EQ(read(llmc_shard(20240520, 1, 3, small)), expected);
  EXPECT_EQ(read(llmc_shard(20240801, 7, 3, large)), expected_large);
}

TEST(TokenShardTest, OtherFilesAreRefused) {
  const TempDir folder;
  const auto said = [&](const std::string& bytes) {
    const auto file = folder.write("a.bin", bytes);
    return message_of<FileError>([&] { open_token_shard(file); });
  };
  EXPECT_TRUE(contains(said("abc"), "got 3 bytes, expected uint16 ids"));
  EXPECT_TRUE(contains(said(""), "is empty"));
  const std::vector<uint16_t> ids = {1, 2, 3};
  EXPECT_TRUE(contains(said(llmc_shard(20240520, 1, 4, ids)),
                       "got version 1 and 4 tokens, expected version 1 and 3 tokens"));
  EXPECT_TRUE(contains(said(llmc_shard(20240520, 2, 3, ids)), "got version 2"));
  EXPECT_THROW(open_token_shard(folder / "none.bin"), FileError);
}

}  // namespace
}  // namespace spikesink
