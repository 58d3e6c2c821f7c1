#include "weights/torch/zip_archive.h"

#include <gtest/gtest.h>

#include "message_of.h"
#include "read_bytes.h"
#include "spikesink/error.h"
#include "temp_dir.h"
#include "weights/malformed.h"
#include "weights/zip_bytes.h"

namespace spikesink::detail {
namespace {

ZipEntries read(const std::string& bytes, std::shared_ptr<const MappedFile>* kept = nullptr) {
  const TempDir dir;
  const auto file = MappedFile::open(dir.write("a.zip", bytes), "test");
  if (kept != nullptr) *kept = file;
  return read_zip(*file, "test");
}

const std::vector<ZipPart> kTwo = {{.name = "a/data.pkl", .data = "12345"},
                                   {.name = "a/data/0", .data = "6789"}};

TEST(ZipArchiveTest, EntriesAreFoundWithTheirBytes) {
  for (const std::string& bytes : {zip_of(kTwo), zip64_of(kTwo)}) {
    std::shared_ptr<const MappedFile> file;
    const ZipEntries entries = read(bytes, &file);
    ASSERT_EQ(entries.size(), 2U);
    const auto text = [&](const char* name) {
      const ZipEntry& entry = entries.at(name);
      return file->text().substr(entry.offset, entry.size);
    };
    EXPECT_EQ(text("a/data.pkl"), "12345");
    EXPECT_EQ(text("a/data/0"), "6789");
    EXPECT_NO_THROW(refuse_compressed(entries, *file, "test"));
  }
}

TEST(ZipArchiveTest, SizesMayBeInTheZip64Fields) {
  auto parts = kTwo;
  for (ZipPart& part : parts) part.zip64 = true;
  for (const std::string& bytes : {zip_of(parts), zip64_of(parts)})
    EXPECT_EQ(read(bytes).at("a/data/0").size, 4U);
}

TEST(ZipArchiveTest, SizesMayFollowTheData) {
  auto parts = kTwo;
  for (ZipPart& part : parts) {
    part.flags = part.local_flags = 8;
    part.local_bytes = 0;
  }
  EXPECT_EQ(read(zip_of(parts)).at("a/data/0").size, 4U);
}

TEST(ZipArchiveTest, AnEmptyFileAndACommentAreRead) {
  EXPECT_TRUE(read(zip_of({})).empty());
  std::string bytes = zip_of(kTwo);
  bytes.replace(bytes.size() - 2, 2, u16(3));
  EXPECT_EQ(read(bytes + "abc").size(), 2U);
}

TEST(ZipArchiveTest, ACompressedEntryIsNamed) {
  std::shared_ptr<const MappedFile> file;
  auto parts = kTwo;
  parts[1].method = parts[1].local_method = 8;
  const ZipEntries entries = read(zip_of(parts), &file);
  const auto message = message_of<FileError>([&] { refuse_compressed(entries, *file, "test"); });
  EXPECT_TRUE(contains(message, "'a/data/0' of the zip file is compressed: got method 8"));
}

class MalformedZipTest : public testing::TestWithParam<Malformed> {};

TEST_P(MalformedZipTest, IsRefused) {
  EXPECT_TRUE(
      contains(message_of<FileError>([&] { read(GetParam().bytes); }), GetParam().fragment));
}

/// The good file with another second entry.
std::string with_second(ZipPart part) {
  return zip_of({kTwo[0], std::move(part)});
}

std::string named(const std::string& name) {
  return with_second({.name = name, .data = "6789"});
}

/// The good file with this field, counted from its end.
std::string with_end(size_t from_end, const std::string& field,
                     const std::string& good = zip_of(kTwo)) {
  std::string bytes = good;
  return bytes.replace(bytes.size() - from_end, field.size(), field);
}

const Malformed kMalformedZips[] = {
    {"NotAZip", "garbage", "the directory at the end of the zip file is missing"},
    {"CutInTheData", zip_of(kTwo).substr(0, 50), "likely an interrupted download"},
    {"CutByOneByte", zip_of(kTwo).substr(0, zip_of(kTwo).size() - 1), "directory at the end"},
    {"BytesInFront", "x" + zip_of(kTwo), "expected its end at"},
    {"BytesBehind", zip_of(kTwo) + "x", "directory at the end of the zip file is missing"},
    {"SeveralParts", with_end(14, u16(7)), "one of several parts"},
    {"TooManyEntries", with_end(14, u16(60000) + u16(60000)),
     "got 60000 entries, expected at most"},
    {"TooFewEntries", with_end(14, u16(1) + u16(1)), "bytes follow the zip directory"},
    {"DirectoryPastTheEnd", with_end(6, u32(UINT32_MAX - 1)), "expected its end at"},
    {"DirectoryOfAllOnes", with_end(10, u32(UINT32_MAX) + u32(UINT32_MAX)), "expected its end at"},
    {"DirectoryTooLong", with_end(10, u32(100000)), "expected its end at"},
    {"TwoEnds", with_end(10, u32(5), zip64_of(kTwo)), "the two ends of the zip directory disagree"},
    {"Zip64EndElsewhere", with_end(34, u64(3), zip64_of(kTwo)), "expected it directly before"},
    {"Zip64EndPastTheEnd", with_end(34, u64(UINT64_MAX), zip64_of(kTwo)), "expected it directly"},
    {"Zip64EntriesOfAllOnes", with_end(66, u64(UINT64_MAX), zip64_of(kTwo)), "expected at most 2"},
    {"Zip64DirectoryOfAllOnes", with_end(50, u64(UINT64_MAX), zip64_of(kTwo)), "expected its end"},
    {"DirectoryEntryPastTheEnd",
     with_end(22 + 47 - 28, u16(5000), zip_of({{.name = "x", .data = "1"}})), "damaged at offset"},
    {"NoDirectoryEntry", with_end(22 + 47, u32(0), zip_of({{.name = "x", .data = "1"}})),
     "got no entry at offset"},
    {"Climbs", named("a/../../etc/passwd"), "unsafe name: got 'a/../../etc/passwd'"},
    {"ClimbsAtOnce", named(".."), "unsafe name"},
    {"Absolute", named("/etc/passwd"), "unsafe name"},
    {"NoName", named(""), "unsafe name"},
    {"Nul", named(std::string("a\0b", 3)), "unsafe name"},
    {"Backslash", named("a\\..\\b"), "unsafe name"},
    {"Encrypted", with_second({.name = "x", .data = "1", .flags = 1}),
     "'x' of the zip file is encrypted"},
    {"EncryptedInItsHeader", with_second({.name = "x", .data = "1", .local_flags = 1}),
     "is stored in two ways"},
    {"CompressedInItsHeader", with_second({.name = "x", .data = "1", .local_method = 8}),
     "got method 8 in its header and 0"},
    {"TwoNames", with_second({.name = "x", .data = "1", .local_name = "y"}),
     "got 'y' in its header and 'x' in the directory"},
    {"TwoSizes", with_second({.name = "x", .data = "1", .local_bytes = 2}),
     "got 2 bytes in its header and 1 in the directory"},
    {"Twice", with_second(kTwo[0]), "two entries of the zip file have one name: 'a/data.pkl'"},
    {"PastTheData", with_second({.name = "x", .data = "1", .extra_bytes = 1}),
     "'x' passes the end of the zip file's data: got 2 bytes"},
    {"FarPastTheData",
     with_second({.name = "x", .data = "1", .extra_bytes = INT64_MAX, .zip64 = true}),
     "passes the end of the zip file's data"},
    {"HeaderPastTheData", with_second({.name = "x", .data = "1", .offset = 5000}),
     "'x' is not in the zip file: got offset 5000"},
    {"HeaderFarPastTheData",
     with_second({.name = "x", .data = "1", .offset = INT64_MAX, .zip64 = true}),
     "'x' is not in the zip file: got offset 9223372036854775807"},
    {"NoHeader", with_second({.name = "x", .data = "1", .offset = 1}), "has no header at offset 1"},
    {"Overlap",
     zip_of({{.name = "a", .data = "12345", .extra_bytes = 20}, {.name = "b", .data = "678"}}),
     "'a' of the zip file overlaps 'b'"},
};

INSTANTIATE_TEST_SUITE_P(Zip, MalformedZipTest, testing::ValuesIn(kMalformedZips),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(ZipArchiveTest, ACutOrChangedFileIsReadOrRefused) {
  auto parts = kTwo;
  parts[1].zip64 = true;
  for (const std::string& good : {zip_of(parts), zip64_of(parts)}) {
    for (size_t i = 0; i < good.size(); ++i) {
      for (int bit = 0; bit < 8; ++bit) {
        std::string changed = good;
        changed[i] = static_cast<char>(changed[i] ^ (1 << bit));
        try {
          for (const auto& [name, entry] : read(changed))
            EXPECT_LE(entry.offset + entry.size, good.size());
        } catch (const FileError&) {
        }
      }
      EXPECT_THROW(read(good.substr(0, i)), FileError) << "cut at " << i;
    }
  }
}

}  // namespace
}  // namespace spikesink::detail
