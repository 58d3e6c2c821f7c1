#include "weights/derived_weights.h"

#include <set>
#include <utility>

namespace spikesink::detail {
namespace {

class DerivedWeights : public WeightSource {
 public:
  DerivedWeights(std::unique_ptr<WeightSource> source, std::vector<DerivedTensor> derived,
                 const std::vector<std::string>& hidden)
      : source_(std::move(source)) {
    std::set<std::string, std::less<>> absent(hidden.begin(), hidden.end());
    for (const auto& tensor : derived) absent.insert(tensor.inputs.begin(), tensor.inputs.end());
    for (const auto& info : source_->tensors()) {
      if (!absent.contains(info.name)) insert(renamed(info, info.name));
    }
    for (auto& tensor : derived) insert(std::move(tensor));
  }

  WeightFormat format() const override { return source_->format(); }
  const std::filesystem::path& path() const override { return source_->path(); }

 protected:
  torch::Tensor read(size_t index) const override {
    std::vector<torch::Tensor> inputs;
    for (const auto& name : derived_[index].inputs) inputs.push_back(source_->tensor(name));
    return derived_[index].compute(inputs);
  }

  std::vector<std::span<uint8_t>> byte_ranges_of(size_t index) const override {
    std::vector<std::span<uint8_t>> ranges;
    for (const auto& name : derived_[index].inputs) {
      const auto more = source_->byte_ranges(name);
      ranges.insert(ranges.end(), more.begin(), more.end());
    }
    return ranges;
  }

 private:
  void insert(DerivedTensor tensor) {
    add(tensor.info);
    derived_.push_back(std::move(tensor));
  }

  std::unique_ptr<WeightSource> source_;
  std::vector<DerivedTensor> derived_;  // by tensor index
};

}  // namespace

std::unique_ptr<WeightSource> with_derived(std::unique_ptr<WeightSource> source,
                                           std::vector<DerivedTensor> derived,
                                           const std::vector<std::string>& hidden) {
  if (derived.empty() && hidden.empty()) return source;
  return std::make_unique<DerivedWeights>(std::move(source), std::move(derived), hidden);
}

DerivedTensor renamed(const TensorInfo& info, std::string name) {
  return {{std::move(name), info.shape, info.dtype},
          {info.name},
          [](const std::vector<torch::Tensor>& inputs) { return inputs.front(); }};
}

}  // namespace spikesink::detail
