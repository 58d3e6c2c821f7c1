#pragma once

#include <filesystem>
#include <memory>
#include <string_view>

#include "spikesink/weights/weight_source.h"

namespace spikesink::detail {

/// A kind of shards: what their index is called in messages, and what opens one shard.
struct ShardKind {
  std::string_view caller;
  WeightFormat format;
  std::unique_ptr<WeightSource> (*open)(const std::filesystem::path& file);
};

/// Opens all shards that the `weight_map` of an index names as one source. Throws FileError unless
/// every tensor of the index is in its shard, every tensor of a shard is in the index, and every
/// shard is in the folder of the index.
std::unique_ptr<WeightSource> open_shard_index(const std::filesystem::path& index_file,
                                               const ShardKind& kind);

}  // namespace spikesink::detail
