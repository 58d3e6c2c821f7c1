// The task of bench/peers with this library. Prints the same output as bench/peers/work.py.
//
// Usage: peer_work MODEL TOKENS float32|bfloat16 [bare|by_layer|fresh_memory]
// `bare` times the forward pass without logits and without measurements; `by_layer` streams the
// weights layer by layer; `fresh_memory` returns freed memory to the system.

#include <fmt/format.h>
#include <sys/resource.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "spikesink/keep_freed_memory.h"
#include "spikesink/measure/sinks/attention_sinks.h"
#include "spikesink/measure/spikes/life_cycle.h"
#include "spikesink/model/load_model.h"
#include "timing.h"

namespace {

using nlohmann::json;

torch::Tensor read_ids(const std::string& path) {
  const auto rows = json::parse(std::ifstream(path)).get<std::vector<std::vector<int64_t>>>();
  std::vector<torch::Tensor> ids;
  for (const auto& row : rows) ids.push_back(torch::tensor(row, torch::kLong));
  return at::stack(ids);
}

json top_of(const spikesink::LifeCycleResult& life) {
  json blocks = json::array();
  for (const auto& block : life.blocks) {
    json top = json::array();
    for (const auto& peak : block.hidden_state.top) top.push_back(peak.magnitude);
    blocks.push_back(top);
  }
  return blocks;
}

json importance_of(const spikesink::AttentionSinksResult& sinks) {
  json layers = json::array();
  for (const auto& head : sinks.heads) {
    if (head.head == 0) layers.push_back(json::array());
    layers.back().push_back(head.importance);
  }
  return layers;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    fmt::print("usage: peer_work MODEL TOKENS float32|bfloat16 [bare|by_layer|fresh_memory]\n");
    return 2;
  }
  const auto dtype = std::string(argv[3]) == "bfloat16" ? torch::kBFloat16 : torch::kFloat;
  const std::string how = argc > 4 ? argv[4] : "";
  if (how != "fresh_memory") spikesink::keep_freed_memory();
  const auto weight_loading = how == "by_layer" ? spikesink::WeightLoadingMode::kByLayer
                                                : spikesink::WeightLoadingMode::kWholeModel;
  spikesink::Transformer model = nullptr;
  const double load_seconds = bench::seconds([&] {
    model = spikesink::load_model(argv[1], {.dtype = dtype, .weight_loading = weight_loading});
  });
  const auto ids = read_ids(argv[2]);
  spikesink::LifeCycle life;
  spikesink::AttentionSinks sinks;
  std::vector<spikesink::Measurement*> measurements;
  if (how != "bare") measurements = {&life, &sinks};
  const auto work = [&](const torch::Tensor& rows) {
    spikesink::run(model, {{rows, 0}}, measurements);
  };
  work(ids.slice(0, 0, 1).slice(1, 0, 16));
  const double seconds = bench::seconds([&] { work(ids); });
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  json result = {
      {"load_seconds", load_seconds}, {"seconds", seconds}, {"peak_bytes", usage.ru_maxrss * 1024}};
  if (!measurements.empty()) {
    result["top"] = top_of(life.result());
    result["importance"] = importance_of(sinks.result());
  }
  fmt::print("{}\n", result.dump());
}
