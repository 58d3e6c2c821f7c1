#include "common/files.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <limits>
#include <nlohmann/json.hpp>

#include "spikesink/error.h"

namespace examples {
namespace fs = std::filesystem;
namespace {

// nlohmann::json would wrap ids that do not fit into int64_t.
bool is_token_id(const nlohmann::json& id) {
  return id.is_number_integer() &&
         (!id.is_number_unsigned() ||
          id.get<uint64_t>() <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max()));
}

bool is_sequence(const nlohmann::json& sequence) {
  return sequence.is_array() && std::all_of(sequence.begin(), sequence.end(), is_token_id);
}

}  // namespace

std::string read_file(const fs::path& file) {
  std::error_code error;
  if (fs::is_directory(file, error))
    throw spikesink::FileError(fmt::format("'{}' is a folder, expected a file", file.string()));
  const auto type = fs::status(file, error).type();  // reading a device may never end
  if (type == fs::file_type::character || type == fs::file_type::block ||
      type == fs::file_type::socket)
    throw spikesink::FileError(
        fmt::format("'{}' is a special file, expected a file or a pipe", file.string()));
  std::ifstream stream(file, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(stream), {}};
  if (!stream) throw spikesink::FileError(fmt::format("cannot read '{}'", file.string()));
  return bytes;
}

std::vector<std::vector<int64_t>> read_token_ids(const fs::path& file) {
  const auto json = nlohmann::json::parse(read_file(file), nullptr, /*allow_exceptions=*/false);
  if (!json.is_array() || !std::all_of(json.begin(), json.end(), is_sequence))
    throw spikesink::FileError(fmt::format(
        "--tokens: {} is not a JSON array of arrays of token ids, such as [[1, 2], [3]]",
        file.string()));
  return json.get<std::vector<std::vector<int64_t>>>();
}

}  // namespace examples
