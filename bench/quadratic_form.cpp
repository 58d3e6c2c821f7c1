// What the quadratic forms of a model's feed-forward blocks cost, and how much less that is than
// forming every U_k: the time for all norms and leading eigenpairs of one layer against that of a
// [d_model, d_model] product for each of its channels.
//
// Usage: quadratic_form MODEL [layer] [dtype]   (defaults: 0 float32)
// Printed as well: each block's outliers, and what they predict.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>
#include <string>

#include "measure/layer_forms.h"
#include "spikesink/measure/quadratic_form.h"
#include "spikesink/model/load_model.h"

namespace {

double seconds(const std::function<void()>& what) {
  const auto start = std::chrono::steady_clock::now();
  what();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

void print(const spikesink::BlockForms& block, const spikesink::ChannelForm& form, const char* kind) {
  fmt::print("  block {} channel {} ({}): norm {:.2f} = {:.1f} medians, ", block.block.number,
             form.channel, kind, form.norm, form.norm / block.median);
  if (!block.gated) return fmt::print("no gate\n");
  const size_t shown = std::min<size_t>(form.eigenvalues.size(), 4);
  fmt::print("||S|| {:.2f}, eigenvalues {:.2f}, dominance {:.3f}", form.symmetric_norm,
             fmt::join(form.eigenvalues.begin(), form.eigenvalues.begin() + shown, " "),
             form.dominance);
  for (const auto& weight : form.weights)
    fmt::print("; W[{}, {}] = {:.2f} has {:.2f}", weight.row, weight.column, weight.weight,
               weight.share);
  fmt::print("\n");
}

void print(const spikesink::QuadraticFormResult& result) {
  for (const auto& block : result.blocks) {
    for (const auto& form : block.outliers) print(block, form, "outlier");
    for (const auto& form : block.controls) print(block, form, "control");
  }
  const auto prediction = result.prediction();
  fmt::print("predicted: channels {}, step-up {}, step-down {}\n", prediction.spike_channels,
             prediction.step_up, prediction.step_down);
  for (const auto& step : prediction.steps)
    fmt::print("  block {} channel {} {}: lambda* {:.2f}, at most {:.0f}\n", step.block.number,
               step.channel, step.up ? "up" : "down", step.eigenvalue, step.most);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    fmt::print(stderr, "usage: quadratic_form MODEL [outlier_ratio]\n");
    return 1;
  }
  const auto model = spikesink::load_model(argv[1]);
  const torch::NoGradGuard no_grad;
  spikesink::QuadraticFormOptions options;
  if (argc > 2) options.outlier_ratio = std::stod(argv[2]);
  spikesink::QuadraticFormResult result;
  const double t = seconds([&] { result = spikesink::quadratic_form(model, options); });
  print(result);
  fmt::print("total {:.2f} s\n", t);
  double tn = 0, ts = 0;
  for (int64_t l = 0; l < model->config().n_layers; ++l) {
    spikesink::detail::LayerForms forms(*model, l);
    tn += seconds([&] { forms.norms(0); });
    if (!forms.gated()) continue;
    const auto f = forms.form(0);
    ts += seconds([&] { f.symmetric_norm(0); });
  }
  fmt::print("norms {:.2f} s, symmetric norm {:.2f}\n", tn, ts);
  if (model->config().gated) {
    spikesink::detail::LayerForms forms(*model, 0);
    const auto f = forms.form(0);
    const spikesink::detail::SymmetricForm s(f);
    auto x = torch::randn({f.gate.size(1)}, torch::kDouble);
    fmt::print("product {:.5f}\n", seconds([&] { for (int i = 0; i < 100; ++i) x = s.product(1, x); x = x / x.norm(); }) / 100);
    fmt::print("dense {:.5f}\n", seconds([&] { s.product(1, torch::eye(f.gate.size(1), torch::kDouble)); }));
    const auto S = s.product(1, torch::eye(f.gate.size(1), torch::kDouble));
    fmt::print("eigh {:.5f}\n", seconds([&] { at::linalg_eigh(S); }));
    fmt::print("eigh {:.5f}\n", seconds([&] { at::linalg_eigh(S); }));
    const int n = 20;
    double ex = seconds([&] { for (int k = 0; k < n; ++k) at::mm((f.gate * f.down[k].unsqueeze(1)).t(), f.up).norm(); });
    fmt::print("explicit layer {:.3f}\n", ex / n * f.gate.size(1));
  }
}
