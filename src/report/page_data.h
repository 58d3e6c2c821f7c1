#pragma once

#include <string>
#include <string_view>

namespace spikesink::detail {

/// What the page needs of a report: six digits of every number, of the norms of all channels those
/// that it draws, of the geometry of all heads what it tells. A model of many channels and heads
/// would make it too large otherwise.
std::string page_data(std::string_view report_json);

}  // namespace spikesink::detail
