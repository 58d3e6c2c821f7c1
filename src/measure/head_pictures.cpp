#include "spikesink/measure/head_pictures.h"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "spikesink/measure/projection.h"

namespace spikesink {

std::vector<HeadPicture> head_pictures(Transformer& model, const TokenBatches& batches,
                                       const AttentionSinksResult& sinks, int64_t key,
                                       const SinkKeys& sink_keys, const Progress& progress) {
  std::vector<HeadImportance> heads;
  std::copy_if(sinks.heads.begin(), sinks.heads.end(), std::back_inserter(heads),
               [&](const auto& head) { return head.key == key && std::isfinite(head.importance); });
  if (heads.empty()) return {};
  const auto [least, most] =
      std::minmax_element(heads.begin(), heads.end(),
                          [](const auto& a, const auto& b) { return a.importance < b.importance; });
  QkSampleOptions options{.heads = {{most->layer, most->head}}, .sinks = sink_keys};
  if (heads.size() > 1) options.heads.emplace_back(least->layer, least->head);
  QkSample sample(options);
  run(model, batches, {&sample}, progress);
  std::vector<HeadPicture> pictures;
  for (auto& head : sample.result()) {
    const auto points = head.points();
    pictures.push_back(
        {std::move(head), pictures.empty() ? "sink head" : "control", pca(points), tsne(points)});
  }
  return pictures;
}

}  // namespace spikesink
