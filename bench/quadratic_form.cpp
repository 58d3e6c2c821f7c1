// The cost of `quadratic_form`, compared with computing the matrices explicitly.
//
// Usage: quadratic_form MODEL [repeats] [layer]   (defaults: 3 0) Times all layers with norms only,
// all layers with norms and eigenpairs, and one layer with the explicit method: each channel's U_k
// as a matrix product, and its norm. Each time is the fastest of the repeats. Ratios compare one
// layer with one layer.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <string>

#include "spikesink/measure/weights/quadratic_form.h"
#include "spikesink/model/fold_norm.h"
#include "spikesink/model/load_model.h"
#include "timing.h"

namespace {

using spikesink::quadratic_form;
using spikesink::QuadraticFormResult;
using spikesink::Transformer;

double fastest(const std::function<void()>& what, int repeats) {
  bench::Times times;
  for (int repeat = 0; repeat < repeats; ++repeat) times.values.push_back(bench::seconds(what));
  return times.fastest();
}

void form_every_matrix(const Transformer& model, int64_t layer) {
  const auto& from = model->layers[layer];
  const auto gate = fold_norm(from->feed_forward_norms.input, from->mlp->gate->weight);
  const auto up = fold_norm(from->feed_forward_norms.input, from->mlp->up->weight);
  const auto& down = from->mlp->down->weight;
  for (int64_t channel = 0; channel < down.size(0); ++channel)
    at::mm((gate * down[channel].unsqueeze(1)).t(), up).norm();
}

void print(const QuadraticFormResult& result) {
  for (const auto& [block, form] : result.outliers()) {
    const double median = result.blocks[block.layer()].median_norm;
    fmt::print(
        "block {} channel {}: ||U|| {:.1f} ({:.1f} medians), lambda* {:.1f}, then {:.1f}; "
        "dominance {:.3f}\n",
        block.number, form->channel, form->frobenius_norm, form->frobenius_norm / median,
        form->leading_eigenvalue(), form->spectrum.size() > 1 ? form->spectrum[1] : 0.0,
        form->dominance);
    for (const auto& super : form->super_weights)
      fmt::print("  W[{}, {}] = {:.2f} has {:.1f} % of lambda*\n", super.row, super.column,
                 super.weight, 100 * super.share);
  }
  const auto prediction = result.prediction();
  fmt::print("predicted: channels {}, step-up blocks {}, step-down blocks {}\n",
             prediction.spike_channels, prediction.step_up, prediction.step_down);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    fmt::print(stderr, "usage: quadratic_form MODEL [repeats] [layer]\n");
    return 1;
  }
  const torch::NoGradGuard no_grad;
  const auto model = spikesink::load_model(argv[1]);
  const int repeats = argc > 2 ? std::stoi(argv[2]) : 3;
  const int64_t layer = argc > 3 ? std::stoll(argv[3]) : 0;
  QuadraticFormResult result;
  const double norms =
      fastest([&] { quadratic_form(model, {.max_outliers = 0, .control_count = 0}); }, repeats);
  const double all = fastest([&] { result = quadratic_form(model); }, repeats);
  print(result);
  const double matrices = fastest([&] { form_every_matrix(model, layer); }, repeats);
  const auto layers = static_cast<double>(model->config().n_layers);
  fmt::print(
      "threads={}: norms of {} layers {:.2f} s, with eigenpairs {:.2f} s; every U_k of one "
      "layer {:.2f} s; ratio {:.0f} for norms, {:.0f} for all\n",
      at::get_num_threads(), layers, norms, all, matrices, matrices / norms * layers,
      matrices / all * layers);
}
