#pragma once

#include <string_view>

namespace spikesink::detail {

/// Returns whether llama.cpp reads a GGUF key, here without the prefix, for an architecture, and
/// the key can change the model's numbers. scripts/gguf_keys.py writes the tables.
bool is_read_by_llama_cpp(std::string_view architecture, std::string_view key);

}  // namespace spikesink::detail
