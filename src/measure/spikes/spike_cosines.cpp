#include "spikesink/measure/spikes/spike_cosines.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "detail/fail.h"
#include "measure/core/expect_same.h"
#include "measure/core/kernel_rows.h"
#include "measure/core/serialize.h"
#include "measure/spikes/stream_norms.h"
#include "measure/spikes/token_sample.h"
#include "spikesink/hooks/hook_names.h"

namespace spikesink {
namespace {

std::string point_before(const TransformerImpl& model, Block block) {
  return block.number == 1 ? hook_names::layer_hook_name(0, hook_names::kResidPre)
                           : model.hidden_state_hook_name(Block{block.number - 1});
}

// In a post-norm model the hidden state after a block is the output of a norm, whose input this is.
std::string point_after(const TransformerImpl& model, Block block,
                        const std::optional<detail::StreamNorm>& norm) {
  const bool post_norm = model.config().norm_placement == NormPlacement::kPost;
  return post_norm && norm && norm->after_block == block.number
             ? norm->input
             : model.hidden_state_hook_name(block);
}

// Returns the cosines of every two rows of x [n, d]: [n, n] float64.
torch::Tensor cosine_matrix(const torch::Tensor& x) {
  const auto rows = x.to(torch::kDouble);
  const auto units = rows / at::linalg_vector_norm(rows, 2, {1}, /*keepdim=*/true);
  return at::mm(units, units.t()).clamp(-1, 1);
}

// Returns a quantile of sorted values, linear between order statistics.
double quantile(const std::vector<double>& sorted, double share) {
  if (sorted.empty()) return NAN;
  const double rank = share * static_cast<double>(sorted.size() - 1);
  const auto low = static_cast<size_t>(rank);
  const auto high = std::min(low + 1, sorted.size() - 1);
  return std::lerp(sorted[low], sorted[high], rank - static_cast<double>(low));
}

PairwiseCosines summary(const torch::Tensor& cosines) {
  PairwiseCosines result;
  std::vector<double> pairs;
  for (int64_t row = 0; row < cosines.size(0); ++row) {
    const auto* values = cosines.data_ptr<double>() + row * cosines.size(1);
    result.matrix.emplace_back(values, values + cosines.size(1));
    std::copy_if(values, values + row, std::back_inserter(pairs),
                 [](double cosine) { return !std::isnan(cosine); });
  }
  std::sort(pairs.begin(), pairs.end());
  result.minimum = quantile(pairs, 0);
  result.percentile_5 = quantile(pairs, 0.05);
  result.median = quantile(pairs, 0.5);
  result.percentile_95 = quantile(pairs, 0.95);
  result.maximum = quantile(pairs, 1);
  return result;
}

}  // namespace

HookScope SpikeCosines::attach(Transformer& model, RunContext& context) {
  if (options_.max_tokens < 2)
    detail::fail_argument("[SpikeCosines] max_tokens: got {}, expected at least 2",
                          options_.max_tokens);
  model->check_block(block_);
  const auto norm = detail::next_stream_norm(*model, block_);
  d_model_ = model->config().d_model;
  norm_ = norm ? norm->name : "";
  norm_after_block_ = norm ? norm->after_block : 0;
  points_ = {};
  HookScope scope;
  const auto add_hook = [&](const std::string& name, Point& point) {
    scope += model->hooks().add(name, [this, &point, &context](const torch::Tensor& vectors) {
      add(point, context.batch(), vectors);
    });
  };
  add_hook(point_before(*model, block_), points_[0]);
  add_hook(point_after(*model, block_, norm), points_[1]);
  if (norm) add_hook(norm->normalized_point(), points_[2]);
  return scope;
}

// vectors [B, T, d_model].
void SpikeCosines::add(Point& point, const TokenBatch& batch, const torch::Tensor& vectors) const {
  const auto mask = spike_positions_.mask(batch);
  const auto is_spike = mask.accessor<bool, 2>();
  const auto ids = batch.ids.accessor<int64_t, 2>();
  for (int64_t row = 0; row < vectors.size(0); ++row) {
    for (int64_t position = batch.prefix_length; position < vectors.size(1); ++position) {
      const TokenPosition token{batch.first_sequence + row, position - batch.prefix_length};
      auto& sample = is_spike[row][position] ? point.spike : point.ordinary;
      if (!detail::takes(sample, token, options_.max_tokens)) continue;
      const auto vector = detail::kernel_rows(vectors[row][position]).clone();
      detail::add_to_sample(sample, TokenVector{token, ids[row][position], vector},
                            options_.max_tokens);
    }
  }
}

void SpikeCosines::merge(const SpikeCosines& other) {
  const auto same = [](std::string_view what, const auto& got, const auto& expected) {
    detail::expect_same("SpikeCosines", what, got, expected);
  };
  same("max_tokens", other.options_.max_tokens, options_.max_tokens);
  same("block", other.block_.number, block_.number);
  same("channels", other.d_model_, d_model_);
  same("norm", other.norm_, norm_);
  for (size_t index = 0; index < points_.size(); ++index) {
    const auto& theirs = other.points_[index];
    detail::merge_samples(points_[index].spike, theirs.spike, options_.max_tokens);
    detail::merge_samples(points_[index].ordinary, theirs.ordinary, options_.max_tokens);
  }
}

SpikeCosinesGroup SpikeCosines::group(std::vector<TokenVector> Point::*kind) const {
  const auto sample_of = [&](const Point& point) {
    auto sample = point.*kind;
    sample.resize(std::min(sample.size(), point.spike.size()));
    detail::sort_by_position(sample);
    return sample;
  };
  const auto cosines_at = [&](const Point& point) {
    std::vector<torch::Tensor> vectors;
    for (const auto& token : sample_of(point)) vectors.push_back(token.vector);
    return summary(vectors.empty() ? at::zeros({0, 0}, torch::kDouble)
                                   : cosine_matrix(at::stack(vectors)));
  };
  SpikeCosinesGroup group{
      {}, cosines_at(points_[0]), cosines_at(points_[1]), cosines_at(points_[2])};
  for (const auto& token : sample_of(points_[0])) group.tokens.push_back({token.token, token.id});
  return group;
}

SpikeCosinesResult SpikeCosines::result() const {
  return {
      options_, block_, norm_, norm_after_block_, group(&Point::spike), group(&Point::ordinary)};
}

template class Mergeable<SpikeCosines>;

}  // namespace spikesink
