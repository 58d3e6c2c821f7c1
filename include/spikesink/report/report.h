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

/// A value of the effective configuration.
using ConfigurationValue = std::variant<bool, int64_t, double, std::string>;

/// The output of a run: `report.json` (docs/report.md describes its fields) and `report.html`, the
/// page that draws it. With a tokenizer, the report shows the text of each token id.
class Report {
 public:
  /// `program` is the name of the program that ran.
  explicit Report(std::string_view program, std::shared_ptr<const Tokenizer> tokenizer = nullptr);
  Report(Report&&) noexcept;
  Report& operator=(Report&&) noexcept;
  ~Report();

  /// Adds one entry of the effective configuration.
  void add_configuration(std::string_view key, const ConfigurationValue& value);

  /// Adds the section of a result, with the options of the measurement. `ModelConfig` and the
  /// results of measurements have sections, each defined in `src/report/sections`. The call does
  /// not link for any other type. Sections have the order in which they are added.
  template <typename Result>
  void add(const Result& result);

  /// Returns the text of report.json.
  std::string to_json() const;
  /// Writes both files into `folder`, each atomically. Creates the folder if needed. Throws
  /// FileError.
  void write(const std::filesystem::path& folder) const;

 private:
  std::unique_ptr<detail::ReportDocument> document_;
};

/// Creates `folder` if needed, and throws FileError if a report cannot be written there. Call it
/// before a long run.
void prepare_report_folder(const std::filesystem::path& folder);

}  // namespace spikesink
