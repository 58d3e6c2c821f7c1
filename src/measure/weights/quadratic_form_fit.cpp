#include "spikesink/measure/weights/quadratic_form_fit.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>

#include "detail/dtype.h"
#include "detail/fail.h"
#include "measure/core/serialize.h"
#include "measure/spikes/feed_forward_input.h"
#include "spikesink/hooks/hook_names.h"

namespace spikesink {
namespace {

double larger(double a, double b) {
  return std::abs(b) > std::abs(a) ? b : a;
}

double largest(const torch::Tensor& values) {
  return larger(values.max().item<double>(), values.min().item<double>());
}

double ratio(double over, double under) {
  return under == 0 ? std::numeric_limits<double>::quiet_NaN() : over / under;
}

// [B, T, n] -> [B T, n], float32 or better.
torch::Tensor rows_of(const torch::Tensor& value) {
  return value.flatten(0, 1).to(detail::at_least_float(value.scalar_type()));
}

// Returns rows . tokens^T, [n, tokens] float64 on the CPU.
torch::Tensor products(const torch::Tensor& rows, const torch::Tensor& tokens) {
  return at::matmul(rows, tokens.t()).to(torch::kCPU, torch::kDouble);
}

}  // namespace

void RegressionSums::add(const torch::Tensor& m, const torch::Tensor& p) {
  if (m.numel() == 0) return;
  const double mean = m.mean().item<double>();
  measured.merge({m.numel(), mean, (m - mean).square().sum().item<double>()});
  squared_error += (m - p).square().sum().item<double>();
  squared_prediction += p.square().sum().item<double>();
  product += (m * p).sum().item<double>();
  largest_measured = larger(largest_measured, largest(m));
  largest_predicted = larger(largest_predicted, largest(p));
}

void RegressionSums::merge(const RegressionSums& other) {
  measured.merge(other.measured);
  squared_error += other.squared_error;
  squared_prediction += other.squared_prediction;
  product += other.product;
  largest_measured = larger(largest_measured, other.largest_measured);
  largest_predicted = larger(largest_predicted, other.largest_predicted);
}

double RegressionSums::r_squared() const {
  return 1 - ratio(squared_error, measured.squared_deviations);
}

double RegressionSums::slope() const {
  return ratio(product, squared_prediction);
}

// State of the hooks of one block: the n channels, and the activations of the current forward pass.
struct QuadraticFormFit::BlockState {
  torch::Tensor triggers;          // [n, d_model]
  torch::Tensor eigenvalues;       // [n, 1] float64
  torch::Tensor down;              // [n, d_mlp], rows of W_down
  torch::Tensor trigger_products;  // [n, tokens] float64: s* . x
  torch::Tensor gate, up;          // [tokens, d_mlp]
};

QuadraticFormFit::QuadraticFormFit(const QuadraticFormResult& forms) {
  for (const auto& [block, form] : forms.outliers()) {
    if (form->expert != ChannelForm::kDense) continue;
    terms_.push_back({form->leading_eigenvalue(), form->trigger});
    fits_.push_back({block, form->channel});
  }
}

HookScope QuadraticFormFit::attach(Transformer& model, RunContext&) {
  HookScope scope;
  for (size_t first = 0, last = 0; first < fits_.size(); first = last) {
    while (last < fits_.size() && fits_[last].block.number == fits_[first].block.number) ++last;
    scope += add_block_hooks(model, first, last);
  }
  return scope;
}

QuadraticFormFit::BlockState QuadraticFormFit::block_state(const Transformer& model, size_t first,
                                                           size_t last) const {
  const int64_t layer = fits_[first].block.layer(), width = terms_[first].trigger.size(0);
  const bool has_layer = layer < model->config().n_layers && width == model->config().d_model;
  if (!has_layer || !model->layers[layer]->mlp || !model->layers[layer]->mlp->gate)
    detail::fail_argument(
        "[QuadraticFormFit] the model has no gated feed-forward of width {} in layer {}", width,
        layer);
  const auto pinned = model->pin_weights(WeightGroup::layer(layer));
  const auto down = model->layers[layer]->mlp->down->weight.detach();
  const auto options = down.options().dtype(detail::at_least_float(down.scalar_type()));
  std::vector<torch::Tensor> triggers, rows;
  std::vector<double> eigenvalues;
  for (size_t index = first; index < last; ++index) {
    triggers.push_back(terms_[index].trigger);
    eigenvalues.push_back(terms_[index].eigenvalue);
    rows.push_back(down[fits_[index].channel]);
  }
  return {at::stack(triggers).to(options), torch::tensor(eigenvalues, torch::kDouble).unsqueeze(1),
          at::stack(rows).to(options) * model->config().residual_multiplier};
}

HookScope QuadraticFormFit::add_block_hooks(Transformer& model, size_t first, size_t last) {
  using namespace hook_names;
  const auto state = std::make_shared<BlockState>(block_state(model, first, last));
  for (size_t index = first; index < last; ++index)
    fits_[index].leading = fits_[index].open = fits_[index].full = RegressionSums();

  const int64_t layer = fits_[first].block.layer();
  auto& hooks = model->hooks();
  const auto point = [&](std::string_view name) {
    return layer_hook_name(layer, "mlp." + std::string(name));
  };
  auto scope =
      hooks.add(detail::feed_forward_input(*model, layer).point, [=](const torch::Tensor& x) {
        state->trigger_products = products(state->triggers, rows_of(x));
      });
  scope += hooks.add(point(kMlpPre), [=](const torch::Tensor& x) { state->gate = rows_of(x); });
  scope += hooks.add(point(kMlpPreLinear), [=](const torch::Tensor& x) { state->up = rows_of(x); });
  scope += hooks.add(point(kMlpPost), [=, this](const torch::Tensor& post) {
    const auto leading = state->eigenvalues * state->trigger_products.square();
    const auto open = state->eigenvalues * state->trigger_products.clamp_min(0).square();
    const auto full = products(state->down, state->gate * state->up);
    const auto measured = products(state->down, rows_of(post));
    for (size_t index = first; index < last; ++index) {
      const auto row = static_cast<int64_t>(index - first);
      fits_[index].leading.add(measured[row], leading[row]);
      fits_[index].open.add(measured[row], open[row]);
      fits_[index].full.add(measured[row], full[row]);
    }
    state->gate = state->up = torch::Tensor();
  });
  return scope;
}

void QuadraticFormFit::merge(const QuadraticFormFit& other) {
  const auto same = [](const ChannelFit& a, const ChannelFit& b) {
    return a.block.number == b.block.number && a.channel == b.channel;
  };
  if (!std::equal(fits_.begin(), fits_.end(), other.fits_.begin(), other.fits_.end(), same))
    detail::fail_argument("[QuadraticFormFit] cannot merge: the channels differ");
  for (size_t index = 0; index < fits_.size(); ++index) {
    fits_[index].leading.merge(other.fits_[index].leading);
    fits_[index].open.merge(other.fits_[index].open);
    fits_[index].full.merge(other.fits_[index].full);
  }
}

template class Mergeable<QuadraticFormFit>;

}  // namespace spikesink
