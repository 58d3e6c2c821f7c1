#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>

#include "spikesink/distributed/processes.h"
#include "spikesink/model/load_model.h"
#include "spikesink/text/token_batches.h"

namespace examples {

/// What every program can be told.
struct RunOptions {
  int threads = 0;  // 0: as many as the machine has
  int64_t seed = 0;
  std::filesystem::path out = "spikesink-out";
  bool quiet = false;
};

/// And those that work on a model and sequences.
struct Options : RunOptions {
  std::filesystem::path model;
  std::optional<std::filesystem::path>
      text;  // UTF-8; none: the passages that ship with the examples
  std::optional<std::filesystem::path> tokens;  // JSON array of arrays of token ids
  std::optional<int64_t> sequences;  // none: all that are given as tokens, text_sequences of a text
  int64_t text_sequences = 100;
  std::optional<int64_t> length;
  int64_t text_length =
      64;  // of a text's windows without --length (64: Gu et al., arXiv 2410.10781)
  spikesink::BosRule bos = spikesink::BosRule::kAuto;
  spikesink::LoadOptions load;
  bool shares_work = false;  // whether the program can be several processes of one job
};

/// Adds the common options to a command line. `options` must outlive `app`.
void add_options(CLI::App& app, Options& options);
/// Those of RunOptions alone.
void add_run_options(CLI::App& app, RunOptions& options);
/// --device
void add_device(CLI::App& app, torch::Device& device);
/// Throws std::invalid_argument where this LibTorch has no such device.
void check_device(torch::Device device);
/// The device, or of several GPUs the one that is this process's.
torch::Device device_of(const spikesink::Processes* processes, torch::Device device);
/// For a program that does not share its work: throws std::invalid_argument where this is one of
/// several processes of a job.
void refuse_job();

/// Checks that an argument is a whole number from `least` to `most`.
CLI::Validator whole_number(int64_t least, int64_t most = std::numeric_limits<int64_t>::max());

/// The word used on the command line.
std::string to_string(torch::Dtype dtype);

}  // namespace examples
