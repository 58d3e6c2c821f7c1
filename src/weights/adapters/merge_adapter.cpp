#include "weights/adapters/merge_adapter.h"

#include <algorithm>
#include <utility>

#include "detail/exists.h"
#include "detail/fail.h"
#include "weights/adapters/lora_tensors.h"

namespace spikesink::detail {
namespace {

// A module's LoRA tensors and how they change its weight.
struct Merge {
  LoraTensors lora;
  double scale = 1;
  bool is_transposed = false;
};

// The weight is [out, in], or of an embedding [rows, width].
torch::Tensor merged(const Merge& merge, const torch::Tensor& stored) {
  const auto dtype = stored.scalar_type() == torch::kFloat64 ? torch::kFloat64 : torch::kFloat32;
  const auto weight = (merge.is_transposed ? stored.t() : stored).to(dtype);
  const auto product = merge.lora.b.to(dtype).mm(merge.lora.a.to(dtype));
  auto result = weight.add(merge.lora.is_embedding ? product.t() : product, merge.scale);
  if (merge.lora.magnitude.defined()) {
    const auto norms = at::linalg_vector_norm(result, 2, at::IntArrayRef{1});
    result = result.mul(merge.lora.magnitude.to(dtype).div(norms).unsqueeze(1));
  }
  return merge.is_transposed ? result.t() : result;
}

// The name in the base's file of a tensor that the adapter names; "" if there is none.
std::string find_tensor(const WeightSource& base, const std::vector<std::string>& prefixes,
                        const std::string& name) {
  if (base.contains(name)) return name;
  for (const auto& other : prefixes) {
    if (!name.starts_with(other)) continue;
    for (const auto& prefix : prefixes) {
      const auto candidate = prefix + name.substr(other.size());
      if (base.contains(candidate)) return candidate;
    }
  }
  return "";
}

class Merger {
 public:
  Merger(const WeightSource& base, const std::filesystem::path& adapter,
         const AdapterConfig& config, const AdapterBase& names)
      : base_(base), adapter_(adapter), config_(config), names_(names) {}

  DerivedTensor merge(const std::string& module, const LoraTensors& lora) const {
    const auto name = find(module + ".weight");
    if (name.empty())
      fail(module, "a module that the base model does not have",
           "the model that it was trained on");
    Merge merge{lora, config_.scale(module), !lora.is_embedding && is_transposed(name)};
    const auto& info = base_.info(name);
    check_module(module, lora);
    check_shapes(module, merge, info.shape);
    return {{name, info.shape, "F32"}, {name}, [merge](const std::vector<torch::Tensor>& inputs) {
              return merged(merge, inputs.front());
            }};
  }

  // A whole tensor of the adapter, under the name that it has in the base if the base has one.
  DerivedTensor replace(const TensorInfo& info, const torch::Tensor& values) const {
    const auto found = find(info.name);
    if (!found.empty() && base_.info(found).shape != info.shape)
      fail(info.name, fmt::format("[{}]", fmt::join(info.shape, ", ")),
           fmt::format("the base's [{}]", fmt::join(base_.info(found).shape, ", ")));
    return {{found.empty() ? info.name : found, info.shape, info.dtype},
            {},
            [values](const std::vector<torch::Tensor>&) { return values; }};
  }

 private:
  std::string find(const std::string& name) const {
    return find_tensor(base_, names_.prefixes, name);
  }

  bool is_transposed(const std::string& name) const {
    return !names_.transposed.empty() && name.find(names_.transposed) != std::string::npos;
  }

  [[noreturn]] void fail(const std::string& what, const std::string& got,
                         const std::string& expected) const {
    fail_format("[load_model] the adapter's '{}' does not fit: got {}, expected {} ({})", what, got,
                expected, adapter_.string());
  }

