#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/experiment.h"
#include "spikesink/spikesink.h"

namespace examples {

/// The measurements of one run over the text.
class TextRun {
 public:
  /// Adds a measurement. After `execute`, `result` holds what it measured.
  template <typename Measurement, typename Result>
  void measure(Measurement measurement, std::optional<Result>& result) {
    auto owned = std::make_shared<Measurement>(std::move(measurement));
    measurements_.push_back(owned.get());
    store_results_.push_back([owned, &result] { result = owned->result(); });
  }

  /// Runs all measurements in one pass over the text; does nothing without measurements. `task` is
  /// the label of the progress bar.
  void execute(Experiment& experiment, const Options& options, const std::string& task);

 private:
  std::vector<spikesink::Measurement*> measurements_;
  std::vector<std::function<void()>> store_results_;  // these own the measurements
};

class Section;

/// The sections of a report, in the order of their construction.
using SectionTable = std::vector<Section*>;

/// A section of the report: its measurements, the run that makes them, and the sections it depends
/// on.
class Section {
 public:
  /// Adds itself to the table. `name` is its key in report.json.
  Section(SectionTable& table, std::string_view name) : name_(name) { table.push_back(this); }
  virtual ~Section() = default;
  Section(const Section&) = delete;
  Section& operator=(const Section&) = delete;

  std::string_view name() const { return name_; }
  /// The sections whose results this one uses.
  virtual std::vector<Section*> needs() const { return {}; }
  /// Whether --only and --skip may name it.
  virtual bool selectable() const { return true; }

  // These functions are called in this order. In a job of several processes only process 0 calls
  // `finish`, `add_to` and `print_summary`.
  virtual void read_weights(const Experiment&, const Options&) {}
  virtual void join_first_run(const Experiment&, TextRun&) {}
  /// The second run may use all results of the first.
  virtual void join_second_run(const Experiment&, TextRun&) {}
  virtual void finish(Experiment&, const Options&) {}
  virtual void add_to(spikesink::Report& report) const = 0;
  virtual void print_summary() const {}

  /// Whether the report has this section.
  bool in_report() const { return in_report_; }
  /// Whether it measures: it is in the report, or a section in the report uses its result.
  bool measures() const { return measures_; }
  /// Selects this section for the report.
  void select();

 private:
  void require();

  std::string_view name_;
  bool in_report_ = false, measures_ = false;
};

/// A section with the result of one measurement.
template <typename Measurement>
class MeasuredSection : public Section {
 public:
  using Result = decltype(std::declval<const Measurement&>().result());
  using Make = std::function<Measurement(const Experiment&)>;

  MeasuredSection(SectionTable& table, std::string_view name, Make make,
                  std::vector<Section*> needs = {})
      : Section(table, name), make_(std::move(make)), needs_(std::move(needs)) {}

  const std::optional<Result>& result() const { return result_; }
  std::vector<Section*> needs() const override { return needs_; }
  void add_to(spikesink::Report& report) const override {
    if (result_) report.add(*result_);
  }

 protected:
  void measure(const Experiment& experiment, TextRun& run) {
    run.measure(make_(experiment), result_);
  }

 private:
  Make make_;
  std::vector<Section*> needs_;
  std::optional<Result> result_;
};

/// A section measured in the first run, which needs no earlier results.
template <typename Measurement>
class FirstRunSection : public MeasuredSection<Measurement> {
 public:
  using MeasuredSection<Measurement>::MeasuredSection;
  void join_first_run(const Experiment& experiment, TextRun& run) override {
    this->measure(experiment, run);
  }
};

/// A section measured in the second run, which uses results of the first.
template <typename Measurement>
class SecondRunSection : public MeasuredSection<Measurement> {
 public:
  using MeasuredSection<Measurement>::MeasuredSection;
  void join_second_run(const Experiment& experiment, TextRun& run) override {
    if (this->in_report()) this->measure(experiment, run);
  }
};

}  // namespace examples
