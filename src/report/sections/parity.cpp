#include "spikesink/measure/practice/parity.h"
#include "report/json_values.h"
#include "report/section.h"

namespace spikesink::detail {

void add_section(const ParityResult& result, ReportDocument& report) {
  json list = json::array();
  for (const auto& point : result.points) {
    list.push_back({{"point", point.point},
                    {"shape", point.shape},
                    {"outside", point.outside},
                    {"error", number(point.error)},
                    {"largest_difference", number(point.largest_difference)},
                    {"scale", number(point.scale)},
                    {"worst", point.worst},
                    {"got", number(point.got)},
                    {"expected", number(point.expected)}});
  }
  const json fields = {
      {"definition",
       "A value agrees when |got - expected| <= absolute + relative x |expected|; outside "
       "counts those that do not. error is the largest |got - expected| over what is allowed, "
       "worst is where; scale is the root mean square of the reference"},
      {"options", {{"absolute", result.options.absolute}, {"relative", result.options.relative}}},
      {"points", list}};
  report.json["parity"] = fields;
}

}  // namespace spikesink::detail

namespace spikesink {
template void Report::add(const ParityResult&);
}  // namespace spikesink
