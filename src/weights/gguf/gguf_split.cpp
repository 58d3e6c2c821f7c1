#include "weights/gguf/gguf_split.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>

#include "detail/exists.h"

namespace spikesink::detail {
namespace fs = std::filesystem;
namespace {

constexpr const char* kSplitCount = "split.count";
constexpr const char* kSplitNumber = "split.no";  // from 0; in names from 1
constexpr const char* kSplitTensors = "split.tensors.count";
constexpr int64_t kMostParts = std::numeric_limits<uint16_t>::max();

/// What a name PREFIX-00002-of-00003.gguf says.
struct PartName {
  std::string prefix;
  int64_t number;
  int64_t count;

  fs::path path(const fs::path& folder, int64_t other) const {
    return folder / fmt::format("{}-{:05}-of-{:05}.gguf", prefix, other, count);
  }
};

std::optional<PartName> part_name(const fs::path& file) {
  constexpr std::string_view kForm = "-#####-of-#####.gguf";
  const std::string name = file.filename().string();
  if (name.size() < kForm.size()) return std::nullopt;
  PartName part{name.substr(0, name.size() - kForm.size()), 0, 0};
  for (size_t i = 0; i < kForm.size(); ++i) {
    const char c = name[part.prefix.size() + i];
    if (kForm[i] != '#' && c != kForm[i]) return std::nullopt;
    if (kForm[i] != '#') continue;
    if (c < '0' || c > '9') return std::nullopt;
    int64_t& value = i < kForm.size() / 2 ? part.number : part.count;
    value = value * 10 + (c - '0');
  }
  if (part.number < 1 || part.number > part.count) return std::nullopt;
  return part;
}

int64_t split_key(const GgufPart& part, const char* key, int64_t most) {
  const auto found = part.metadata.find(key);
  const bool missing = found == part.metadata.end();
  const auto* value = missing ? nullptr : std::get_if<int64_t>(&found->second);
  if (value != nullptr && *value >= 0 && *value <= most) return *value;
  fail_format(
      "[GgufFile] a key of a split model is not understood: got {}, expected an integer from 0 to "
      "{} ({}, key '{}')",
      value != nullptr ? std::to_string(*value)
      : missing        ? "nothing"
                       : "a value of another type",
      most, part.file->path().string(), key);
}

bool is_whole(const GgufPart& part) {
  return !part.metadata.contains(kSplitCount) || split_key(part, kSplitCount, kMostParts) <= 1;
}

int64_t tensors_of_all(const GgufPart& part) {
  return split_key(part, kSplitTensors, std::numeric_limits<int32_t>::max());
}

/// Throws FileError unless the keys of a part say what its name says.
void check_name(const GgufPart& part, int64_t number, int64_t count) {
  const auto check = [&](const char* key, int64_t expected) {
    const int64_t value = split_key(part, key, kMostParts);
    if (value == expected) return;
    fail_format(
        "[GgufFile] a part does not agree with its name: got {} {}, expected {} ({}); it was "
        "likely renamed or copied, give each part its original name",
        key, value, expected, part.file->path().string());
  };
  check(kSplitCount, count);
  check(kSplitNumber, number - 1);
}

PartName checked_name(const GgufPart& part) {
  const fs::path& path = part.file->path();
  const auto name = part_name(path);
  if (!name) {
    fail_format(
        "[GgufFile] a part of a split model was renamed: got '{}', expected a name that ends in "
        "-{:05}-of-{:05}.gguf ({}); give each part its original name",
        path.filename().string(), split_key(part, kSplitNumber, kMostParts) + 1,
        split_key(part, kSplitCount, kMostParts), path.string());
  }
  check_name(part, name->number, name->count);
  return *name;
}

GgufPart read_other(const GgufPart& given, const PartName& name, int64_t number) {
  const fs::path& path = given.file->path();
  const fs::path other = name.path(path.parent_path(), number);
  if (!detail::exists(other)) {
    fail_format(
        "[GgufFile] a part of the model is missing: got no file '{}', expected all {} parts in one "
        "folder ({}); download it, or give it its original name",
        other.filename().string(), name.count, path.string());
  }
  GgufPart part = read_gguf_part(other);
  check_name(part, number, name.count);
  if (tensors_of_all(part) != tensors_of_all(given)) {
    fail_format(
        "[GgufFile] two parts are of different models: got {} {}, expected {} as in {} ({}); keep "
        "the parts of each model in a folder of their own",
        kSplitTensors, tensors_of_all(part), tensors_of_all(given), path.filename().string(),
        other.string());
  }
  if (number > 1) part.metadata.clear();
  return part;
}

void check_tensor_count(const std::vector<GgufPart>& parts, int64_t expected) {
  size_t count = 0;
  for (const GgufPart& part : parts) count += part.tensors.size();
  if (std::cmp_equal(count, expected)) return;
  fail_format(
      "[GgufFile] the parts do not have all tensors of the model: got {} tensors, expected {} of "
      "{} ({}); likely parts of different models",
      count, expected, kSplitTensors, parts.front().file->path().string());
}

}  // namespace

std::vector<GgufPart> read_gguf_parts(const fs::path& path) {
  std::vector<GgufPart> parts;
  parts.push_back(read_gguf_part(path));
  if (is_whole(parts.front())) return parts;
  GgufPart given = std::move(parts.front());
  const PartName name = checked_name(given);
  const int64_t tensors = tensors_of_all(given);
  parts.clear();
  for (int64_t number = 1; number <= name.count; ++number)
    parts.push_back(number == name.number ? GgufPart{} : read_other(given, name, number));
  parts[static_cast<size_t>(name.number - 1)] = std::move(given);
  check_tensor_count(parts, tensors);
  return parts;
}

bool are_gguf_parts(const std::vector<fs::path>& files) {
  const auto first = files.empty() ? std::nullopt : part_name(files.front());
  return first && std::all_of(files.begin(), files.end(), [&](const fs::path& file) {
           const auto name = part_name(file);
           return name && name->prefix == first->prefix && name->count == first->count;
         });
}

}  // namespace spikesink::detail
