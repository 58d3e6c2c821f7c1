#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/files.h"
#include "common/options.h"
#include "common/program.h"
#include "common/terminal.h"
#include "spikesink/report/report.h"

namespace examples {

/// The model and the sequences selected by the options.
struct Experiment {
  spikesink::Transformer model = nullptr;
  std::shared_ptr<const spikesink::Tokenizer> tokenizer;  // may be null with --tokens
  spikesink::TokenBatches batches;
  std::pair<std::string, std::string> source;  // of the sequences, such as {"text", path}
  bool bos = false;                            // whether BOS starts each sequence
  bool eos = false;  // whether EOS (an encoder's separator) ends each sequence
  std::string note;  // a remark for the user, or empty
  std::unique_ptr<spikesink::ProcessGroup> processes;  // null: one process only

  int64_t sequences() const;
  /// The number of tokens of the longest sequence.
  int64_t longest() const;
  /// Whether this process prints and writes files.
  bool is_first() const { return spikesink::is_main_process(processes.get()); }
  bool by_layer() const { return model->weight_loader() != nullptr; }
  /// One line about the model and the sequences, and one for the note.
  std::string describe(const Options& options) const;
};

/// Checks that the report can be written, then loads model and sequences. Throws
/// std::invalid_argument for options that contradict each other, and what the library throws.
Experiment open_experiment(const Options& options);
/// Returns the same with given sequences; `source` as in `Experiment`.
Experiment open_experiment(const Options& options, spikesink::TokenBatches batches,
                           std::pair<std::string, std::string> source);

/// Returns all token ids of the text (after BOS, if the experiment has it) or of --tokens.
std::vector<int64_t> all_token_ids(const Options& options, const Experiment& experiment);

/// Returns a report with the effective configuration and the model.
spikesink::Report make_report(const std::string& program, const Options& options,
                              const Experiment& experiment);

}  // namespace examples
