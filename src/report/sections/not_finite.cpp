#include "spikesink/measure/practice/not_finite.h"
#include "report/json_values.h"
#include "report/section.h"

namespace spikesink::detail {

void add_section(const NotFiniteResult& result, ReportDocument& report) {
  json list = json::array();
  for (const auto& point : result.points) {
    list.push_back({{"point", point.point},
                    {"nan", point.nan},
                    {"infinite", point.infinite},
                    {"sequence", point.sequence ? json(*point.sequence) : json()},
                    {"index", point.index}});
  }
  const json fields = {
      {"definition",
       "Hook points that showed NaN or infinite values, in the order of the forward pass; "
       "sequence and index are the first place (inside experts there is none)"},
      {"options", {{"patterns", result.patterns}}},
      {"points", list}};
  report.json["not_finite"] = fields;
}

}  // namespace spikesink::detail

namespace spikesink {
template void Report::add(const NotFiniteResult&);
}  // namespace spikesink
