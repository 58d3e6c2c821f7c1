#include "model/load_weights.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "detail/dtype.h"
#include "detail/fail.h"
#include "weights/mxfp4.h"

namespace spikesink::detail {
namespace {

/// A parameter and where its values are.
struct Wanted {
  std::string name;
  torch::Tensor parameter;
  Place place;
  std::vector<std::string> choices;  // the first tensor of each of its possible places
};

std::string shape_of(const torch::Tensor& tensor) {
  return c10::str(tensor.sizes());
}

// A sum is not finite when one of its terms is not.
bool all_finite(const torch::Tensor& tensor) {
  if (std::isfinite(tensor.sum(at_least_float(tensor.scalar_type())).item<double>())) return true;
  return at::isfinite(tensor).all().item<bool>();
}

class WeightLoader {
 public:
  WeightLoader(const WeightSource& source, const WeightNames& names, const ModelConfig& config,
               const std::string& base, const torch::TensorOptions& options)
      : source_(source), names_(names), config_(config), options_(options), base_(base) {}

  void want(const std::string& name, const torch::Tensor& parameter) {
    const auto places = places_of(name, parameter.size(0), names_, base_);
    if (places.empty())
      throw std::logic_error("[load_model] no name is known for the parameter " + name);
    const auto found = std::find_if(places.begin(), places.end(), [&](const Place& place) {
      return is_stored(place.tensors.front());
    });
    Wanted wanted{name, parameter, found == places.end() ? places.front() : *found, {}};
    for (const auto& place : places) wanted.choices.push_back(place.tensors.front());
    by_tensor_[wanted.place.tensors.front()].push_back(std::move(wanted));
  }

  // A tensor is read once, whatever the number of parameters in it.
  void load() {
    for (const auto& [tensor, all] : by_tensor_) {
      const auto stored = stored_values(all.front());
      int64_t taken = 0;
      for (const auto& wanted : all) taken += fill(wanted, stored);
      if (taken == stored.numel()) continue;
      refuse_stand_ins(tensor, all);
      fail_shape(all.front(), stored);
    }
  }

  void refuse_unused() const {
    for (const auto& info : source_.tensors()) {
      if (used_.contains(info.name) || is_superfluous(info.name, names_) || repeats_tied(info.name))
        continue;
      fail_format(
          "[load_model] the tensor '{}' is not used by a {} model: got it with shape {}, expected "
          "no such tensor ({})",
          info.name, config_.model_type, c10::str(torch::IntArrayRef(info.shape)), where());
    }
  }

  size_t used() const { return used_.size(); }

 private:
  std::string where() const { return source_.path().string(); }

  bool is_stored(const std::string& tensor) const {
    return source_.contains(tensor) || source_.contains(tensor + "_blocks");
  }

  bool repeats_tied(const std::string& tensor) const {
    if (!config_.tied_embeddings) return false;
    const auto places = places_of("unembed", config_.d_vocabulary, names_, base_);
    return std::any_of(places.begin(), places.end(),
                       [&](const Place& place) { return place.tensors.front() == tensor; });
  }

  // A tensor that a parameter fell back on, but that another has, too.
  void refuse_stand_ins(const std::string& tensor, const std::vector<Wanted>& all) const {
    for (const auto& wanted : all) {
      if (all.size() > 1 && wanted.choices.front() != tensor) {
        fail_format("[load_model] the tensor '{}' is missing, expected it for {} {} ({})",
                    wanted.choices.front(), wanted.name, shape_of(wanted.parameter), where());
      }
    }
  }

  torch::Tensor stored_values(const Wanted& wanted) {
    std::vector<torch::Tensor> parts;
    for (const auto& tensor : wanted.place.tensors) {
      parts.push_back(read(tensor, wanted));
      if (!parts.back().sizes().equals(parts.front().sizes()))
        fail_format(
            "[load_model] the tensor '{}' has the wrong shape: got {}, expected {} as '{}' ({})",
            tensor, shape_of(parts.back()), shape_of(parts.front()), wanted.place.tensors.front(),
            where());
    }
    return wanted.place.stacked ? at::stack(parts) : parts.front();
  }

