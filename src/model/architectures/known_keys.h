#pragma once

#include <span>
#include <string_view>

namespace spikesink::detail {

/// A model type, or an object of its configuration, and the keys that change the model's numbers,
/// sorted.
struct KeyTable {
  std::string_view name;
  std::span<const std::string_view> keys;
};

/// Keys of `config.json` that transformers reads, by model type; `rope_parameters` (also for
/// `rope_scaling`) and `mpt.attn_config` are objects. Written by scripts/config_keys.py.
std::span<const KeyTable> transformers_keys();

/// Keys of GGUF, without the architecture's prefix, that llama.cpp reads, by architecture; "": of
/// every architecture. Written by scripts/gguf_keys.py.
std::span<const KeyTable> llama_cpp_keys();

/// Returns the keys of the table with this name; none for an unknown name.
std::span<const std::string_view> keys_of(std::span<const KeyTable> tables, std::string_view name);

}  // namespace spikesink::detail
