#include "report/report_sections.h"
#include "report/sections/words.h"

namespace spikesink::detail {

json section(const std::vector<NotFiniteValues>& points) {
  json list = json::array();
  for (const auto& point : points) {
    list.push_back({{"point", point.point},
                    {"nan", point.nan},
                    {"infinite", point.infinite},
                    {"sequence", point.sequence ? json(*point.sequence) : json()},
                    {"index", point.index}});
  }
  return {{"definition",
           "Hook points that showed NaN or infinite values, in the order of the forward pass; "
           "sequence and index are the first place (inside experts there is none)"},
          {"points", list}};
}

json section(const std::vector<TensorParity>& points, const ParityOptions& options) {
  json list = json::array();
  for (const auto& point : points) {
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
  return {{"definition",
           "A value agrees when |got - expected| <= absolute + relative x |expected|; outside "
           "counts those that do not. error is the largest |got - expected| over what is allowed, "
           "worst is where; scale is the root mean square of the reference"},
          {"options", {{"absolute", options.absolute}, {"relative", options.relative}}},
          {"points", list}};
}

json section(const std::vector<TensorInfo>& activations) {
  json list = json::array();
  for (const auto& tensor : activations) {
    list.push_back({{"name", tensor.name}, {"shape", tensor.shape}, {"dtype", tensor.dtype}});
  }
  return list;
}

}  // namespace spikesink::detail