  void check_module(const std::string& module, const LoraTensors& lora) const {
    if (!lora.a.defined() || !lora.b.defined()) fail(module, "one of the matrices A and B", "both");
    if (lora.a.dim() != 2 || lora.b.dim() != 2)
      fail(module, fmt::format("A and B with {} and {} dimensions", lora.a.dim(), lora.b.dim()),
           "matrices");
    const int64_t rank = config_.rank(module);
    if (lora.a.size(0) != rank || lora.b.size(1) != rank)
      fail(module, fmt::format("A of rank {} and B of rank {}", lora.a.size(0), lora.b.size(1)),
           fmt::format("rank {} as in adapter_config.json", rank));
    if (lora.magnitude.defined() != config_.is_dora() || (lora.is_embedding && config_.is_dora()))
      fail(module, config_.is_dora() ? "no magnitudes of a linear module" : "magnitudes of DoRA",
           "them if adapter_config.json has use_dora, and else none");
  }

  void check_shapes(const std::string& module, const Merge& merge,
                    std::vector<int64_t> shape) const {
    const int64_t in = merge.lora.a.size(1), out = merge.lora.b.size(0);
    if (merge.is_transposed) std::reverse(shape.begin(), shape.end());
    const std::vector<int64_t> expected =
        merge.lora.is_embedding ? std::vector{in, out} : std::vector{out, in};
    if (shape != expected)
      fail(module, fmt::format("A and B for a weight [{}]", fmt::join(expected, ", ")),
           fmt::format("the base's [{}]", fmt::join(shape, ", ")));
    if (merge.lora.magnitude.defined() && merge.lora.magnitude.sizes() != at::IntArrayRef({out}))
      fail(module, fmt::format("{} magnitudes", merge.lora.magnitude.numel()),
           fmt::format("{}", out));
  }

  const WeightSource& base_;
  const std::filesystem::path& adapter_;
  const AdapterConfig& config_;
  const AdapterBase& names_;
};

}  // namespace

std::unique_ptr<WeightSource> with_adapter(std::unique_ptr<WeightSource> base,
                                           const WeightSource& adapter, const AdapterConfig& config,
                                           const AdapterBase& names) {
  const auto tensors = read_adapter_tensors(adapter);
  const Merger replacer(*base, adapter.path(), config, names);
  std::vector<DerivedTensor> replaced;
  std::vector<std::string> hidden;
  for (const auto& name : tensors.others) {
    replaced.push_back(replacer.replace(adapter.info(name), adapter.tensor(name)));
    hidden.push_back(replaced.back().info.name);
  }
  auto source = with_derived(std::move(base), std::move(replaced), hidden);
  const Merger merger(*source, adapter.path(), config, names);
  std::vector<DerivedTensor> merges;
  for (const auto& [module, lora] : tensors.modules) merges.push_back(merger.merge(module, lora));
  return with_derived(std::move(source), std::move(merges));
}

std::unique_ptr<WeightSource> with_own_adapter(std::unique_ptr<WeightSource> source,
                                               const std::filesystem::path& folder,
                                               const AdapterBase& names) {
  const auto tensors = read_adapter_tensors(*source);
  if (tensors.modules.empty()) return source;
  const auto file = folder / "adapter_config.json";
  if (!detail::exists(file))
    fail_format(
        "[load_model] the weights of a LoRA adapter are not merged: got '{}', expected {} beside "
        "them for its scale; merge them with PEFT's merge_and_unload, or copy that file there",
        tensors.modules.begin()->second.names.front(), file.string());
  const AdapterConfig config(file);
  const Merger merger(*source, file, config, names);
  std::vector<DerivedTensor> merges;
  for (const auto& [module, lora] : tensors.modules) {
    merges.push_back(merger.merge(module, lora));
    auto& inputs = merges.back().inputs;
    inputs.insert(inputs.end(), lora.names.begin(), lora.names.end());
  }
  return with_derived(std::move(source), std::move(merges));
}

}  // namespace spikesink::detail
