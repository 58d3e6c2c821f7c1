#include "spikesink/weights/safetensors.h"

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <tuple>
#include <utility>

#include "detail/fail.h"
#include "detail/strict_json.h"
#include "weights/mapped_file.h"
#include "weights/safetensors/safetensors_layout.h"
#include "weights/shard_index.h"

namespace spikesink {
namespace fs = std::filesystem;
namespace {

using detail::MappedFile;
using nlohmann::json;

constexpr const char* kCaller = "open_safetensors";

struct Entry {
  TensorInfo info;
  torch::ScalarType dtype;
  uint64_t begin;  // offset in the file
  uint64_t end;
};

std::string_view header_of(const MappedFile& file) {
  uint64_t size = 0;
  if (file.size() < sizeof size) {
    detail::fail_format(
        "[{}] the file is too short for its header: got {} bytes, expected at least 8 ({})",
        kCaller, file.size(), file.path().string());
  }
  std::memcpy(&size, file.data(), sizeof size);
  const uint64_t limit = std::min(file.size() - sizeof size, detail::kMaxSafetensorsHeader);
  if (size > limit) {
    detail::fail_format(
        "[{}] the header's size is impossible: got {} bytes, expected at most {} ({}); likely an "
        "interrupted download, a Git LFS pointer or not a safetensors file",
        kCaller, size, limit, file.path().string());
  }
  return {reinterpret_cast<const char*>(file.data()) + sizeof size, size};
}

/// Reads one entry of the header; every error message names the tensor.
class EntryReader {
 public:
  EntryReader(const MappedFile& file, uint64_t data_begin) : file_(file), data_begin_(data_begin) {}

  Entry read(const std::string& name, const json& value) const {
    if (!value.is_object())
      fail(name, "the header's entry: got {}, expected an object", value.type_name());
    Entry entry;
    entry.info.name = name;
    entry.info.dtype = read_dtype(name, value);
    const auto* dtype = detail::find_safetensors_dtype(entry.info.dtype);
    if (dtype == nullptr) {
      fail(name, "unknown dtype: got '{}', expected one of {}", entry.info.dtype,
           detail::safetensors_dtype_names());
    }
    entry.dtype = dtype->dtype;
    entry.info.shape = read_integers<int64_t>(name, value, "shape");
    read_offsets(name, value, entry);
    check_size(entry);
    return entry;
  }

 private:
  template <typename... Args>
  [[noreturn]] void fail(const std::string& name, fmt::format_string<Args...> text,
                         Args&&... args) const {
    detail::fail_format("[{}] {} ({}, tensor '{}')", kCaller,
                        fmt::format(text, std::forward<Args>(args)...), file_.path().string(),
                        name);
  }

  const json& member(const std::string& name, const json& value, const char* key) const {
    const auto found = value.find(key);
    if (found == value.end()) fail(name, "the header's entry lacks '{}'", key);
    return *found;
  }

  std::string read_dtype(const std::string& name, const json& value) const {
    const json& dtype = member(name, value, "dtype");
    if (!dtype.is_string()) fail(name, "the dtype: got {}, expected a string", dtype.type_name());
    return dtype.get<std::string>();
  }

  template <typename T>
  std::vector<T> read_integers(const std::string& name, const json& value, const char* key) const {
    const json& list = member(name, value, key);
    if (!list.is_array())
      fail(name, "'{}': got {}, expected an array of integers", key, list.type_name());
    std::vector<T> integers;
    for (const json& item : list) {
      if (!item.is_number_unsigned() || !std::in_range<T>(item.get<uint64_t>())) {
        fail(name, "'{}' contains {}, expected integers from 0 to 2^63 - 1", key,
             item.dump(-1, ' ', true));
      }
      integers.push_back(static_cast<T>(item.get<uint64_t>()));
    }
    return integers;
  }

  void read_offsets(const std::string& name, const json& value, Entry& entry) const {
    const auto offsets = read_integers<uint64_t>(name, value, "data_offsets");
    if (offsets.size() != 2) fail(name, "data_offsets: got {} numbers, expected 2", offsets.size());
    if (offsets[0] > offsets[1])
      fail(name, "data_offsets: got {} after {}, expected begin before end", offsets[1],
           offsets[0]);
    const uint64_t available = file_.size() - data_begin_;
    if (offsets[1] > available) {
      fail(name,
           "the data passes the end of the file: got offset {}, expected at most {}; likely an "
           "interrupted download",
           offsets[1], available);
    }
    entry.begin = data_begin_ + offsets[0];
    entry.end = data_begin_ + offsets[1];
  }

