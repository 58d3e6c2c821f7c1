#include "spikesink/weights/weight_source.h"

#include <algorithm>
#include <iterator>
#include <system_error>
#include <utility>

#include "detail/edit_distance.h"
#include "detail/fail.h"
#include "spikesink/weights/gguf.h"
#include "spikesink/weights/safetensors.h"
#include "spikesink/weights/torch_file.h"
#include "weights/gguf/gguf_split.h"
#include "weights/torch/torch_names.h"

namespace spikesink {
namespace fs = std::filesystem;
namespace {

[[noreturn]] void refuse_adapter(const fs::path& folder) {
  detail::fail_format(
      "[open_weights] the folder holds a LoRA adapter, not a model ({}); give its base model as "
      "the model, and this folder as --adapter (LoadOptions::adapter)",
      folder.string());
}

std::vector<fs::path> files_in(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code error;
  fs::directory_iterator entry(folder, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error))
    files.push_back(entry->path());
  if (error)
    detail::fail_format("[open_weights] cannot list {}: {}", folder.string(), error.message());
  std::sort(files.begin(), files.end());
  return files;
}

std::unique_ptr<WeightSource> open_folder(const fs::path& folder) {
  const std::vector<fs::path> files = files_in(folder);
  const auto contains = [&](const char* name) {
    return std::binary_search(files.begin(), files.end(), folder / name);
  };
  if (contains("adapter_config.json") &&
      (contains("adapter_model.safetensors") || contains("adapter_model.bin")))
    refuse_adapter(folder);
  if (contains("model.safetensors")) return open_safetensors(folder / "model.safetensors");
  if (contains("model.safetensors.index.json"))
    return open_safetensors_index(folder / "model.safetensors.index.json");
  if (contains("pytorch_model.bin")) return open_torch_file(folder / "pytorch_model.bin");
  if (contains("pytorch_model.bin.index.json"))
    return open_torch_index(folder / "pytorch_model.bin.index.json");

  std::vector<fs::path> ggufs;
  std::copy_if(files.begin(), files.end(), std::back_inserter(ggufs),
               [](const fs::path& file) { return file.extension() == ".gguf"; });
  if (ggufs.size() == 1 || detail::are_gguf_parts(ggufs))
    return std::make_unique<GgufFile>(ggufs.front());
  if (ggufs.size() > 1) {
    detail::fail_format(
        "[open_weights] the folder contains several models: got {} .gguf files, expected one or "
        "the parts of one ({}); name the file",
        ggufs.size(), folder.string());
  }
  detail::fail_format(
      "[open_weights] no weights in {}: expected model.safetensors, pytorch_model.bin, an index of "
      "their shards (.index.json) or one .gguf file",
      folder.string());
}

}  // namespace

bool WeightSource::contains(std::string_view name) const {
  return index_.contains(std::string(name));
}

size_t WeightSource::add(TensorInfo info) {
  const size_t index = tensors_.size();
  if (!index_.emplace(info.name, index).second) {
    detail::fail_format("[open_weights] two tensors have one name: '{}' ({})", info.name,
                        path().string());
  }
  tensors_.push_back(std::move(info));
  return index;
}

size_t WeightSource::index_of(std::string_view name) const {
  const auto found = index_.find(std::string(name));
  if (found != index_.end()) return found->second;
  std::vector<std::string> names;
  for (const TensorInfo& tensor : tensors_) names.push_back(tensor.name);
  detail::fail_argument("[WeightSource] no tensor '{}' ({}); the nearest names are '{}'", name,
                        path().string(), fmt::join(detail::nearest(name, names), "', '"));
}

std::unique_ptr<WeightSource> open_weights(const fs::path& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (!fs::exists(status))
    detail::fail_format("[open_weights] no such file or folder: '{}'", path.string());
  if (fs::is_directory(status)) return open_folder(path);
  if (path.extension() == ".gguf") return std::make_unique<GgufFile>(path);
  if (path.extension() == ".safetensors") return open_safetensors(path);
  if (path.string().ends_with(".safetensors.index.json")) return open_safetensors_index(path);
  if (detail::has_torch_extension(path)) return open_torch_file(path);
  if (detail::is_torch_index(path)) return open_torch_index(path);
  detail::fail_format(
      "[open_weights] unsupported weight file: got '{}', expected .safetensors, .bin, .pt, .pth, "
      ".ckpt, .gguf or a folder ({})",
      path.extension().string(), path.string());
}

}  // namespace spikesink
