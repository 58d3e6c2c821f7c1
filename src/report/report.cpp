#include "spikesink/report/report.h"

#include <ATen/Version.h>
#include <torch/version.h>

#include <nlohmann/json.hpp>

#include "detail/fail.h"
#include "detail/temporary_file.h"
#include "report/section.h"
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

Report::Report(std::string_view program, std::shared_ptr<const Tokenizer> tokenizer)
    : document_(std::make_unique<detail::ReportDocument>(
          detail::ReportDocument{{}, std::move(tokenizer)})) {
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

void Report::add_configuration(std::string_view key, const ConfigurationValue& value) {
  std::visit([&](const auto& plain) { document_->json["configuration"][std::string(key)] = plain; },
             value);
}

std::string Report::to_json() const {
  return document_->json.dump(1, ' ', /*ensure_ascii=*/false,
                              nlohmann::json::error_handler_t::replace);
}

void Report::write(const std::filesystem::path& folder) const {
  prepare_report_folder(folder);
  const auto text = to_json();
  detail::TemporaryFile json_file(folder / "report.json"), page_file(folder / "report.html");
  json_file.write([&](std::ostream& out) { out << text << "\n"; }, "Report");
  page_file.write([&](std::ostream& out) { out << html_page(text); }, "Report");
  json_file.rename("Report");
  page_file.rename("Report");
}

void prepare_report_folder(const std::filesystem::path& folder) {
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
