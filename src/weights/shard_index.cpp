#include "weights/shard_index.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "detail/fail.h"
#include "detail/strict_json.h"
#include "weights/mapped_file.h"

namespace spikesink::detail {
namespace fs = std::filesystem;
namespace {

class ShardIndex : public WeightSource {
 public:
  ShardIndex(const fs::path& path, const ShardKind& kind) : path_(path), kind_(kind) {
    const auto shard_of = read_weight_map();
    std::map<std::string, const WeightSource*> shards;
    for (const auto& [name, shard] : shard_of) {
      const WeightSource*& source = shards[shard];
      if (source == nullptr) source = &open_shard(shard);
      if (!source->contains(name))
        fail("the index names a tensor that is not in its shard: '{}' in {}", name, shard);
    }
    for (const auto& [shard, source] : shards) {
      for (const TensorInfo& info : source->tensors()) {
        const auto listed = shard_of.find(info.name);
        if (listed == shard_of.end() || listed->second != shard) {
          fail("a shard has a tensor that the index does not assign to it: '{}' in {}", info.name,
               shard);
        }
        add(info);
        sources_.push_back(source);
      }
    }
  }

  WeightFormat format() const override { return kind_.format; }
  const fs::path& path() const override { return path_; }

 protected:
  torch::Tensor read(size_t index) const override {
    return sources_[index]->tensor(tensors()[index].name);
  }

  std::vector<std::span<uint8_t>> byte_ranges_of(size_t index) const override {
    return sources_[index]->byte_ranges(tensors()[index].name);
  }

 private:
  template <typename... Args>
  [[noreturn]] void fail(fmt::format_string<Args...> text, Args&&... args) const {
    fail_format("[{}] {} ({})", kind_.caller, fmt::format(text, std::forward<Args>(args)...),
                path_.string());
  }

  /// Tensor name -> file name.
  std::map<std::string, std::string> read_weight_map() const {
    const auto file = MappedFile::open(path_, kind_.caller);
    const nlohmann::json index = parse_strict_json(file->text(), 8, kind_.caller, path_);
    const auto map = index.find("weight_map");
    if (map == index.end() || !map->is_object()) {
      fail("weight_map: got {}, expected an object of tensor and file names",
           map == index.end() ? "nothing" : map->type_name());
    }
    std::map<std::string, std::string> shards;
    for (const auto& [name, shard] : map->items()) {
      if (!shard.is_string()) {
        fail_format("[{}] the shard of a tensor: got {}, expected a file name ({}, tensor '{}')",
                    kind_.caller, shard.type_name(), path_.string(), name);
      }
      shards[name] = shard.get<std::string>();
    }
    return shards;
  }

  const WeightSource& open_shard(const std::string& shard) {
    check_inside_folder(shard);
    const fs::path file = path_.parent_path() / shard;
    std::error_code error;
    if (!fs::exists(file, error)) {
      fail_format("[{}] a shard is missing: {} ({}); likely an incomplete download", kind_.caller,
                  file.string(), path_.string());
    }
    shards_.push_back(kind_.open(file));
    return *shards_.back();
  }

  void check_inside_folder(const fs::path& shard) const {
    const bool leaves_folder = std::find(shard.begin(), shard.end(), "..") != shard.end();
    const bool has_nul = shard.native().find('\0') != std::string::npos;
    if (shard.empty() || shard.is_absolute() || leaves_folder || has_nul) {
      fail("a shard is not in the folder of the index: got '{}', expected a file name",
           shard.string());
    }
    const auto normal = shard.lexically_normal();
    if (normal.native() != shard.native()) {
      fail("the file name of a shard is not normalised: got '{}', expected '{}'", shard.string(),
           normal.string());
    }
  }

  fs::path path_;
  ShardKind kind_;
  std::vector<std::unique_ptr<WeightSource>> shards_;
  std::vector<const WeightSource*> sources_;  // by tensor index
};

}  // namespace

std::unique_ptr<WeightSource> open_shard_index(const fs::path& index_file, const ShardKind& kind) {
  return std::make_unique<ShardIndex>(index_file, kind);
}

}  // namespace spikesink::detail
