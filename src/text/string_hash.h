#pragma once

#include <functional>
#include <string_view>

namespace spikesink::detail {

/// Lets a map of strings be searched for views.
struct StringHash : std::hash<std::string_view> {
  using is_transparent = void;
};

}  // namespace spikesink::detail
