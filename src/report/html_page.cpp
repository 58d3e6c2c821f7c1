#include "spikesink/report/html_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

#include "report/page_data.h"

// Embedded by CMake: files of report/page, their modules bundled as page.js, and plotly.js.
extern "C" {
extern const char spikesink_page_html[], spikesink_page_html_end[];
extern const char spikesink_page_css[], spikesink_page_css_end[];
extern const char spikesink_plotly_js[], spikesink_plotly_js_end[];
extern const char spikesink_page_js[], spikesink_page_js_end[];
}

namespace spikesink {
namespace {

// The names in braces in page.html, and the text that replaces each.
using Insertions = std::array<std::pair<std::string_view, std::string_view>, 4>;

std::string_view between(const char* begin, const char* end) {
  return {begin, static_cast<size_t>(end - begin)};
}

// Escapes `<` as in JSON strings, so that the data cannot open or close an HTML element.
std::string without_markup(std::string_view json) {
  std::string safe;
  safe.reserve(json.size());
  for (const char byte : json) {
    if (byte == '<') {
      safe += "\\u003c";
    } else {
      safe += byte;
    }
  }
  return safe;
}

std::string fill(std::string_view page, const Insertions& insertions) {
  std::string filled;
  for (size_t open; (open = page.find("{{")) != std::string_view::npos;) {
    const size_t close = page.find("}}", open);
    const auto name = page.substr(open + 2, close - open - 2);
    filled += page.substr(0, open);
    const auto* found = std::find_if(insertions.begin(), insertions.end(),
                                     [&](const auto& entry) { return entry.first == name; });
    if (found == insertions.end())
      throw std::logic_error(fmt::format("[html_page] page.html names the unknown {}", name));
    filled += found->second;
    page.remove_prefix(close + 2);
  }
  return filled += page;
}

}  // namespace

std::string html_page(std::string_view report_json) {
  const auto data = without_markup(detail::page_data(report_json));
  return fill(between(spikesink_page_html, spikesink_page_html_end),
              {{{"page.css", between(spikesink_page_css, spikesink_page_css_end)},
                {"report.json", data},
                {"plotly.js", between(spikesink_plotly_js, spikesink_plotly_js_end)},
                {"page.js", between(spikesink_page_js, spikesink_page_js_end)}}});
}

}  // namespace spikesink
