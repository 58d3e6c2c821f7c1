#pragma once

#include <torch/types.h>

#include <filesystem>
#include <string>

#include "spikesink/error.h"

namespace [[gnu::visibility("default")]] spikesink {

/// Token ids one after another.
struct TokenShard {
  std::string name;      // of the file, for messages
  torch::Tensor tokens;  // [tokens] uint16 or int32, on the CPU
};

/// Maps a `.bin` file of token ids: nanoGPT's (uint16 and nothing else), or llm.c's (256 int32
/// first, magic 20240520 for uint16 and 20240801 for uint32 ids). Throws FormatError.
TokenShard open_token_shard(const std::filesystem::path& path);

}  // namespace spikesink
