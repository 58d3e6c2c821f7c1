#pragma once

#include <functional>
#include <string_view>

namespace spikesink::detail {

/// Allows lookups by std::string_view in a map with std::string keys.
struct StringHash : std::hash<std::string_view> {
  using is_transparent = void;
};

}  // namespace spikesink::detail
