#pragma once

#include <torch/types.h>

#include <filesystem>
#include <string>

#include "spikesink/error.h"

namespace [[gnu::visibility("default")]] spikesink {

/// A sequence of token ids, usually mapped from a file.
struct TokenShard {
  std::string name;      // the file, for messages
  torch::Tensor tokens;  // [tokens] uint16 or int32, on the CPU
};

/// Maps a `.bin` file of token ids in the format of nanoGPT (uint16 ids, no header) or llm.c (a
/// header of 256 int32; magic 20240520 for uint16 ids, 20240801 for uint32 ids). Throws
/// FileError.
TokenShard open_token_shard(const std::filesystem::path& path);

}  // namespace spikesink
