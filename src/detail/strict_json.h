#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string_view>

namespace spikesink::detail {

/// Parses a JSON object. FormatError for text that is no JSON, another kind of value, nesting
/// deeper than `max_depth`, and a key met twice in one object (of which a parser would silently
/// keep the last). `caller` opens the message.
nlohmann::json parse_strict_json(std::string_view text, int max_depth, std::string_view caller,
                                 const std::filesystem::path& file);

/// Whether it is an integer that fits: larger ones would wrap round.
bool is_int64(const nlohmann::json& value);

}  // namespace spikesink::detail
