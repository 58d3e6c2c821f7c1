#include "weights/torch/pickle.h"

#include <algorithm>
#include <array>
#include <unordered_set>

#include "detail/utf8.h"
#include "weights/torch/pickle_machine.h"

namespace spikesink::detail {
namespace {

using Value = PickleValue;

constexpr size_t kMostTensors = 1 << 20;

std::vector<int64_t> integers_of(const PickleObjects& made, const Value& tuple) {
  std::vector<int64_t> integers;
  for (const Value& item : made.items_of(tuple)) integers.push_back(item.number);
  return integers;
}

// Refuses a training checkpoint by the name of its state dict.
void refuse_checkpoint(const PickleObjects& made, const Value& root) {
  constexpr std::array<std::string_view, 4> kParts = {"state_dict", "model", "model_state_dict",
                                                      "module"};
  for (const auto& entry : made.entries) {
    if (entry.dict != root.number || entry.key.kind != Value::kString ||
        entry.value.kind != Value::kDict)
      continue;
    const std::string_view key = made.text_of(entry.key, "a key");
    if (std::ranges::find(kParts, key) == kParts.end()) continue;
    made.cursor.fail(
        "the entry '{}' is a dict, expected a tensor: likely a training checkpoint; "
        "save its state dict alone: torch.save(torch.load(file)['{}'], new_file)",
        key, key);
  }
}

PickledTensor described(const PickleObjects& made, const PickleObjects::Entry& entry) {
  const std::string_view name = made.text_of(entry.key, "a key of the state dict");
  if (!is_valid_utf8(name)) made.cursor.fail("the name of a tensor is not UTF-8: '{}'", name);
  if (entry.value.kind != Value::kTensor) {
    made.cursor.fail(
        "the entry '{}' is {}, expected a tensor; save the state dict alone: "
        "torch.save(model.state_dict(), file)",
        name, kind_name(entry.value.kind));
  }
  const auto& tensor = made.tensors[static_cast<size_t>(entry.value.number)];
  const auto& storage = made.storages[static_cast<size_t>(tensor.storage)];
  return {.name = name,
          .dtype = storage.type->dtype,
          .storage = made.text_of(storage.key, "the key of a storage"),
          .storage_elements = storage.elements,
          .offset = tensor.offset,
          .shape = integers_of(made, tensor.shape),
          .strides = integers_of(made, tensor.strides)};
}

}  // namespace

std::vector<PickledTensor> read_state_dict(std::string_view pickle, std::string_view where) {
  PickleObjects made(pickle, where);
  const auto root = run_pickle(made);
  if (root.kind != Value::kDict)
    made.cursor.fail(
        "the file holds {}, expected a dict of tensors; save the state dict alone: "
        "torch.save(model.state_dict(), file)",
        kind_name(root.kind));
  refuse_checkpoint(made, root);
  std::vector<PickledTensor> tensors;
  std::unordered_set<std::string_view> names;
  for (const auto& entry : made.entries) {
    if (entry.dict != root.number) continue;
    if (tensors.size() == kMostTensors)
      made.cursor.fail("the state dict has more than {} tensors", kMostTensors);
    tensors.push_back(described(made, entry));
    // Here and not later: a long name from the memo costs two bytes.
    if (!names.insert(tensors.back().name).second)
      made.cursor.fail("two tensors have one name: '{}'", tensors.back().name);
  }
  return tensors;
}

}  // namespace spikesink::detail