  void check_size(const Entry& entry) const {
    const std::string& name = entry.info.name;
    const auto count = detail::element_count(entry.info.shape);
    int64_t bytes = 0;
    if (!count || __builtin_mul_overflow(
                      *count, static_cast<int64_t>(c10::elementSize(entry.dtype)), &bytes)) {
      fail(name, "the shape [{}] has more elements than can be counted",
           fmt::join(entry.info.shape, ", "));
    }
    if (entry.end - entry.begin != static_cast<uint64_t>(bytes)) {
      fail(name, "the data does not fit the shape: got {} bytes, expected {} for [{}] of {}",
           entry.end - entry.begin, bytes, fmt::join(entry.info.shape, ", "), entry.info.dtype);
    }
  }

  const MappedFile& file_;
  uint64_t data_begin_;
};

void check_metadata(const json& metadata, const MappedFile& file) {
  if (!metadata.is_object()) {
    detail::fail_format("[{}] __metadata__: got {}, expected an object ({})", kCaller,
                        metadata.type_name(), file.path().string());
  }
  for (const auto& [key, value] : metadata.items()) {
    if (!value.is_string()) {
      detail::fail_format("[{}] __metadata__: got {} as '{}', expected strings only ({})", kCaller,
                          value.type_name(), key, file.path().string());
    }
  }
}

/// Returns the entries sorted by offset. From the header to the end of the file there must be no
/// gap and no overlap.
std::vector<Entry> read_entries(const MappedFile& file) {
  const std::string_view header = header_of(file);
  uint64_t offset = sizeof(uint64_t) + header.size();
  const EntryReader reader(file, offset);
  std::vector<Entry> entries;
  json contents = detail::parse_strict_json(header, 3, kCaller, file.path());
  entries.reserve(contents.size());
  for (auto item = contents.begin(); item != contents.end(); item = contents.erase(item)) {
    if (item.key() == "__metadata__") {
      check_metadata(item.value(), file);
    } else {
      entries.push_back(reader.read(item.key(), item.value()));
    }
  }
  const auto order = [](const Entry& entry) {
    return std::tie(entry.begin, entry.end, entry.info.name);
  };
  std::sort(entries.begin(), entries.end(),
            [&](const Entry& a, const Entry& b) { return order(a) < order(b); });
  for (const Entry& entry : entries) {
    if (entry.begin != offset) {
      detail::fail_format("[{}] the data {}: got offset {}, expected {} ({}, tensor '{}')", kCaller,
                          entry.begin < offset ? "overlaps that of another tensor" : "leaves a gap",
                          entry.begin, offset, file.path().string(), entry.info.name);
    }
    offset = entry.end;
  }
  if (offset != file.size()) {
    detail::fail_format(
        "[{}] bytes follow the last tensor: got a file of {} bytes, expected {} ({})", kCaller,
        file.size(), offset, file.path().string());
  }
  return entries;
}

class SafetensorsFile : public WeightSource {
 public:
  explicit SafetensorsFile(const fs::path& path) : file_(MappedFile::open(path, kCaller)) {
    for (Entry& entry : read_entries(*file_)) {
      locations_.push_back({entry.begin, entry.end, entry.dtype});
      add(std::move(entry.info));
    }
  }

  WeightFormat format() const override { return WeightFormat::kSafetensors; }
  const fs::path& path() const override { return file_->path(); }

 protected:
  torch::Tensor read(size_t index) const override {
    const TensorLocation& location = locations_[index];
    if (location.dtype == torch::kBool) check_booleans(index);
    return detail::mapped_tensor(file_, location.begin, tensors()[index].shape, location.dtype);
  }

  std::vector<std::span<uint8_t>> byte_ranges_of(size_t index) const override {
    return {bytes_of(index)};
  }

 private:
  std::span<uint8_t> bytes_of(size_t index) const {
    const TensorLocation& location = locations_[index];
    return {file_->data() + location.begin, location.end - location.begin};
  }

  void check_booleans(size_t index) const {
    const auto bytes = bytes_of(index);
    const auto odd = std::ranges::find_if(bytes, [](uint8_t byte) { return byte > 1; });
    if (odd != bytes.end())
      detail::fail_format("[{}] a boolean is neither 0 nor 1: got {} ({}, tensor '{}')", kCaller,
                          *odd, path().string(), tensors()[index].name);
  }

  struct TensorLocation {
    uint64_t begin;
    uint64_t end;
    torch::ScalarType dtype;
  };

  std::shared_ptr<const MappedFile> file_;
  std::vector<TensorLocation> locations_;
};

}  // namespace

std::unique_ptr<WeightSource> open_safetensors(const fs::path& file) {
  return std::make_unique<SafetensorsFile>(file);
}

std::unique_ptr<WeightSource> open_safetensors_index(const fs::path& index_file) {
  return detail::open_shard_index(
      index_file, {"open_safetensors_index", WeightFormat::kSafetensors, open_safetensors});
}

}  // namespace spikesink
