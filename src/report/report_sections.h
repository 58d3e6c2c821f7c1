#pragma once

#include <nlohmann/json.hpp>

#include "spikesink/report/report.h"

namespace spikesink::detail {

// One section of report.json each; docs/report.md says what the fields mean. Token texts come from
// `tokenizer`, unless null.

nlohmann::json section(const ModelConfig& config);
nlohmann::json section(const LifeCycleResult& result, const LifeCycleOptions& options);
nlohmann::json section(const MassiveActivationsResult& result,
                       const MassiveActivationsOptions& options, const Tokenizer* tokenizer);
nlohmann::json section(const AttentionSinksResult& result, int64_t key, const Tokenizer* tokenizer);
nlohmann::json section(const PerplexityResult& result);
nlohmann::json section(const StatePicture& picture, const Tokenizer* tokenizer);
nlohmann::json section(const std::vector<NotFiniteValues>& points);
nlohmann::json section(const std::vector<TensorParity>& points, const ParityOptions& options);
nlohmann::json section(const std::vector<TensorInfo>& activations);

}  // namespace spikesink::detail
