#pragma once

#include <span>
#include <string_view>

namespace spikesink::detail {

/// Returns the keys of `config.json` that transformers reads for a model type and that change the
/// model's numbers, sorted; empty for an unknown type. `rope_parameters` (also for `rope_scaling`)
/// and `mpt.attn_config` name the tables of these objects. scripts/config_keys.py writes them.
std::span<const std::string_view> keys_read_by_transformers(std::string_view table);

}  // namespace spikesink::detail
