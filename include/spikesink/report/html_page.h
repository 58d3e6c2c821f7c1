#pragma once

#include <string>
#include <string_view>

namespace [[gnu::visibility("default")]] spikesink {

/// One self-contained page that draws a `report.json` (docs/report.md): it works from disk and
/// offline, and loads nothing. The JSON travels inside as data, never as markup: a token such as
/// `</script>` comes out as text.
std::string html_page(std::string_view report_json);

}  // namespace spikesink
