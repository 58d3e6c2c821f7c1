#include "spikesink/weights/torch_file.h"

#include <algorithm>
#include <utility>

#include "detail/fail.h"
#include "weights/mapped_file.h"
#include "weights/safetensors/safetensors_layout.h"
#include "weights/shard_index.h"
#include "weights/torch/pickle.h"
#include "weights/torch/zip_archive.h"

namespace spikesink {
namespace fs = std::filesystem;
namespace {

using detail::MappedFile;
using detail::PickledTensor;
using detail::ZipEntry;

constexpr const char* kTorchCaller = "open_torch_file";
constexpr std::string_view kPickle = "/data.pkl";

/// The bytes of a tensor, from its first element to its last, and how they are read.
struct Location {
  uint64_t begin;  // offset in the file
  uint64_t bytes;
  std::vector<int64_t> strides;
  torch::ScalarType dtype;
};

void refuse_other_formats(const MappedFile& file) {
  const auto refuse = [&](const char* what) {
    detail::fail_format("[{}] {} ({})", kTorchCaller, what, file.path().string());
  };
  const std::string_view begin = file.text().substr(0, 64);
  if (begin.starts_with("PK")) return;
  if (begin.starts_with("version https://git-lfs"))
    refuse("the file is a Git LFS pointer, not the weights: fetch them with git lfs pull");
  if (!begin.starts_with('\x80'))
    refuse("not a file of torch.save: got other first bytes than those of a zip file");
  // The pickled magic number 0x1950a86a20f9469cfc6c
  if (begin.find("\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19") != begin.npos)
    refuse(
        "the file is in the format of torch.save before version 1.6, expected a zip file: "
        "rewrite it with torch.save(torch.load(file, weights_only=True), new_file)");
  refuse(
      "the file is a bare pickle, expected a zip file as torch.save writes it since version "
      "1.6; nothing was executed");
}

/// The zip file of torch.save: PREFIX/data.pkl, which describes the tensors, and PREFIX/data/KEY,
/// the bytes of a storage.
class Archive {
 public:
  explicit Archive(const MappedFile& file)
      : file_(file), entries_(detail::read_zip(file, kTorchCaller)), prefix_(find_prefix()) {
    refuse_torch_script();
    detail::refuse_compressed(entries_, file_, kTorchCaller);
    check_byte_order();
  }

  std::vector<PickledTensor> tensors() const {
    return detail::read_state_dict(bytes_of(entries_.at(prefix_ + std::string(kPickle))),
                                   file_.path().string());
  }

  Location locate(const PickledTensor& tensor) const {
    const ZipEntry& storage = find_storage(tensor);
    const auto element_size = static_cast<int64_t>(c10::elementSize(tensor.dtype));
    check_sizes(tensor);
    const int64_t elements = elements_spanned(tensor);
    return {storage.offset + static_cast<uint64_t>(tensor.offset * element_size),
            static_cast<uint64_t>(elements * element_size), tensor.strides, tensor.dtype};
  }

 private:
  template <typename... Args>
  [[noreturn]] void fail(fmt::format_string<Args...> text, Args&&... args) const {
    detail::fail_format("[{}] {} ({})", kTorchCaller,
                        fmt::format(text, std::forward<Args>(args)...), file_.path().string());
  }

  template <typename... Args>
  [[noreturn]] void fail_tensor(const PickledTensor& tensor, fmt::format_string<Args...> text,
                                Args&&... args) const {
    detail::fail_format("[{}] {} ({}, tensor '{}')", kTorchCaller,
                        fmt::format(text, std::forward<Args>(args)...), file_.path().string(),
                        tensor.name);
  }

  std::string_view bytes_of(const ZipEntry& entry) const {
    return file_.text().substr(entry.offset, entry.size);
  }

  std::string find_prefix() const {
    std::vector<std::string> found;
    for (const auto& [name, entry] : entries_) {
      if (name.ends_with(kPickle) && name.find('/') == name.size() - kPickle.size())
        found.push_back(name.substr(0, name.size() - kPickle.size()));
    }
    if (found.size() != 1) {
      fail("not a file of torch.save: got {} entries NAME/data.pkl in the zip file, expected one",
           found.size());
    }
    return found.front();
  }

  void refuse_torch_script() const {
    const auto code = entries_.lower_bound(prefix_ + "/code/");
    if (entries_.contains(prefix_ + "/constants.pkl") ||
        (code != entries_.end() && code->first.starts_with(prefix_ + "/code/"))) {
      fail(
          "the file is a TorchScript archive, which holds code, expected a state dict: save its "
          "weights alone with torch.save(torch.jit.load(file).state_dict(), new_file)");
    }
  }

  void check_byte_order() const {
    const auto order = entries_.find(prefix_ + "/byteorder");
    if (order == entries_.end() || bytes_of(order->second) == "little") return;
    fail("the byte order of the file: got '{}', expected 'little'", bytes_of(order->second));
  }

