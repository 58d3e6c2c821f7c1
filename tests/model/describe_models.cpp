// Prints, as JSON, what each golden model is, which hook points it has, and the shapes that they
// see of kSequences sequences of kLength tokens. Layers that have the same points are listed
// once.

#include <nlohmann/json.hpp>

#include <iostream>
#include <map>

#include "golden_models.h"
#include "spikesink/model/load_model.h"
#include "spikesink/report/report.h"

namespace {

using nlohmann::json;

constexpr int64_t kSequences = 3, kLength = 7;

json hook_points(const spikesink::Transformer& model) {
  json root = json::array();
  std::map<int64_t, json> layers;
  for (const auto& name : model->hooks().names()) {
    if (name.starts_with("blocks.")) {
      const auto dot = name.find('.', 7);
      layers[std::stoll(name.substr(7))].push_back(name.substr(dot + 1));
    } else {
      root.push_back(name);
    }
  }
  std::map<json, json> numbers;  // by the points of a layer
  for (const auto& [number, points] : layers) numbers[points].push_back(number);
  json kinds = json::array();
  for (const auto& [points, which] : numbers)
    kinds.push_back({{"layers", which}, {"points", points}});
  return {{"root", root}, {"blocks", kinds}};
}

json description(const spikesink::ModelConfig& config) {
  spikesink::Report report("describe_models");
  report.add(config);
  return json::parse(report.to_json())["model"];
}

json shapes(spikesink::Transformer& model) {
  json seen = json::object();
  const auto see = [&](const torch::Tensor& value, const std::string& name) {
    seen[name] = value.sizes().vec();
  };
  const auto tokens = at::arange(kSequences * kLength).view({kSequences, kLength});
  spikesink::run_with_hooks(model, tokens % model->config().d_vocabulary, {{"**", see}});
  return {{"sequences", kSequences}, {"length", kLength}, {"points", seen}};
}

}  // namespace

int main() {
  json all = json::object();
  for (const auto& golden : spikesink::golden_models()) {
    auto model = spikesink::load_model(golden.path);
    all[golden.name()] = {{"model", description(model->config())},
                          {"hooks", hook_points(model)},
                          {"shapes", shapes(model)}};
  }
  std::cout << all.dump(1) << "\n";
}
