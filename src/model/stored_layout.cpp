#include "model/stored_layout.h"

#include <utility>

namespace spikesink::detail {
namespace {

int64_t head_count(QkvPart part, const ModelConfig& config) {
  return part == QkvPart::kQuery ? config.n_heads : config.n_key_value_heads;
}

// Of the first RopeConfig: no family rotates adjacent channels and has several.
int64_t rotated_channels(const ModelConfig& config) {
  const int64_t dimensions = config.ropes.empty() ? 0 : config.ropes.front().dimensions;
  return dimensions == 0 ? config.d_head : dimensions;
}

torch::Tensor transpose_matrix(const torch::Tensor& stored) {
  return stored.dim() == 2 ? stored.t() : stored;
}

// Reorders the rows with RoPE, in dimension `dimension`, if the file has them in adjacent pairs.
torch::Tensor rotary_rows(const torch::Tensor& rows, int64_t dimension, const ModelConfig& config) {
  if (!config.latent.adjacent_pairs) return rows;
  return rows.unflatten(dimension, {-1, 2})
      .transpose(dimension, dimension + 1)
      .flatten(dimension, dimension + 1);
}

torch::Tensor latent_rows(const torch::Tensor& stored, LatentPart part, const ModelConfig& config) {
  const int64_t d_rope = config.latent.d_rope, d_plain = config.d_head - d_rope;
  const auto heads = [&] { return stored.unflatten(0, {config.n_heads, -1}); };
  switch (part) {
    case LatentPart::kQuery: {
      const auto rotary = rotary_rows(heads().narrow(1, d_plain, d_rope), 1, config);
      return at::cat({rotary, heads().narrow(1, 0, d_plain)}, 1).flatten(0, 1);
    }
    case LatentPart::kLatent:
      return stored.narrow(0, 0, config.latent.kv_rank);
    case LatentPart::kSharedKey:
      return rotary_rows(stored.narrow(0, config.latent.kv_rank, d_rope), 0, config);
    case LatentPart::kKey:
      return heads().narrow(1, 0, d_plain).flatten(0, 1);
    case LatentPart::kValue:
      break;
  }
  return heads().narrow(1, d_plain, config.value_width()).flatten(0, 1);
}

}  // namespace

Extract unchanged() {
  return [](const auto& stored, const auto&, int64_t) { return stored; };
}

Extract transposed() {
  return [](const auto& stored, const auto&, int64_t) { return transpose_matrix(stored); };
}

Extract half(int64_t index) {
  return [index](const auto& stored, const auto&, int64_t) {
    return stored.unflatten(0, {2, -1})[index];
  };
}

Extract stacked_qkv(QkvPart part, bool stored_transposed) {
  return [=](const auto& stored, const auto& config, int64_t) {
    const auto rows = stored_transposed ? transpose_matrix(stored) : stored;
    const int64_t queries = config.n_heads * config.d_head;
    const int64_t keys = config.n_key_value_heads * config.d_head;
    switch (part) {
      case QkvPart::kQuery:
        return rows.narrow(0, 0, queries);
      case QkvPart::kKey:
        return rows.narrow(0, queries, keys);
      case QkvPart::kValue:
        break;
    }
    return rows.narrow(0, queries + keys, keys);
  };
}

Extract grouped_qkv(QkvPart part) {
  return [part](const auto& stored, const auto& config, int64_t) {
    const int64_t groups = config.n_key_value_heads, queries = config.n_heads / groups;
    const auto rows = stored.unflatten(0, {groups, queries + 2, config.d_head});
    const int64_t first = part == QkvPart::kQuery ? 0
                          : part == QkvPart::kKey ? queries
                                                  : queries + 1;
    return rows.narrow(1, first, part == QkvPart::kQuery ? queries : 1).flatten(0, 2);
  };
}

Extract interleaved_pairs(QkvPart part) {
  return [part](const auto& stored, const auto& config, int64_t) {
    const auto heads = stored.reshape({head_count(part, config), config.d_head, -1});
    const int64_t rotated = rotated_channels(config);
    const auto pairs = heads.narrow(1, 0, rotated).unflatten(1, {-1, 2});
    const auto halves = pairs.transpose(1, 2).flatten(1, 2);
    return at::cat({halves, heads.slice(1, rotated)}, 1).reshape(stored.sizes());
  };
}

Extract rows_of_groups(std::function<GroupRows(const ModelConfig&)> rows) {
  return [rows = std::move(rows)](const auto& stored, const auto& config, int64_t) {
    const auto [groups, first, count] = rows(config);
    return stored.unflatten(0, {groups, -1}).narrow(1, first, count).flatten(0, 1);
  };
}

Extract of_one_expert(Extract inner) {
  return [inner = std::move(inner)](const auto& stored, const auto& config, int64_t expert) {
    return inner(stored[expert], config, expert);
  };
}

Extract latent_part(LatentPart part) {
  return [part](const auto& stored, const auto& config, int64_t) {
    return latent_rows(stored, part, config);
  };
}

Extract rows_of_one_expert() {
  return [](const auto& stored, const auto& config, int64_t expert) {
    return stored.unflatten(0, {config.experts.count, -1})[expert];
  };
}

Extract flattened() {
  return [](const auto& stored, const auto&, int64_t) { return stored.flatten(); };
}

Extract alternate_rows(int64_t index) {
  return [index](const auto& stored, const auto&, int64_t) {
    return stored.slice(0, index, c10::nullopt, 2);
  };
}

Extract without_middle_dimension() {
  return [](const auto& stored, const auto&, int64_t) { return stored.squeeze(1); };
}

Extract chain(Extract first, Extract second) {
  return [first = std::move(first), second = std::move(second)](
             const auto& stored, const auto& config, int64_t expert) {
    return second(first(stored, config, expert), config, expert);
  };
}

}  // namespace spikesink::detail
