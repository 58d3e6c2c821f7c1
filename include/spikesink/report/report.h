#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "spikesink/error.h"

namespace [[gnu::visibility("default")]] spikesink {

class Tokenizer;

namespace detail {
struct ReportDocument;
}

using ConfigurationValue = std::variant<bool, int64_t, double, std::string>;

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
  void add_configuration(std::string_view key, const ConfigurationValue& value);

  /// Writes a result into its section, with the options that it was made with. A `ModelConfig` and
  /// the results of measurements have one, each in `src/report/sections`; a type without one does
  /// not link. NormCollinearity completes the section of SpikeTokensResult, which must come first;
  /// otherwise sections stand in report.json in the order in which they are added.
  template <typename Result>
  void add(const Result& result);

  std::string to_json() const;
  /// Writes both files into `folder`, which is made if need be; each appears complete or not at
  /// all. Throws FormatError.
  void write(const std::filesystem::path& folder) const;

 private:
  std::unique_ptr<detail::ReportDocument> document_;
};

/// Makes `folder` if need be and throws FormatError when a report cannot be written there: to be
/// known before a long run.
void prepare_report_folder(const std::filesystem::path& folder);

}  // namespace spikesink
