#include <algorithm>
#include <nlohmann/json.hpp>
#include <ostream>
#include <utility>

#include "detail/fail.h"
#include "detail/temporary_file.h"
#include "spikesink/weights/safetensors.h"
#include "weights/safetensors/safetensors_layout.h"

namespace spikesink {
namespace fs = std::filesystem;
namespace {

using NamedTensor = std::pair<const std::string, torch::Tensor>;

void check(const std::string& name, const torch::Tensor& tensor) {
  if (name == "__metadata__")
    detail::fail_argument("[save_safetensors] a tensor cannot be named __metadata__");
  if (!tensor.defined())
    detail::fail_argument("[save_safetensors] the tensor is undefined (tensor '{}')", name);
  if (tensor.layout() != torch::kStrided ||
      detail::find_safetensors_dtype(tensor.scalar_type()) == nullptr) {
    detail::fail_argument(
        "[save_safetensors] this kind of tensor cannot be saved: got {} {}, expected a dense one "
        "of {} (tensor '{}')",
        c10::str(tensor.layout()), c10::toString(tensor.scalar_type()),
        detail::safetensors_dtype_names(), name);
  }
}

/// Sorts by element size, largest first, so that every tensor is aligned to its element size
/// without gaps.
std::vector<const NamedTensor*> sorted_by_element_size(
    const std::map<std::string, torch::Tensor>& tensors) {
  std::vector<const NamedTensor*> order;
  for (const NamedTensor& entry : tensors) {
    check(entry.first, entry.second);
    order.push_back(&entry);
  }
  std::stable_sort(order.begin(), order.end(), [](const auto* a, const auto* b) {
    return a->second.element_size() > b->second.element_size();
  });
  return order;
}

/// Returns the header, padded with spaces so that the data begins at a multiple of 64 bytes.
std::string header_of(const std::vector<const NamedTensor*>& order,
                      const std::map<std::string, std::string>& metadata) {
  nlohmann::json header = nlohmann::json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  size_t offset = 0;
  for (const NamedTensor* entry : order) {
    const auto& [name, tensor] = *entry;
    const size_t end = offset + tensor.numel() * tensor.element_size();
    header[name] = {{"dtype", detail::find_safetensors_dtype(tensor.scalar_type())->name},
                    {"shape", tensor.sizes().vec()},
                    {"data_offsets", {offset, end}}};
    offset = end;
  }
  constexpr size_t kAlignment = 64;
  std::string text;
  try {
    text = header.dump();
  } catch (const nlohmann::json::exception&) {
    detail::fail_argument("[save_safetensors] a tensor's name or the metadata is not UTF-8");
  }
  const size_t unpadded = sizeof(uint64_t) + text.size();
  text.append((kAlignment - unpadded % kAlignment) % kAlignment, ' ');
  if (text.size() > detail::kMaxSafetensorsHeader) {
    detail::fail_argument(
        "[save_safetensors] the header is too large: got {} bytes, expected at most {}; likely too "
        "many tensors",
        text.size(), detail::kMaxSafetensorsHeader);
  }
  return text;
}

}  // namespace

void save_safetensors(const fs::path& file, const std::map<std::string, torch::Tensor>& tensors,
                      const std::map<std::string, std::string>& metadata) {
  const auto order = sorted_by_element_size(tensors);
  const std::string header = header_of(order, metadata);
  const uint64_t header_size = header.size();

  detail::TemporaryFile temporary(file);
  const auto contents = [&](std::ostream& out) {
    out.write(reinterpret_cast<const char*>(&header_size), sizeof header_size);
    out << header;
    for (const NamedTensor* entry : order) {
      const torch::Tensor tensor = entry->second.detach().resolve_neg().cpu().contiguous();
      out.write(static_cast<const char*>(tensor.const_data_ptr()),
                static_cast<std::streamsize>(tensor.nbytes()));
    }
  };
  temporary.write(contents, "save_safetensors");
  temporary.rename("save_safetensors");
}

}  // namespace spikesink
