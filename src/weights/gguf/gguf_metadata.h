#pragma once

#include <functional>
#include <map>
#include <string>

#include "spikesink/weights/gguf.h"
#include "weights/gguf/gguf_cursor.h"

namespace spikesink::detail {

using GgufMetadata = std::map<std::string, GgufValue, std::less<>>;

/// Reads `count` keys and their values. Throws FileError for a key that occurs twice and for a
/// value that is damaged or of an unknown kind.
GgufMetadata read_gguf_metadata(GgufCursor& cursor, uint64_t count);

}  // namespace spikesink::detail
