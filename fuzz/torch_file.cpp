// Fuzzes a file of torch.save: open_torch_file, and reading every tensor. An input that does not
// begin as a zip file is a pickle and, after a record separator, the storages '0' and '1', of which
// a zip file is written.

#include <torch/torch.h>

#include "spikesink/weights/torch_file.h"
#include "target.h"

namespace {

template <typename T>
std::string bytes_of(T value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

/// A zip file of stored entries.
class Zip {
 public:
  void add(std::string_view name, std::string_view data) {
    const auto size = static_cast<uint32_t>(data.size());
    const auto fields = bytes_of<uint64_t>(0) + bytes_of<uint32_t>(0) + bytes_of(size) +
                        bytes_of(size) + bytes_of(static_cast<uint16_t>(name.size())) +
                        bytes_of<uint16_t>(0);
    directory_ += "PK\1\2" + bytes_of<uint16_t>(0) + bytes_of<uint16_t>(0) + fields +
                  std::string(10, '\0') + bytes_of(static_cast<uint32_t>(file_.size()));
    directory_ += name;
    file_ += "PK\3\4" + bytes_of<uint16_t>(0) + fields;
    file_ += name;
    file_ += data;
    ++entries_;
  }

  std::string finished() const {
    return file_ + directory_ + "PK\5\6" + bytes_of<uint32_t>(0) + bytes_of(entries_) +
           bytes_of(entries_) + bytes_of(static_cast<uint32_t>(directory_.size())) +
           bytes_of(static_cast<uint32_t>(file_.size())) + bytes_of<uint16_t>(0);
  }

 private:
  std::string file_, directory_;
  uint16_t entries_ = 0;
};

std::string as_torch_file(std::string_view input) {
  if (input.starts_with("PK")) return std::string(input);
  const auto parts = fuzz::split_input(input, 3);
  Zip zip;
  zip.add("a/data.pkl", parts[0]);
  zip.add("a/data/0", parts[1]);
  zip.add("a/data/1", parts[2]);
  return zip.finished();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const fuzz::Folder folder;
  const auto file = folder.write("model.pt", as_torch_file(fuzz::text_of(data, size)));
  fuzz::expect_format_error_at_worst([&] {
    const auto source = spikesink::open_torch_file(file);
    for (const auto& info : source->tensors()) {
      const auto range = source->byte_ranges(info.name).front();
      volatile uint8_t sum = 0;
      for (const uint8_t byte : range) sum = sum + byte;
      const auto tensor = source->tensor(info.name);
      fuzz::require(tensor.sizes().equals(info.shape), "a tensor of another shape than its info's");
      fuzz::require(range.size() <= size, "more bytes than the file has");
      fuzz::require(tensor.contiguous().nbytes() <= size, "more elements than the file has");
    }
  });
  return 0;
}
