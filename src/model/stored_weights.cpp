#include "model/stored_weights.h"

#include <algorithm>
#include <cmath>

#include "detail/dtype.h"
#include "detail/fail.h"
#include "weights/mapped_file.h"

namespace spikesink::detail {
namespace {

std::string to_text(torch::IntArrayRef shape) {
  return c10::str(shape);
}

// Fast check first: a sum is not finite if one of its terms is not.
bool all_finite(const torch::Tensor& tensor) {
  if (std::isfinite(tensor.sum(at_least_float(tensor.scalar_type())).item<double>())) return true;
  return at::isfinite(tensor).all().item<bool>();
}

// True if the values are the mapped bytes of the file themselves, not a copy.
bool is_view_of(const torch::Tensor& values, const std::vector<std::span<uint8_t>>& ranges) {
  if (!values.is_cpu()) return false;
  const auto* begin = static_cast<const uint8_t*>(values.const_data_ptr());
  return std::ranges::any_of(ranges, [&](std::span<const uint8_t> bytes) {
    return begin >= bytes.data() && begin < bytes.data() + bytes.size();
  });
}

// A tensor with a shape but without data, to check layouts.
torch::Tensor without_values(torch::IntArrayRef shape) {
  return at::empty(shape, torch::TensorOptions(torch::kMeta));
}

// The group of a parameter: "blocks.3.ln1.weight" belongs to layer 3.
WeightGroup group_of(const std::string& parameter, int64_t n_layers) {
  constexpr std::string_view kBlocks = "blocks.";
  if (parameter.starts_with(kBlocks))
    return WeightGroup::layer(std::stoll(parameter.substr(kBlocks.size())));
  for (const char* name : {"ln_final.", "project_out.", "mlm_", "unembed"}) {
    if (parameter.starts_with(name)) return WeightGroup::head(n_layers);
  }
  return WeightGroup::embedding();
}

// GPTQ's tools write zero biases for modules that have none.
bool is_zero_bias(const WeightSource& source, const TensorInfo& info) {
  return info.name.ends_with(".bias") && info.shape.size() == 1 &&
         !source.tensor(info.name).to(torch::kFloat32).any().item<bool>();
}

}  // namespace

std::string find_base(const WeightSource& source, const WeightNames& names) {
  std::vector<std::string> candidates;
  for (const auto& base : names.bases) {
    if (source.contains(base + names.first)) return base;
    candidates.push_back(base + names.first);
  }
  fail_format("[load_model] the embedding is missing, expected a tensor '{}' ({})",
              fmt::join(candidates, "' or '"), source.path().string());
}

void set_weights(const std::vector<WeightValues>& values) {
  for (auto [parameter, data] : values) parameter.set_data(data);
}

StoredWeights::StoredWeights(const TransformerImpl& model, std::unique_ptr<WeightSource> source,
                             WeightNames names, const std::string& base,
                             const torch::TensorOptions& options)
    : source_(std::move(source)),
      names_(std::move(names)),
      config_(model.config()),
      options_(options),
      base_(base),
      groups_(config_.n_layers + 2) {
  for (const auto& parameter : model.named_parameters()) add(parameter.key(), parameter.value());
  check();
  refuse_unused();
}

bool StoredWeights::add_computed(const std::string& name, const torch::Tensor& parameter) {
  const auto found = std::ranges::find(names_.computed, name, &ComputedWeight::parameter);
  if (found == names_.computed.end()) return false;
  auto& group = groups_[group_of(name, config_.n_layers).index];
  group.computed.push_back({parameter, parameter.numel(), found->values});
  return true;
}

void StoredWeights::add(const std::string& name, const torch::Tensor& parameter) {
  if (add_computed(name, parameter)) return;
  const auto alternatives = stored_as(name, parameter.size(0), names_, base_);
  if (alternatives.empty())
    throw std::logic_error("[load_model] no name is known for the parameter " + name);
  const auto found = std::find_if(
      alternatives.begin(), alternatives.end(),
      [&](const StoredParameter& stored) { return source_->contains(stored.tensors.front()); });
  Entry entry{name, parameter, parameter.sizes().vec(),
              found == alternatives.end() ? alternatives.front() : *found};
  for (const auto& stored : alternatives) entry.choices.push_back(stored.tensors.front());
  auto& group = groups_[group_of(name, config_.n_layers).index];
  group.entries[entry.stored.tensors.front()].push_back(std::move(entry));
}

// Checks everything except the values: each tensor exists, and its shape contains exactly the
// parameters that are extracted from it.
void StoredWeights::check() {
  std::map<std::string, std::vector<const Entry*>> by_tensor;
  for (const auto& group : groups_) {
    for (const auto& [tensor, all] : group.entries) {
      for (const auto& entry : all) by_tensor[tensor].push_back(&entry);
    }
  }
  for (const auto& [tensor, all] : by_tensor) {
    const auto stored = shape_in_file(*all.front());
    int64_t used = 0;
    for (const auto* entry : all) used += extract(*entry, stored).numel();
    if (used == stored.numel()) continue;
    refuse_shared_fallbacks(tensor, all);
    fail_shape(*all.front(), stored.sizes());
  }
}

void StoredWeights::refuse_unused() const {
  for (const auto& info : source_->tensors()) {
    if (used_.contains(info.name) || matches_any(info.name, names_.superfluous) ||
        repeats_tied(info.name) || is_in_prediction_layer(info.name) ||
        is_zero_bias(*source_, info))
      continue;
    fail_format(
        "[load_model] the tensor '{}' is not used by a {} model: got it with shape {}, expected "
        "no such tensor ({})",
        info.name, config_.model_type, to_text(info.shape), where());
  }
}

// Refuses a tensor that is only a fallback for one parameter and also used by another one.
void StoredWeights::refuse_shared_fallbacks(const std::string& tensor,
                                            const std::vector<const Entry*>& all) const {
  for (const auto* entry : all) {
    if (all.size() > 1 && entry->choices.front() != tensor) {
      fail_format("[load_model] the tensor '{}' is missing, expected it for {} {} ({})",
                  entry->choices.front(), entry->name, to_text(entry->shape), where());
    }
  }
}

void StoredWeights::fail_shape(const Entry& entry, torch::IntArrayRef stored) const {
  const auto& tensor = entry.stored.tensors.front();
  if (!entry.stored.extract) {
    fail_format("[load_model] the tensor '{}' has the wrong shape: got {}, expected {} ({})",
                tensor, to_text(stored), to_text(entry.shape), where());
  }
  fail_format(
      "[load_model] the tensor '{}' has the wrong shape: got {}, from which {} {} cannot be "
      "taken ({})",
      tensor, to_text(stored), entry.name, to_text(entry.shape), where());
}

bool StoredWeights::repeats_tied(const std::string& tensor) const {
  if (!config_.tied_embeddings) return false;
  const auto alternatives = stored_as("unembed", config_.d_vocabulary, names_, base_);
  return std::any_of(alternatives.begin(), alternatives.end(), [&](const StoredParameter& stored) {
    return stored.tensors.front() == tensor;
  });
}

bool StoredWeights::is_in_prediction_layer(const std::string& tensor) const {
  return names_.has_prediction_layer &&
         tensor.starts_with(base_ + fmt::format(fmt::runtime(names_.layer), config_.n_layers));
}

void StoredWeights::check_exists(const std::string& tensor, const Entry& entry) const {
  if (source_->contains(tensor)) return;
  const bool is_first = tensor == entry.choices.front();
  const auto missing = is_first ? fmt::format("{}", fmt::join(entry.choices, "' or '")) : tensor;
  fail_format("[load_model] the tensor '{}' is missing, expected it for {} {} ({})", missing,
              entry.name, to_text(entry.shape), where());
}

torch::Tensor StoredWeights::shape_in_file(const Entry& entry) {
  std::vector<torch::Tensor> tensors;
  for (const auto& tensor : entry.stored.tensors) {
    check_exists(tensor, entry);
    used_.insert(tensor);
    tensors.push_back(without_values(source_->info(tensor).shape));
    if (!tensors.back().sizes().equals(tensors.front().sizes()))
      fail_format(
          "[load_model] the tensor '{}' has the wrong shape: got {}, expected {} as '{}' ({})",
          tensor, to_text(tensors.back().sizes()), to_text(tensors.front().sizes()),
          entry.stored.tensors.front(), where());
  }
  return entry.stored.stacked ? at::stack(tensors) : tensors.front();
}

torch::Tensor StoredWeights::extract(const Entry& entry, const torch::Tensor& stored) const {
  auto values = stored;
  if (entry.stored.extract) {
    try {
      values = entry.stored.extract(stored, config_, entry.stored.expert);
    } catch (const c10::Error&) {
      fail_shape(entry, stored.sizes());
    }
  }
  if (!values.sizes().equals(entry.shape)) fail_shape(entry, stored.sizes());
  return values;
}

std::vector<WeightValues> StoredWeights::read(WeightGroup group) {
  const torch::NoGradGuard no_grad;
  auto& [by_tensor, computed, is_finite] = groups_[group.index];
  std::vector<WeightValues> result;
  for (const auto& [tensor, all] : by_tensor) {
    const auto stored = stored_values(all.front(), /*check_finite=*/!is_finite);
    bool uses_file_bytes = false;
    for (const auto& entry : all) {
      result.push_back({entry.parameter, convert(entry, extract(entry, stored))});
      uses_file_bytes |= is_view_of(result.back().values, source_->byte_ranges(tensor));
    }
    if (!uses_file_bytes) release(all.front());
  }
  for (const auto& entry : computed)
    result.push_back({entry.parameter, entry.values(config_).to(options_)});
  is_finite = true;
  return result;
}

torch::Tensor StoredWeights::stored_values(const Entry& entry, bool check_finite) const {
  std::vector<torch::Tensor> tensors;
  for (const auto& tensor : entry.stored.tensors) {
    tensors.push_back(read(tensor));
    if (!check_finite || all_finite(tensors.back())) continue;
    fail_format("[load_model] the tensor '{}' holds NaN or infinity, expected finite weights ({})",
                tensor, where());
  }
  return entry.stored.stacked ? at::stack(tensors) : tensors.front();
}

torch::Tensor StoredWeights::read(const std::string& name) const {
  fetch(source_->byte_ranges(name));
  auto values = source_->tensor(name);
  if (!values.is_floating_point()) {
    fail_format(
        "[load_model] the tensor '{}' has the wrong dtype: got {}, expected floating point ({})",
        name, source_->info(name).dtype, where());
  }
  return c10::isFloat8Type(values.scalar_type()) ? values.to(torch::kFloat32) : values;
}

torch::Tensor StoredWeights::convert(const Entry& entry, const torch::Tensor& values) const {
  auto result = values.to(options_).contiguous();
  if (result.element_size() < values.element_size() && !all_finite(result)) {
    fail_format("[load_model] the tensor '{}' leaves the range of {}: got {} ({})",
                entry.stored.tensors.front(), c10::toString(result.scalar_type()),
                values.abs().max().item<double>(), where());
  }
  return result;
}

void StoredWeights::release(const Entry& entry) const {
  for (const auto& tensor : entry.stored.tensors) detail::release(source_->byte_ranges(tensor));
}

void StoredWeights::unload(WeightGroup group) const {
  for (const auto& [tensor, all] : groups_[group.index].entries) {
    for (const auto& entry : all) {
      auto parameter = entry.parameter;
      parameter.set_data(at::empty({0}, options_));
    }
    release(all.front());
  }
  for (const auto& entry : groups_[group.index].computed) {
    auto parameter = entry.parameter;
    parameter.set_data(at::empty({0}, options_));
  }
}

int64_t StoredWeights::bytes(WeightGroup group) const {
  int64_t elements = 0;
  for (const auto& [tensor, all] : groups_[group.index].entries) {
    for (const auto& entry : all) elements += c10::multiply_integers(entry.shape);
  }
  for (const auto& entry : groups_[group.index].computed) elements += entry.elements;
  return elements * static_cast<int64_t>(options_.dtype().itemsize());
}

}  // namespace spikesink::detail
