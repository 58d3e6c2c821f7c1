#pragma once

#include <string>

#include "common/options.h"
#include "spikesink/measure/core/measurement.h"
#include "spikesink/report/report.h"

namespace examples {

/// What an example works on: the model and the sequences that the options name.
struct Experiment {
  spikesink::Transformer model = nullptr;
  std::shared_ptr<const spikesink::Tokenizer> tokenizer;  // may be missing when tokens are given
  spikesink::TokenBatches batches;
  std::pair<std::string, std::string> source;  // the configuration's entry for them: "text", path
  bool bos = false;                            // whether BOS was put before each sequence
  bool eos = false;                            // and EOS (an encoder's separator) after it
  std::string note;                            // what the reader should know, or nothing
  std::unique_ptr<spikesink::Processes> processes;  // of the job, or null: this is all of it

  int64_t sequences() const;
  int64_t longest() const;  // tokens of the longest sequence
  /// Whether this process is the one that speaks and writes.
  bool is_first() const { return spikesink::is_first(processes.get()); }
  bool by_layer() const { return model->weight_supply() != nullptr; }
  /// Model and text on one line, and the note on another.
  std::string describe(const Options& options) const;
};

/// Loads them, after checking that the report can be written. Throws what the library throws.
Experiment open_experiment(const Options& options);
/// The same on sequences that are given; `source` says what they are from, as in `Experiment`.
Experiment open_experiment(const Options& options, spikesink::TokenBatches batches,
                           std::pair<std::string, std::string> source);

/// All tokens of the text, BOS first where there is one, or of the sequences that were given.
std::vector<int64_t> whole_text(const Options& options, const Experiment& experiment);

/// A report that already carries the effective configuration.
spikesink::Report make_report(const std::string& program, const Options& options,
                              const Experiment& experiment);

/// All bytes of a file. Throws spikesink::FormatError.
std::string read_file(const std::filesystem::path& file);

/// "1, 2, 3", or "none".
std::string list(const std::vector<int64_t>& numbers);

/// A bar on stderr while a terminal is there to see it; nothing with --quiet.
spikesink::Progress progress_bar(const Options& options, const std::string& what);

/// Runs `body` on the parsed command line. Bad input ends with one sentence on stderr and a
/// non-zero status, which is returned; so does Ctrl-C (Interrupt), whose sentence says what --out
/// keeps and ends with the advice.
int run_example(CLI::App& app, int argc, char** argv, const std::function<void()>& body,
                const std::string& advice_when_interrupted = "");

}  // namespace examples
