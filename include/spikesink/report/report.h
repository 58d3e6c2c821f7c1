#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "spikesink/error.h"
#include "spikesink/intervene/compare.h"
#include "spikesink/intervene/streaming.h"
#include "spikesink/measure/sinks/attention_sinks.h"
#include "spikesink/measure/practice/cache_keep.h"
#include "spikesink/measure/weights/form_fit.h"
#include "spikesink/measure/spikes/gate_linearity.h"
#include "spikesink/measure/spikes/life_cycle.h"
#include "spikesink/measure/spikes/massive_activations.h"
#include "spikesink/measure/practice/not_finite.h"
#include "spikesink/measure/practice/parity.h"
#include "spikesink/measure/practice/perplexity.h"
#include "spikesink/measure/weights/quadratic_form.h"
#include "spikesink/measure/practice/quantisation_error.h"
#include "spikesink/measure/sinks/self_attention.h"
#include "spikesink/measure/sinks/sink_geometry.h"
#include "spikesink/measure/sinks/sinks_anywhere.h"
#include "spikesink/measure/spikes/sparse_constants.h"
#include "spikesink/measure/spikes/spike_tokens.h"
#include "spikesink/measure/spikes/state_picture.h"
#include "spikesink/measure/weights/vocabulary_probe.h"
#include "spikesink/train/training_run.h"
#include "spikesink/weights/weight_source.h"

namespace [[gnu::visibility("default")]] spikesink {

using ReportValue = std::variant<bool, int64_t, double, std::string>;

/// The document that a run leaves behind: `report.json` (its fields: docs/report.md) and the page
/// that draws it, `report.html`. Where a tokenizer is given, token ids are accompanied by their
/// text.
class Report {
 public:
  /// `program` is the name of what was run.
  explicit Report(std::string_view program, std::shared_ptr<const Tokenizer> tokenizer = nullptr);
  Report(Report&&) noexcept;
  Report& operator=(Report&&) noexcept;
  ~Report();

  /// One entry of the effective configuration.
  void configure(std::string_view key, const ReportValue& value);
  void add(const ModelConfig& config);
  void add(const LifeCycleResult& result, const LifeCycleOptions& options = {});
  void add(const MassiveActivationsResult& result, const MassiveActivationsOptions& options = {});
  /// Sinks at one key, by every definition.
  void add(const AttentionSinksResult& result, int64_t key = 0);
  void add(const PerplexityResult& result);
  void add(const StatePicture& picture);
  /// `collinearity`: what norm_collinearity gives, or nothing.
  void add(const SpikeTokensResult& result, const std::vector<float>& collinearity = {});
  void add(const GateLinearityResult& result);
  void add(const QuadraticFormResult& result);
  void add(const FormFitResult& result);
  /// The prediction from the weights beside what the text showed.
  void add(const SpikePrediction& prediction, const LifeCycleResult& measured);
  /// Every entry as the first token, and some of them after a prefix.
  void add(const VocabularyProbeResult& result, const VocabularyProbeOptions& options = {});
  void add(const SparseConstantsResult& result);
  void add(const SelfAttentionResult& result);
  void add(const SinkGeometry& geometry);
  void add(const SinksAnywhereResult& result, const SinksAnywhereOptions& options = {});
  void add(const QuantisationResult& result);
  void add(const CacheKeepResult& result);
  /// The clean model first.
  void add(const std::vector<InterventionResult>& results);
  void add(const std::vector<NamedStream>& streams);
  /// Trainings, those of a row under one name.
  void add(const std::vector<FinishedRun>& runs);
  /// Where numbers ended; nothing to add for a healthy model.
  void add(const std::vector<NotFiniteValues>& points);
  void add(const std::vector<TensorParity>& points, const ParityOptions& options);
  /// A list of tensors that were written beside the report.
  void add(const std::vector<TensorInfo>& activations);

  std::string json() const;
  /// Writes both files into `folder`, which is made if need be; each appears complete or not at
  /// all. Throws FormatError.
  void write(const std::filesystem::path& folder) const;

 private:
  struct Document;
  std::unique_ptr<Document> document_;
};

/// Makes `folder` if need be and throws FormatError when a report cannot be written there: to be
/// known before a long run.
void check_writable(const std::filesystem::path& folder);

}  // namespace spikesink
