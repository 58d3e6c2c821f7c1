#include "spikesink/train/training_log.h"

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "detail/fail.h"
#include "detail/json_fields.h"

namespace spikesink {

template <typename Visitor>
void visit_fields(Visitor& visit, ValidationRecord& record) {
  visit("loss", record.loss);
  visit("perplexity", record.perplexity);
  visit("sink_ratio_percent", record.sink_ratio_percent);
  visit("gu_sink_ratio_percent", record.gu_sink_ratio_percent);
  visit("spike", record.spike);
  visit("sink_ratios_percent", record.sink_ratios_percent);
  visit("spikes", record.spikes);
  visit("kurtosis", record.kurtosis);
  visit("massive_channels", record.massive_channels);
}

template <typename Visitor>
void visit_fields(Visitor& visit, TrainingRecord& record) {
  visit("step", record.step);
  visit("loss", record.loss);
  visit("learning_rate", record.learning_rate);
  visit("gradient_norm", record.gradient_norm);
  visit("tokens", record.tokens);
  visit("validation", record.validation);
}

namespace {

constexpr const char* kReadLog = "read_training_log";
constexpr int kDeepestLine = 8;

using Number = ValidationRecord::Number;

Number finite(double value) {
  return std::isfinite(value) ? Number(value) : Number();
}

// For each layer, the share of pairs of a head and a sequence with a sink ("paper"), in percent.
std::vector<Number> sinks_by_layer(const AttentionSinksResult& sinks) {
  std::vector<double> sums, counts;
  for (const auto& head : sinks.paper.heads) {
    sums.resize(head.layer + 1);
    counts.resize(head.layer + 1);
    sums[head.layer] += 100 * head.share_of_sequences;
    counts[head.layer] += 1;
  }
  std::vector<Number> ratios;
  for (size_t layer = 0; layer < sums.size(); ++layer)
    ratios.push_back(finite(sums[layer] / counts[layer]));
  return ratios;
}

std::vector<Number> spikes_by_layer(const LifeCycleResult& life) {
  std::vector<Number> spikes;
  for (const auto& block : life.blocks) {
    const auto& top = block.hidden_state.top;
    if (block.block.kind() == BlockKind::kFeedForward)
      spikes.push_back(top.empty() ? Number() : finite(top.front().magnitude));
  }
  return spikes;
}

ValidationRecord record(const ValidationResult& state) {
  ValidationRecord result{
      .loss = finite(state.perplexity.mean_loss),
      .perplexity = finite(state.perplexity.perplexity),
      .sink_ratio_percent = finite(state.sinks.sink_ratio_percent(SinkDefinition::kPaper)),
      .gu_sink_ratio_percent = finite(state.sinks.sink_ratio_percent(SinkDefinition::kGu)),
      .spike = finite(state.spike()),
      .sink_ratios_percent = sinks_by_layer(state.sinks),
      .spikes = spikes_by_layer(state.life_cycle),
      .massive_channels = static_cast<double>(state.massive.channels().size())};
  for (const double value : state.kurtosis) result.kurtosis.push_back(finite(value));
  return result;
}

}  // namespace

TrainingRecord record(const TrainingStep& step) {
  TrainingRecord result{.step = step.step,
                        .loss = step.loss,
                        .learning_rate = step.learning_rate,
                        .gradient_norm = step.gradient_norm,
                        .tokens = step.tokens};
  if (step.validation) result.validation = record(*step.validation);
  return result;
}

std::string to_json(const TrainingRecord& record) {
  auto line = detail::FieldWriter::write(record);
  if (!record.validation) line.erase("validation");
  return line.dump();
}

std::vector<TrainingRecord> read_training_log(const std::filesystem::path& file) {
  std::ifstream stream(file);
  if (!stream) detail::fail_format("[{}] cannot open {}", kReadLog, file.string());
  std::vector<TrainingRecord> records;
  std::string line;
  while (std::getline(stream, line)) {
    const auto where = fmt::format("{}, line {}", file.string(), records.size() + 1);
    const auto object = detail::parse_strict_json(line, kDeepestLine, kReadLog, where);
    detail::FieldReader(object, kReadLog, where).read(records.emplace_back());
  }
  return records;
}

}  // namespace spikesink
