#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string_view>

namespace spikesink::detail {

/// Parses a JSON object. Throws FileError for invalid JSON, another type of value, nesting deeper
/// than `max_depth`, and duplicate keys in one object (most parsers silently use the last one). The
/// message starts with `caller`.
nlohmann::json parse_strict_json(std::string_view text, int max_depth, std::string_view caller,
                                 const std::filesystem::path& file);

/// True for an integer that fits into int64; larger ones would overflow.
bool is_int64(const nlohmann::json& value);

}  // namespace spikesink::detail