  const ZipEntry& find_storage(const PickledTensor& tensor) const {
    const auto found = entries_.find(fmt::format("{}/data/{}", prefix_, tensor.storage));
    if (found == entries_.end())
      fail_tensor(tensor, "the storage '{}' of the tensor is missing", tensor.storage);
    int64_t bytes = 0;
    if (tensor.storage_elements < 0 ||
        __builtin_mul_overflow(tensor.storage_elements,
                               static_cast<int64_t>(c10::elementSize(tensor.dtype)), &bytes) ||
        static_cast<uint64_t>(bytes) > found->second.size) {
      fail_tensor(tensor, "the storage '{}' is too short: got {} bytes, expected {} elements of {}",
                  tensor.storage, found->second.size, tensor.storage_elements,
                  c10::toString(tensor.dtype));
    }
    return found->second;
  }

  void check_sizes(const PickledTensor& tensor) const {
    if (tensor.shape.size() != tensor.strides.size()) {
      fail_tensor(tensor, "got {} strides for {} dimensions", tensor.strides.size(),
                  tensor.shape.size());
    }
    if (tensor.offset < 0 || std::ranges::any_of(tensor.strides, [](int64_t s) { return s < 0; })) {
      fail_tensor(tensor, "a negative offset or stride: got {} and [{}]", tensor.offset,
                  fmt::join(tensor.strides, ", "));
    }
    const auto count = detail::element_count(tensor.shape);
    if (!count) {
      fail_tensor(tensor, "the shape [{}] has a negative size or more elements than can be counted",
                  fmt::join(tensor.shape, ", "));
    }
    if (*count > tensor.storage_elements) {
      fail_tensor(tensor,
                  "the tensor has more elements than its storage: got [{}], expected at most {}",
                  fmt::join(tensor.shape, ", "), tensor.storage_elements);
    }
  }

  /// Returns how many elements lie from the first to the last of the tensor, in its storage.
  int64_t elements_spanned(const PickledTensor& tensor) const {
    int64_t elements = 1, end = 0;
    bool overflow = false;
    for (size_t i = 0; i < tensor.shape.size(); ++i) {
      int64_t step = 0;
      overflow |= __builtin_mul_overflow(std::max<int64_t>(tensor.shape[i] - 1, 0),
                                         tensor.strides[i], &step) ||
                  __builtin_add_overflow(elements, step, &elements);
    }
    if (std::ranges::find(tensor.shape, 0) != tensor.shape.end()) elements = 0;
    overflow |= __builtin_add_overflow(tensor.offset, elements, &end);
    if (overflow || end > tensor.storage_elements) {
      fail_tensor(tensor,
                  "the tensor passes the end of its storage: got [{}] with strides [{}] at {}, "
                  "expected an end of at most {}",
                  fmt::join(tensor.shape, ", "), fmt::join(tensor.strides, ", "), tensor.offset,
                  tensor.storage_elements);
    }
    return elements;
  }

  const MappedFile& file_;
  detail::ZipEntries entries_;
  std::string prefix_;
};

class TorchFile : public WeightSource {
 public:
  explicit TorchFile(const fs::path& path) : file_(MappedFile::open(path, kTorchCaller)) {
    refuse_other_formats(*file_);
    const Archive archive(*file_);
    for (PickledTensor& tensor : archive.tensors()) {
      locations_.push_back(archive.locate(tensor));
      const auto dtype = detail::find_safetensors_dtype(tensor.dtype)->name;
      add({std::string(tensor.name), std::move(tensor.shape), std::string(dtype)});
    }
  }

  WeightFormat format() const override { return WeightFormat::kTorch; }
  const fs::path& path() const override { return file_->path(); }

 protected:
  torch::Tensor read(size_t index) const override {
    const Location& location = locations_[index];
    const auto& shape = tensors()[index].shape;
    if (location.bytes == 0) return torch::empty(shape, location.dtype);
    if (location.dtype == torch::kBool) check_booleans(index);
    const auto elements = static_cast<int64_t>(location.bytes / c10::elementSize(location.dtype));
    return detail::mapped_tensor(file_, location.begin, elements, location.dtype)
        .as_strided(shape, location.strides);
  }

  std::vector<std::span<uint8_t>> byte_ranges_of(size_t index) const override {
    return {bytes_of(index)};
  }

 private:
  std::span<uint8_t> bytes_of(size_t index) const {
    return {file_->data() + locations_[index].begin, locations_[index].bytes};
  }

  void check_booleans(size_t index) const {
    const auto bytes = bytes_of(index);
    const auto odd = std::ranges::find_if(bytes, [](uint8_t byte) { return byte > 1; });
    if (odd != bytes.end())
      detail::fail_format("[{}] a boolean is neither 0 nor 1: got {} ({}, tensor '{}')",
                          kTorchCaller, *odd, path().string(), tensors()[index].name);
  }

  std::shared_ptr<const MappedFile> file_;
  std::vector<Location> locations_;
};

}  // namespace

std::unique_ptr<WeightSource> open_torch_file(const fs::path& file) {
  return std::make_unique<TorchFile>(file);
}

std::unique_ptr<WeightSource> open_torch_index(const fs::path& index_file) {
  return detail::open_shard_index(index_file,
                                  {"open_torch_index", WeightFormat::kTorch, open_torch_file});
}

}  // namespace spikesink
