#pragma once

#include <string>
#include <string_view>

namespace [[gnu::visibility("default")]] spikesink {

/// Returns a self-contained HTML page that draws a `report.json` (docs/report.md). The page works
/// offline and loads no other files. The JSON is embedded as data and escaped, so a token such as
/// `</script>` is shown as text.
std::string html_page(std::string_view report_json);

}  // namespace spikesink
