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
nlohmann::json section(const SpikeTokensResult& result, const std::vector<float>& collinearity,
                       const Tokenizer* tokenizer);
nlohmann::json section(const GateLinearityResult& result);
nlohmann::json section(const QuadraticFormResult& result);
nlohmann::json section(const FormFitResult& fits);
nlohmann::json comparison(const SpikePrediction& prediction, const LifeCycleResult& life);
nlohmann::json section(const VocabularyProbeResult& result, const VocabularyProbeOptions& options,
                       const Tokenizer* tokenizer);
nlohmann::json section(const SparseConstantsResult& result);
nlohmann::json section(const SelfAttentionResult& result);
nlohmann::json section(const SinkGeometry& geometry, const Tokenizer* tokenizer);
nlohmann::json section(const SinksAnywhereResult& result, const SinksAnywhereOptions& options,
                       const Tokenizer* tokenizer);
nlohmann::json section(const QuantisationResult& result);
nlohmann::json section(const CacheKeepResult& result, const Tokenizer* tokenizer);
nlohmann::json section(const std::vector<InterventionResult>& results);
nlohmann::json section(const std::vector<NamedStream>& streams, const Tokenizer* tokenizer);
nlohmann::json section(const std::vector<FinishedRun>& runs);
nlohmann::json section(const std::vector<NotFiniteValues>& points);
nlohmann::json section(const std::vector<TensorParity>& points, const ParityOptions& options);
nlohmann::json section(const std::vector<TensorInfo>& activations);

}  // namespace spikesink::detail
