#include "weights/quantised/methods.h"

#include <algorithm>
#include <utility>

#include "detail/fail.h"

namespace spikesink::detail {

const std::vector<int64_t>& QuantisedModule::shape(std::string_view suffix) const {
  if (!has(suffix)) fail(suffix, "no such tensor", "it beside the module's other tensors");
  const auto& sizes = source_->info(tensor_name(suffix)).shape;
  if (std::ranges::find(sizes, 0) != sizes.end())
    fail(suffix, fmt::format("the shape [{}]", fmt::join(sizes, ", ")), "elements");
  return sizes;
}

const std::vector<int64_t>& QuantisedModule::shape(std::string_view suffix, size_t dimensions,
                                                   std::string_view dtype) const {
  const auto& sizes = shape(suffix);
  const auto& stored = source_->info(tensor_name(suffix)).dtype;
  if (sizes.size() != dimensions || (!dtype.empty() && stored != dtype))
    fail(suffix, fmt::format("{} [{}]", stored, fmt::join(sizes, ", ")),
         fmt::format("{} dimensions{}{}", dimensions, dtype.empty() ? "" : " of ", dtype));
  return sizes;
}

void QuantisedModule::fail(std::string_view suffix, const std::string& got,
                           const std::string& expected) const {
  fail_format("[load_model] the quantised weight '{}' does not fit: got {}, expected {} ({})",
              tensor_name(suffix), got, expected, source_->path().string());
}

void QuantisedModule::expect_shape(std::string_view suffix,
                                   const std::vector<int64_t>& expected) const {
  const auto& got = shape(suffix, expected.size());
  if (got != expected)
    fail(suffix, fmt::format("[{}]", fmt::join(got, ", ")),
         fmt::format("[{}]", fmt::join(expected, ", ")));
}

DerivedTensor QuantisedModule::weight(
    int64_t rows, int64_t columns, const std::vector<std::string>& suffixes,
    std::function<torch::Tensor(const std::vector<torch::Tensor>&)> compute) const {
  DerivedTensor derived{{tensor_name(".weight"), {rows, columns}, "F32"}};
  for (const auto& suffix : suffixes) derived.inputs.push_back(tensor_name(suffix));
  derived.compute = [*this,
                     compute = std::move(compute)](const std::vector<torch::Tensor>& inputs) {
    try {
      return compute(inputs);
    } catch (const std::invalid_argument& error) {
      fail("", error.what(), "tensors that describe one matrix");
    }
  };
  return derived;
}

std::vector<QuantisedModule> modules_with(const WeightSource& source, std::string_view suffix) {
  std::vector<QuantisedModule> modules;
  for (const auto& info : source.tensors()) {
    if (info.name.ends_with(suffix))
      modules.emplace_back(source, info.name.substr(0, info.name.size() - suffix.size()));
  }
  return modules;
}

std::vector<DerivedTensor> weights_of(
    const std::vector<QuantisedModule>& modules,
    const std::function<DerivedTensor(const QuantisedModule&)>& derive) {
  std::vector<DerivedTensor> weights;
  for (const auto& module : modules) weights.push_back(derive(module));
  return weights;
}

std::pair<int64_t, int64_t> two_sizes(JsonKeys& keys, std::string_view key) {
  const auto& sizes = keys.array(key);
  const auto is_size = [](const auto& size) { return is_int64(size) && size > 0; };
  if (sizes.size() != 2 || !std::ranges::all_of(sizes, is_size))
    keys.refuse(key, "two positive integers");
  return {sizes[0].get<int64_t>(), sizes[1].get<int64_t>()};
}

}  // namespace spikesink::detail
