#include "weights/adapters/lora_tensors.h"

#include <array>
#include "detail/fail.h"

namespace spikesink::detail {
namespace {

struct Role {
  std::string_view name;
  torch::Tensor LoraTensors::*tensor;
  bool is_embedding = false;
};

constexpr std::array kRoles{
    Role{".lora_A", &LoraTensors::a},
    Role{".lora_B", &LoraTensors::b},
    Role{".lora_embedding_A", &LoraTensors::a, true},
    Role{".lora_embedding_B", &LoraTensors::b, true},
    Role{".lora_magnitude_vector", &LoraTensors::magnitude},
};

// "", ".weight", ".default" and ".default.weight" can follow the role.
bool is_ending(std::string_view rest) {
  constexpr std::string_view kWeight = ".weight";
  if (rest.ends_with(kWeight)) rest.remove_suffix(kWeight.size());
  return rest.empty() ||
         (rest.front() == '.' && rest.find('.', 1) == std::string_view::npos && rest != ".bias");
}

// Adds the tensor to its module if it is one of LoRA's.
bool add_to_module(const WeightSource& source, const std::string& name, AdapterTensors& all) {
  for (const auto& role : kRoles) {
    const auto found = name.rfind(role.name);
    if (found == std::string::npos || !is_ending(name.substr(found + role.name.size()))) continue;
    auto& module = all.modules[name.substr(0, found)];
    if ((module.*role.tensor).defined())
      fail_format(
          "[load_model] the file has several adapters: got '{}' and '{}', expected one ({})",
          module.names.back(), name, source.path().string());
    module.*role.tensor = source.tensor(name);
    module.is_embedding |= role.is_embedding;
    module.names.push_back(name);
    return true;
  }
  return false;
}

}  // namespace

AdapterTensors read_adapter_tensors(const WeightSource& source) {
  AdapterTensors all;
  for (const auto& info : source.tensors()) {
    if (!add_to_module(source, info.name, all)) all.others.push_back(info.name);
  }
  return all;
}

}  // namespace spikesink::detail
