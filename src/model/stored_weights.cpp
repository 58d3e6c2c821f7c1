#include "model/stored_weights.h"

#include <algorithm>
#include <cmath>

#include "detail/dtype.h"
#include "detail/fail.h"
#include "weights/mapped_file.h"
#include "weights/mxfp4.h"

namespace spikesink::detail {
namespace {

std::string text_of(torch::IntArrayRef shape) {
  return c10::str(shape);
}

// A sum is not finite when one of its terms is not.
bool all_finite(const torch::Tensor& tensor) {
  if (std::isfinite(tensor.sum(at_least_float(tensor.scalar_type())).item<double>())) return true;
  return at::isfinite(tensor).all().item<bool>();
}

// Whether the values are the file's own bytes in memory.
bool lies_in(const torch::Tensor& values, std::span<const uint8_t> bytes) {
  if (!values.is_cpu()) return false;
  const auto* begin = static_cast<const uint8_t*>(values.const_data_ptr());
  return begin >= bytes.data() && begin < bytes.data() + bytes.size();
}

// Of a shape alone.
torch::Tensor without_values(torch::IntArrayRef shape) {
  return at::empty(shape, torch::TensorOptions(torch::kMeta));
}

// gpt-oss: [experts, out, in / 32, 16] bytes of pairs and a scale for each 32, against the plain
// tensor's [experts, in, out].
torch::Tensor mxfp4_without_values(torch::IntArrayRef blocks) {
  auto shape = blocks.vec();
  if (shape.size() != 4) return without_values(blocks);
  shape.pop_back();
  shape.back() *= 32;
  return without_values(shape).transpose(-1, -2);
}

// The group of a parameter: "blocks.3.ln1.weight" is of layer 3.
WeightGroup group_of(const std::string& parameter, int64_t n_layers) {
  constexpr std::string_view kBlocks = "blocks.";
  if (parameter.starts_with(kBlocks))
    return WeightGroup::layer(std::stoll(parameter.substr(kBlocks.size())));
  for (const char* name : {"ln_final.", "project_out.", "mlm_", "unembed"}) {
    if (parameter.starts_with(name)) return WeightGroup::head(n_layers);
  }
  return WeightGroup::embedding();
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
  for (const auto& parameter : model.named_parameters()) want(parameter.key(), parameter.value());
  check();
  refuse_unused();
}

void StoredWeights::want(const std::string& name, const torch::Tensor& parameter) {
  const auto alternatives = stored_as(name, parameter.size(0), names_, base_);
  if (alternatives.empty())
    throw std::logic_error("[load_model] no name is known for the parameter " + name);
  const auto found = std::find_if(
      alternatives.begin(), alternatives.end(),
      [&](const StoredParameter& stored) { return is_stored(stored.tensors.front()); });
  Wanted wanted{name, parameter, parameter.sizes().vec(),
                found == alternatives.end() ? alternatives.front() : *found};
  for (const auto& stored : alternatives) wanted.choices.push_back(stored.tensors.front());
  auto& group = groups_[group_of(name, config_.n_layers).index];
  group.wanted[wanted.stored.tensors.front()].push_back(std::move(wanted));
}

// All but the values: each tensor is there, has a shape that its parameters can be taken from, and
// no more in it.
void StoredWeights::check() {
  std::map<std::string, std::vector<const Wanted*>> by_tensor;
  for (const auto& group : groups_) {
    for (const auto& [tensor, all] : group.wanted) {
      for (const auto& wanted : all) by_tensor[tensor].push_back(&wanted);
    }
  }
  for (const auto& [tensor, all] : by_tensor) {
    const auto stored = shape_in_file(*all.front());
    int64_t used = 0;
    for (const auto* wanted : all) used += taken(*wanted, stored).numel();
    if (used == stored.numel()) continue;
    refuse_stand_ins(tensor, all);
    fail_shape(*all.front(), stored.sizes());
  }
}

void StoredWeights::refuse_unused() const {
  for (const auto& info : source_->tensors()) {
    if (used_.contains(info.name) || is_superfluous(info.name, names_) || repeats_tied(info.name))
      continue;
    fail_format(
        "[load_model] the tensor '{}' is not used by a {} model: got it with shape {}, expected "
        "no such tensor ({})",
        info.name, config_.model_type, text_of(info.shape), where());
  }
}

// A tensor that a parameter fell back on, but that another has, too.
void StoredWeights::refuse_stand_ins(const std::string& tensor,
                                     const std::vector<const Wanted*>& all) const {
  for (const auto* wanted : all) {
    if (all.size() > 1 && wanted->choices.front() != tensor) {
      fail_format("[load_model] the tensor '{}' is missing, expected it for {} {} ({})",
                  wanted->choices.front(), wanted->name, text_of(wanted->shape), where());
    }
  }
}

void StoredWeights::fail_shape(const Wanted& wanted, torch::IntArrayRef stored) const {
  const auto& tensor = wanted.stored.tensors.front();
  if (!wanted.stored.take) {
    fail_format("[load_model] the tensor '{}' has the wrong shape: got {}, expected {} ({})",
                tensor, text_of(stored), text_of(wanted.shape), where());
  }
  fail_format(
      "[load_model] the tensor '{}' has the wrong shape: got {}, from which {} {} cannot be "
      "taken ({})",
      tensor, text_of(stored), wanted.name, text_of(wanted.shape), where());
}

bool StoredWeights::is_stored(const std::string& tensor) const {
  return source_->contains(tensor) || source_->contains(tensor + "_blocks");
}

bool StoredWeights::repeats_tied(const std::string& tensor) const {
  if (!config_.tied_embeddings) return false;
  const auto alternatives = stored_as("unembed", config_.d_vocabulary, names_, base_);
  return std::any_of(alternatives.begin(), alternatives.end(), [&](const StoredParameter& stored) {
    return stored.tensors.front() == tensor;
  });
}

// The file's tensors that hold one: itself, or packed blocks and their scales.
std::vector<std::string> StoredWeights::in_file(const std::string& tensor,
                                                const Wanted& wanted) const {
  if (source_->contains(tensor)) return {tensor};
  const auto blocks = tensor + "_blocks", scales = tensor + "_scales";
  if (source_->contains(blocks) && source_->contains(scales)) return {blocks, scales};
  const bool is_first = tensor == wanted.choices.front();
  const auto missing = is_first ? fmt::format("{}", fmt::join(wanted.choices, "' or '")) : tensor;
  fail_format("[load_model] the tensor '{}' is missing, expected it for {} {} ({})",
              source_->contains(blocks) ? scales : missing, wanted.name, text_of(wanted.shape),
              where());
}

torch::Tensor StoredWeights::shape_in_file(const Wanted& wanted) {
  std::vector<torch::Tensor> parts;
  for (const auto& tensor : wanted.stored.tensors) {
    const auto names = in_file(tensor, wanted);
    used_.insert(names.begin(), names.end());
    const auto& shape = source_->info(names.front()).shape;
    parts.push_back(names.size() == 1 ? without_values(shape) : mxfp4_without_values(shape));
    if (!parts.back().sizes().equals(parts.front().sizes()))
      fail_format(
          "[load_model] the tensor '{}' has the wrong shape: got {}, expected {} as '{}' ({})",
          tensor, text_of(parts.back().sizes()), text_of(parts.front().sizes()),
          wanted.stored.tensors.front(), where());
  }
  return wanted.stored.stacked ? at::stack(parts) : parts.front();
}

torch::Tensor StoredWeights::taken(const Wanted& wanted, const torch::Tensor& stored) const {
  auto values = stored;
  if (wanted.stored.take) {
    try {
      values = wanted.stored.take(stored, config_, wanted.stored.expert);
    } catch (const c10::Error&) {
      fail_shape(wanted, stored.sizes());
    }
  }
  if (!values.sizes().equals(wanted.shape)) fail_shape(wanted, stored.sizes());
  return values;
}

std::vector<WeightValues> StoredWeights::read(WeightGroup group) {
  const torch::NoGradGuard no_grad;
  auto& [by_tensor, is_finite] = groups_[group.index];
  std::vector<WeightValues> result;
  for (const auto& [tensor, all] : by_tensor) {
    const auto stored = stored_values(all.front(), /*check_finite=*/!is_finite);
    bool is_the_file = false;
    for (const auto& wanted : all) {
      result.push_back({wanted.parameter, converted(wanted, taken(wanted, stored))});
      is_the_file |= lies_in(result.back().values, source_->bytes(in_file(tensor, wanted).front()));
    }
    if (!is_the_file) release(all.front());
  }
  is_finite = true;
  return result;
}

torch::Tensor StoredWeights::stored_values(const Wanted& wanted, bool check_finite) const {
  std::vector<torch::Tensor> parts;
  for (const auto& tensor : wanted.stored.tensors) {
    parts.push_back(read(tensor));
    if (!check_finite || all_finite(parts.back())) continue;
    fail_format("[load_model] the tensor '{}' holds NaN or infinity, expected finite weights ({})",
                tensor, where());
  }
  return wanted.stored.stacked ? at::stack(parts) : parts.front();
}

torch::Tensor StoredWeights::read(const std::string& name) const {
  const auto plain = [&](const std::string& tensor) {
    fetch(source_->bytes(tensor));
    return source_->tensor(tensor);
  };
  if (!source_->contains(name)) {
    return dequantize_mxfp4(plain(name + "_blocks"), plain(name + "_scales"),
                            fmt::format("{}, {}", where(), name))
        .transpose(-1, -2);
  }
  auto values = plain(name);
  if (!values.is_floating_point()) {
    fail_format(
        "[load_model] the tensor '{}' has the wrong dtype: got {}, expected floating point ({})",
        name, source_->info(name).dtype, where());
  }
  return values;
}

torch::Tensor StoredWeights::converted(const Wanted& wanted, const torch::Tensor& values) const {
  auto result = values.to(options_).contiguous();
  if (result.element_size() < values.element_size() && !all_finite(result)) {
    fail_format("[load_model] the tensor '{}' leaves the range of {}: got {} ({})",
                wanted.stored.tensors.front(), c10::toString(result.scalar_type()),
                values.abs().max().item<double>(), where());
  }
  return result;
}

void StoredWeights::release(const Wanted& wanted) const {
  for (const auto& tensor : wanted.stored.tensors) {
    for (const auto& name : in_file(tensor, wanted)) detail::release(source_->bytes(name));
  }
}

void StoredWeights::unload(WeightGroup group) const {
  for (const auto& [tensor, all] : groups_[group.index].wanted) {
    for (const auto& wanted : all) {
      auto parameter = wanted.parameter;
      parameter.set_data(at::empty({0}, options_));
    }
    release(all.front());
  }
}

int64_t StoredWeights::bytes(WeightGroup group) const {
  int64_t elements = 0;
  for (const auto& [tensor, all] : groups_[group.index].wanted) {
    for (const auto& wanted : all) elements += c10::multiply_integers(wanted.shape);
  }
  return elements * static_cast<int64_t>(options_.dtype().itemsize());
}

}  // namespace spikesink::detail