  torch::Tensor read(const std::string& name, const Wanted& wanted) {
    auto tensor = source_.contains(name) ? read_plain(name) : read_mxfp4(name, wanted);
    if (!all_finite(tensor)) {
      fail_format(
          "[load_model] the tensor '{}' holds NaN or infinity, expected finite weights ({})", name,
          where());
    }
    return tensor;
  }

  torch::Tensor read_plain(const std::string& name) {
    auto tensor = source_.tensor(name);
    if (!tensor.is_floating_point()) {
      fail_format(
          "[load_model] the tensor '{}' has the wrong dtype: got {}, expected floating point ({})",
          name, source_.info(name).dtype, where());
    }
    used_.insert(name);
    return tensor;
  }

  // gpt-oss: [experts, out, in / 32, 16] bytes of pairs and a scale for each 32, against the plain
  // tensor's [experts, in, out].
  torch::Tensor read_mxfp4(const std::string& name, const Wanted& wanted) {
    const auto blocks = name + "_blocks", scales = name + "_scales";
    if (!source_.contains(blocks) || !source_.contains(scales)) {
      const bool is_first = name == wanted.choices.front();
      const auto missing = is_first ? fmt::format("{}", fmt::join(wanted.choices, "' or '")) : name;
      fail_format("[load_model] the tensor '{}' is missing, expected it for {} {} ({})",
                  source_.contains(blocks) ? scales : missing, wanted.name,
                  shape_of(wanted.parameter), where());
    }
    used_.insert({blocks, scales});
    return dequantize_mxfp4(source_.tensor(blocks), source_.tensor(scales),
                            fmt::format("{}, {}", where(), name))
        .transpose(-1, -2);
  }

  int64_t fill(const Wanted& wanted, const torch::Tensor& stored) const {
    torch::Tensor values = stored;
    if (wanted.place.take) {
      try {
        values = wanted.place.take(stored, config_, wanted.place.expert);
      } catch (const c10::Error&) {
        fail_shape(wanted, stored);
      }
    }
    if (!values.sizes().equals(wanted.parameter.sizes())) fail_shape(wanted, stored);
    const auto converted = values.to(options_).contiguous();
    if (converted.element_size() < values.element_size() && !all_finite(converted)) {
      fail_format("[load_model] the tensor '{}' leaves the range of {}: got {} ({})",
                  wanted.place.tensors.front(), c10::toString(converted.scalar_type()),
                  values.abs().max().item<double>(), where());
    }
    auto parameter = wanted.parameter;
    parameter.set_data(converted);
    return values.numel();
  }

  [[noreturn]] void fail_shape(const Wanted& wanted, const torch::Tensor& stored) const {
    const auto& tensor = wanted.place.tensors.front();
    if (!wanted.place.take) {
      fail_format("[load_model] the tensor '{}' has the wrong shape: got {}, expected {} ({})",
                  tensor, shape_of(stored), shape_of(wanted.parameter), where());
    }
    fail_format(
        "[load_model] the tensor '{}' has the wrong shape: got {}, from which {} {} cannot be "
        "taken ({})",
        tensor, shape_of(stored), wanted.name, shape_of(wanted.parameter), where());
  }

  const WeightSource& source_;
  const WeightNames& names_;
  const ModelConfig& config_;
  torch::TensorOptions options_;
  std::string base_;
  std::map<std::string, std::vector<Wanted>> by_tensor_;
  std::set<std::string> used_;
};

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

size_t load_weights(Transformer& model, const WeightSource& source, const WeightNames& names,
                    const std::string& base, const torch::TensorOptions& options) {
  WeightLoader loader(source, names, model->config(), base, options);
  for (const auto& parameter : model->named_parameters())
    loader.want(parameter.key(), parameter.value());
  loader.load();
  loader.refuse_unused();
  return loader.used();
}

}  // namespace spikesink::detail
