// The cost of an intervention: the time of the forward pass with it divided by that of the plain
// pass, timed alternately; and the share of channel edits in the pass, measured by two hooks before
// and after them.
//
// Usage: intervention_overhead MODEL [length] [repeats]   (defaults: 512 7)
#include <fmt/format.h>

#include "spikesink/intervene/edit_channels.h"
#include "spikesink/intervene/edit_heads.h"
#include "spikesink/intervene/remove_sinks.h"
#include "spikesink/model/load_model.h"
#include "timing.h"

namespace {

using namespace spikesink;

constexpr int64_t kTokens = 1024;  // short passes, so that many can be timed

struct Case {
  const char* name;
  std::shared_ptr<const Intervention> intervention;
};

std::vector<Case> cases(const ModelConfig& config) {
  const std::vector<int64_t> channels = {0, config.d_model / 2};
  const EditSites one{.layers = {{config.n_layers / 2}}};
  const auto spiking = [](EditSites sites) {
    sites.tokens = MassiveTokens{};
    return sites;
  };
  const auto edit = [&](ChannelEdit what, EditSites sites) {
    return std::make_shared<EditChannels>(channels, std::move(what), std::move(sites));
  };
  return {{"clamp two channels after one layer", edit(Clamp{20}, one)},
          {"clamp two channels after every layer", edit(Clamp{20}, {})},
          {"set them in spiking tokens after one layer", edit(SetTo{0}, spiking(one))},
          {"set them in spiking tokens after every layer", edit(SetTo{0}, spiking({}))},
          {"mask key 0 in all heads", std::make_shared<RemoveSinks>(MaskSink{})},
          {"softmax-plus-one", std::make_shared<RemoveSinks>(AddSinkLogit{0})},
          {"remove a head of every layer", [&] {
             std::vector<HeadIndex> heads;
             for (int64_t layer = 0; layer < config.n_layers; ++layer) heads.emplace_back(layer, 0);
             return std::make_shared<EditHeads>(heads, Scale{0});
           }()}};
}

// Returns the share of a forward pass that the edits of the residual stream take.
double share_inside(Transformer& model, const torch::Tensor& ids, const Intervention& edit) {
  using Clock = std::chrono::steady_clock;
  Clock::time_point start;
  double inside = 0;
  auto scope =
      model->hooks().add("**.hook_resid_post", [&](const torch::Tensor&) { start = Clock::now(); });
  scope += edit.attach(model);
  scope += model->hooks().add("**.hook_resid_post", [&](const torch::Tensor&) {
    inside += std::chrono::duration<double>(Clock::now() - start).count();
  });
  const double whole = bench::seconds([&] { model->forward(ids); });
  return inside / whole;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    fmt::print(stderr, "usage: intervention_overhead MODEL [length] [repeats]\n");
    return 1;
  }
  const torch::NoGradGuard no_grad;
  const int64_t length = argc > 2 ? std::stoll(argv[2]) : 512;
  const int repeats = argc > 3 ? std::stoi(argv[3]) : 7;
  auto model = load_model(argv[1]);
  torch::manual_seed(0);
  const auto ids =
      torch::randint(model->config().d_vocabulary, {kTokens / length, length}, torch::kLong);
  for (const auto& [name, intervention] : cases(model->config())) {
    const bench::Pair times([&] { model->forward(ids); },
                            [&] {
                              const auto scope = intervention->attach(model);
                              model->forward(ids);
                            },
                            repeats);
    fmt::print(
        "T={} {:<46} bare {:.2f} s, ratio {:.3f} (min {:.3f}, max {:.3f}), fastest {:.3f}, inside "
        "{:.3f} %\n",
        length, name, times.first.median(), times.ratios.median(), times.ratios.fastest(),
        times.ratios.slowest(), times.second.fastest() / times.first.fastest(),
        100 * share_inside(model, ids, *intervention));
    std::fflush(stdout);
  }
}
