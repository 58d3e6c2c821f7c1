#pragma once

#include <filesystem>
#include <vector>

#include "weights/gguf/gguf_part.h"

namespace spikesink::detail {

/// Reads a whole model: the file alone or, if it is a part of a split model (llama.cpp's
/// PREFIX-00002-of-00003.gguf), all parts, in order; the first one has the model's metadata. Throws
/// FileError for a damaged file and if the parts are not those of one model.
std::vector<GgufPart> read_gguf_parts(const std::filesystem::path& path);

/// True if the files are named as parts of one split model. Parts may be missing.
bool are_gguf_parts(const std::vector<std::filesystem::path>& files);

}  // namespace spikesink::detail
