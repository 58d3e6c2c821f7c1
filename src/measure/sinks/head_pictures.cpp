#include "spikesink/measure/sinks/head_pictures.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "spikesink/measure/sinks/pca_tsne.h"

namespace spikesink {
namespace {

// Returns (layer, head) -> the largest finite importance over `keys`. Heads without a finite
// importance are missing.
std::map<std::pair<int64_t, int64_t>, double> importance_of_heads(
    const AttentionSinksResult& sinks, const std::vector<int64_t>& keys) {
  std::map<std::pair<int64_t, int64_t>, double> largest;
  for (const auto& head : sinks.heads) {
    if (std::find(keys.begin(), keys.end(), head.key) == keys.end()) continue;
    if (!std::isfinite(head.importance)) continue;
    auto& importance = largest[{head.layer, head.head}];
    importance = std::max(importance, head.importance);
  }
  return largest;
}

}  // namespace

std::vector<HeadPicture> head_pictures(Transformer& model, const TokenBatches& batches,
                                       const AttentionSinksResult& sinks, const SinkKeys& sink_keys,
                                       const ProgressCallback& progress) {
  const auto importance = importance_of_heads(sinks, sink_keys.positions);
  if (importance.empty()) return {};
  const auto [least, most] =
      std::minmax_element(importance.begin(), importance.end(),
                          [](const auto& a, const auto& b) { return a.second < b.second; });
  QkSampleOptions options{.heads = {most->first}, .sinks = sink_keys};
  if (importance.size() > 1) options.heads.push_back(least->first);
  QkSample sample(options);
  run(model, batches, {&sample}, {.progress = progress});
  std::vector<HeadPicture> pictures;
  for (auto& head : sample.result()) {
    const auto points = head.points();
    pictures.push_back(
        {std::move(head), pictures.empty() ? "sink head" : "control", pca(points), tsne(points)});
  }
  return pictures;
}

}  // namespace spikesink
