#include "spikesink/measure/weights/first_norm.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "detail/dtype.h"
#include "detail/fail.h"
#include "measure/core/sorted_values.h"
#include "measure/spikes/direction_cosines.h"
#include "spikesink/hooks/hook_names.h"

namespace spikesink {
namespace {

using namespace hook_names;

struct NamedNorm {
  std::string name;
  const NormImpl& norm;
};

NamedNorm find_first_norm(const TransformerImpl& model) {
  if (model.config().embedding_norm.kind != NormKind::kNone)
    return {"embed.ln", *model.embedding_norm};
  return {layer_hook_name(0, "ln1"), *model.layers.front()->attention_norms.input};
}

// A norm that computes the same. The hooks of the model do not run, because this is no forward
// pass.
std::shared_ptr<NormImpl> without_hooks(const NormImpl& norm) {
  HookRegistry no_points;
  const NormImpl identity({.kind = NormKind::kNone}, {}, no_points, "");
  return identity.make_replacement(norm.config(), norm.weight, norm.bias, norm.alpha);
}

// Calls `visit` with all embeddings [n, d_model], a few rows at a time, float32 or float64.
template <typename Visit>
void for_each_embedding(const Transformer& model, Visit visit) {
  constexpr int64_t kRows = 1024;
  const torch::NoGradGuard no_grad;
  const auto pinned = model->pin_weights(WeightGroup::embedding());
  const auto& table = model->embedding;
  const int64_t entries = table.size(0);
  for (int64_t first = 0; first < entries; first += kRows) {
    auto rows = table.slice(0, first, std::min(first + kRows, entries));  // [n, d_embedding]
    if (model->project_in) rows = model->project_in.ptr()->forward(rows);
    visit(rows.to(detail::at_least_float(rows.scalar_type())) *
          model->config().embedding_multiplier);
  }
}

void append(std::vector<float>& list, const torch::Tensor& values) {
  const auto floats = values.to(torch::kCPU, torch::kFloat).contiguous();
  list.insert(list.end(), floats.data_ptr<float>(), floats.data_ptr<float>() + floats.numel());
}

double median_of(const std::vector<float>& values, const std::vector<int64_t>& ids) {
  std::vector<float> chosen;
  for (const int64_t id : ids) chosen.push_back(values.at(static_cast<size_t>(id)));
  return detail::SortedValues(chosen).at_percent(50);
}

}  // namespace

EmbeddingMedians FirstNormResult::medians(const std::vector<int64_t>& ids) const {
  const double l2_norm = median_of(l2_norms, ids);
  return {.l2_norm = l2_norm,
          .l2_norm_ratio = l2_norm / detail::SortedValues(l2_norms).at_percent(50),
          .cosine = median_of(cosines, ids)};
}

std::optional<FirstNormResult> first_norm(const Transformer& model, FirstNormGroups groups) {
  const auto embedding = model->pin_weights(WeightGroup::embedding());
  const auto first_layer = model->pin_weights(WeightGroup::layer(0));
  const auto [name, norm] = find_first_norm(*model);
  const auto scale = norm.scale(detail::at_least_float(model->embedding.scalar_type()));
  if (!scale.defined()) return std::nullopt;
  FirstNormResult result{.groups = std::move(groups), .norm = name};
  const auto unhooked = without_hooks(norm);
  for_each_embedding(model, [&](const torch::Tensor& rows) {
    append(result.l2_norms, at::linalg_vector_norm(unhooked->forward(rows), 2, {1}));
    append(result.cosines, detail::cosines_with(rows, scale));
  });
  return result;
}

std::vector<float> embedding_cosines(const Transformer& model, const torch::Tensor& direction) {
  if (direction.dim() != 1 || direction.size(0) != model->config().d_model) {
    detail::fail_argument("[embedding_cosines] direction: got {}, expected [{}]",
                          c10::str(direction.sizes()), model->config().d_model);
  }
  std::vector<float> cosines;
  for_each_embedding(model, [&](const torch::Tensor& rows) {
    append(cosines, detail::cosines_with(rows, direction));
  });
  return cosines;
}

}  // namespace spikesink
