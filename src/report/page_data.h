#pragma once

#include <string>
#include <string_view>

namespace spikesink::detail {

/// The values of a report that the page shows: six digits of every number, the drawn norms of all
/// channels, the shown geometry of all heads. Without this reduction the page of a model with many
/// channels and heads would be too large.
std::string page_data(std::string_view report_json);

}  // namespace spikesink::detail
