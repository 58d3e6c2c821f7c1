#include "detail/edit_distance.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace spikesink::detail {
namespace {

constexpr size_t kComparedLength = 256;

/// Returns the number of insertions, deletions and replacements from `a` to `b`, at most `limit`.
size_t edit_distance(std::string_view a, std::string_view b, size_t limit,
                     std::vector<size_t>& row) {
  const size_t length_difference = a.size() > b.size() ? a.size() - b.size() : b.size() - a.size();
  if (length_difference >= limit) return limit;
  row.resize(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = row[0];
    size_t least = row[0] = i + 1;
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
      least = std::min(least, row[j + 1]);
    }
    if (least >= limit) return limit;
  }
  return std::min(row.back(), limit);
}

}  // namespace

std::vector<std::string> nearest(std::string_view wanted, const std::vector<std::string>& names,
                                 size_t count) {
  if (count == 0) return {};
  wanted = wanted.substr(0, kComparedLength);
  std::vector<std::pair<size_t, const std::string*>> best;  // nearest first
  std::vector<size_t> row;
  for (const std::string& name : names) {
    const size_t limit = best.size() < count ? 2 * kComparedLength : best.back().first;
    const size_t distance =
        edit_distance(wanted, std::string_view(name).substr(0, kComparedLength), limit, row);
    if (distance >= limit) continue;
    const auto at =
        std::upper_bound(best.begin(), best.end(), distance,
                         [](size_t value, const auto& other) { return value < other.first; });
    best.insert(at, {distance, &name});
    if (best.size() > count) best.pop_back();
  }
  std::vector<std::string> result;
  for (const auto& [distance, name] : best) result.push_back(*name);
  return result;
}

}  // namespace spikesink::detail
