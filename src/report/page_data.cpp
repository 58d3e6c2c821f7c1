#include "report/page_data.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

namespace spikesink::detail {
namespace {

using OrderedJson = nlohmann::ordered_json;

constexpr double kTail = 0.01;        // share of the channels above the band, and below it
constexpr size_t kLeastLargest = 10;  // minimum number of largest norms per block

void round_numbers(OrderedJson& value) {
  if (value.is_number_float()) {
    value = std::stod(fmt::format("{:.6g}", value.get<double>()));
  } else if (value.is_structured()) {
    for (auto& element : value) round_numbers(element);
  }
}

// The known norms with their channels, largest first.
std::vector<std::pair<double, size_t>> sorted(const OrderedJson& norms) {
  std::vector<std::pair<double, size_t>> known;
  for (size_t channel = 0; channel < norms.size(); ++channel) {
    if (norms[channel].is_number()) known.emplace_back(norms[channel].get<double>(), channel);
  }
  std::stable_sort(known.begin(), known.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  return known;
}

// Replaces `norms` by `norm_band`, the range of most of them, and `largest_norms`, pairs of a
// channel and its norm.
void keep_drawn_norms(OrderedJson& block) {
  const auto norms = sorted(block["norms"]);
  block.erase("norms");
  block["norm_band"] = nullptr;
  block["largest_norms"] = OrderedJson::array();
  if (norms.empty()) return;
  const auto tail = static_cast<size_t>(kTail * static_cast<double>(norms.size() - 1));
  block["norm_band"] = {norms[norms.size() - 1 - tail].first, norms[tail].first};
  const auto largest = std::min(norms.size(), std::max(kLeastLargest, tail));
  for (size_t index = 0; index < largest; ++index)
    block["largest_norms"].push_back({norms[index].second, norms[index].first});
}

// The page shows only the effective rank of a head's sink keys and other keys.
void keep_effective_ranks(OrderedJson& head) {
  head.erase("margin");
  for (const char* keys : {"sinks", "others"})
    head[keys] = {{"effective_rank", head[keys]["effective_rank"]}};
}

// The page shows the means of each layer.
void remove_heads(OrderedJson& report, const char* section) {
  if (report.contains(section)) report[section].erase("heads");
}

// Applies `change` to every item of a list in a section, if the report has it.
template <typename Change>
void change_each(OrderedJson& report, const char* section, const char* list, Change change) {
  if (!report.contains(section) || !report[section].contains(list)) return;
  for (auto& item : report[section][list]) change(item);
}

}  // namespace

std::string page_data(std::string_view report_json) {
  auto report = OrderedJson::parse(report_json);
  change_each(report, "quadratic_form", "blocks", keep_drawn_norms);
  change_each(report, "sink_geometry", "heads", keep_effective_ranks);
  remove_heads(report, "attention_locality");
  round_numbers(report);
  return report.dump();
}

}  // namespace spikesink::detail
