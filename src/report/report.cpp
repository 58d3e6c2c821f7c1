#include "spikesink/report/report.h"

#include <ATen/Version.h>
#include <torch/version.h>

#include <nlohmann/json.hpp>

#include "detail/fail.h"
#include "detail/temporary_file.h"
#include "report/report_sections.h"
#include "spikesink/report/html_page.h"
#include "spikesink/version.h"

namespace spikesink {
namespace {

constexpr int kSchemaVersion = 1;

constexpr std::string_view kRepeatsWith =
    "the same program, versions, configuration and contents of the files it names give the same "
    "bytes; another dtype, other kernels and other numbers of threads or processes round "
    "differently, another seed draws other samples";

}  // namespace

struct Report::Document {
  std::shared_ptr<const Tokenizer> tokenizer;
  nlohmann::ordered_json json;
};

Report::Report(std::string_view program, std::shared_ptr<const Tokenizer> tokenizer)
    : document_(std::make_unique<Document>(Document{std::move(tokenizer), {}})) {
  auto& json = document_->json;
  json["schema"] = {{"name", "spikesink-report"}, {"version", kSchemaVersion}};
  json["program"] = program;
  json["versions"] = {{"spikesink", SPIKESINK_VERSION},
                      {"libtorch", TORCH_VERSION},
                      {"kernels", at::get_cpu_capability()}};
  json["repeats_with"] = kRepeatsWith;
}

Report::Report(Report&&) noexcept = default;
Report& Report::operator=(Report&&) noexcept = default;
Report::~Report() = default;

void Report::configure(std::string_view key, const ReportValue& value) {
  std::visit([&](const auto& plain) { document_->json["configuration"][std::string(key)] = plain; },
             value);
}

void Report::add(const ModelConfig& config) {
  document_->json["model"] = detail::section(config);
}

void Report::add(const LifeCycleResult& result, const LifeCycleOptions& options) {
  document_->json["life_cycle"] = detail::section(result, options);
}

void Report::add(const MassiveActivationsResult& result, const MassiveActivationsOptions& options) {
  document_->json["massive_activations"] =
      detail::section(result, options, document_->tokenizer.get());
}

void Report::add(const AttentionSinksResult& result, int64_t key) {
  document_->json["attention_sinks"] = detail::section(result, key, document_->tokenizer.get());
}

void Report::add(const PerplexityResult& result) {
  document_->json["perplexity"] = detail::section(result);
}

void Report::add(const StatePicture& picture) {
  document_->json["state_picture"] = detail::section(picture, document_->tokenizer.get());
}

void Report::add(const SpikeTokensResult& result, const std::vector<float>& collinearity) {
  document_->json["spike_tokens"] =
      detail::section(result, collinearity, document_->tokenizer.get());
}

void Report::add(const GateLinearityResult& result) {
  document_->json["gate_linearity"] = detail::section(result);
}

void Report::add(const QuadraticFormResult& result) {
  document_->json["quadratic_form"].update(detail::section(result));
}

void Report::add(const FormFitResult& result) {
  document_->json["quadratic_form"]["fit"] = detail::section(result);
}

void Report::add(const SpikePrediction& prediction, const LifeCycleResult& measured) {
  document_->json["quadratic_form"]["comparison"] = detail::comparison(prediction, measured);
}

void Report::add(const VocabularyProbeResult& result, const VocabularyProbeOptions& options) {
  auto section = detail::section(result, options, document_->tokenizer.get());
  auto& probe = document_->json["vocabulary_probe"];
  if (result.position == 0) {
    probe.update(section);
  } else {
    probe["later"] = section;
  }
}

void Report::add(const SparseConstantsResult& result) {
  document_->json["sparse_constants"] = detail::section(result);
}

void Report::add(const SelfAttentionResult& result) {
  document_->json["self_attention"] = detail::section(result);
}

void Report::add(const SinkGeometry& geometry) {
  document_->json["sink_geometry"] = detail::section(geometry, document_->tokenizer.get());
}

void Report::add(const SinksAnywhereResult& result, const SinksAnywhereOptions& options) {
  document_->json["sinks_anywhere"] = detail::section(result, options, document_->tokenizer.get());
}

void Report::add(const QuantisationResult& result) {
  document_->json["quantisation"] = detail::section(result);
}

void Report::add(const CacheKeepResult& result) {
  document_->json["kv_cache"] = detail::section(result, document_->tokenizer.get());
}

void Report::add(const std::vector<InterventionResult>& results) {
  document_->json["interventions"] = detail::section(results);
}

void Report::add(const std::vector<NamedStream>& streams) {
  document_->json["streams"] = detail::section(streams, document_->tokenizer.get());
}

void Report::add(const std::vector<FinishedRun>& runs) {
  document_->json["training"] = detail::section(runs);
}

void Report::add(const std::vector<NotFiniteValues>& points) {
  document_->json["not_finite"] = detail::section(points);
}

void Report::add(const std::vector<TensorParity>& points, const ParityOptions& options) {
  document_->json["parity"] = detail::section(points, options);
}

void Report::add(const std::vector<TensorInfo>& activations) {
  document_->json["activations"] = detail::section(activations);
}

std::string Report::json() const {
  return document_->json.dump(1, ' ', /*ensure_ascii=*/false,
                              nlohmann::json::error_handler_t::replace);
}

void Report::write(const std::filesystem::path& folder) const {
  check_writable(folder);
  const auto text = json();
  detail::TemporaryFile json_file(folder / "report.json"), page_file(folder / "report.html");
  json_file.write([&](std::ostream& out) { out << text << "\n"; }, "Report");
  page_file.write([&](std::ostream& out) { out << html_page(text); }, "Report");
  json_file.rename("Report");
  page_file.rename("Report");
}

void check_writable(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error)
    detail::fail_format("[Report] cannot make the folder {}: {}", folder.string(), error.message());
  for (const char* name : {"report.json", "report.html"}) {
    if (std::filesystem::is_directory(folder / name, error)) {
      detail::fail_format("[Report] {} is a folder, expected a file or nothing",
                          (folder / name).string());
    }
  }
  detail::check_can_write(folder, "Report");
}

}  // namespace spikesink
