#include "report/json_values.h"
#include "report/section.h"
#include "spikesink/weights/weight_source.h"

namespace spikesink::detail {

void add_section(const std::vector<TensorInfo>& activations, ReportDocument& report) {
  json list = json::array();
  for (const auto& tensor : activations) {
    list.push_back({{"name", tensor.name}, {"shape", tensor.shape}, {"dtype", tensor.dtype}});
  }
  report.json["activations"] = list;
}

}  // namespace spikesink::detail

namespace spikesink {
template void Report::add(const std::vector<TensorInfo>&);
}  // namespace spikesink
