#include "model/stored_layout.h"

#include <utility>

namespace spikesink::detail {
namespace {

int64_t heads_of(QkvPart part, const ModelConfig& config) {
  return part == QkvPart::kQuery ? config.n_heads : config.n_key_value_heads;
}

torch::Tensor turned(const torch::Tensor& stored) {
  return stored.dim() == 2 ? stored.t() : stored;
}

}  // namespace

Take as_is() {
  return [](const auto& stored, const auto&, int64_t) { return stored; };
}

Take transposed() {
  return [](const auto& stored, const auto&, int64_t) { return turned(stored); };
}

Take half(int64_t index) {
  return [index](const auto& stored, const auto&, int64_t) {
    return stored.unflatten(0, {2, -1})[index];
  };
}

Take of_stack(QkvPart part, bool stored_transposed) {
  return [=](const auto& stored, const auto& config, int64_t) {
    const auto rows = stored_transposed ? turned(stored) : stored;
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

Take of_groups(QkvPart part) {
  return [part](const auto& stored, const auto& config, int64_t) {
    const int64_t groups = config.n_key_value_heads, queries = config.n_heads / groups;
    const auto rows = stored.unflatten(0, {groups, queries + 2, config.d_head});
    const int64_t first = part == QkvPart::kQuery ? 0
                          : part == QkvPart::kKey ? queries
                                                  : queries + 1;
    return rows.narrow(1, first, part == QkvPart::kQuery ? queries : 1).flatten(0, 2);
  };
}

Take interleaved_pairs(QkvPart part) {
  return [part](const auto& stored, const auto& config, int64_t) {
    return stored.unflatten(0, {heads_of(part, config), -1, 2}).transpose(1, 2).flatten(0, 2);
  };
}

Take of_expert(Take inner) {
  return [inner = std::move(inner)](const auto& stored, const auto& config, int64_t expert) {
    return inner(stored[expert], config, expert);
  };
}

Take every_second(int64_t index) {
  return [index](const auto& stored, const auto&, int64_t) {
    return stored.slice(0, index, c10::nullopt, 2);
  };
}

Take then(Take first, Take second) {
  return [first = std::move(first), second = std::move(second)](
             const auto& stored, const auto& config, int64_t expert) {
    return second(first(stored, config, expert), config, expert);
  };
}

}  // namespace spikesink::detail
