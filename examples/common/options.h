#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <optional>
#include <string>

#include "common/help.h"
#include "common/validators.h"
#include "spikesink/distributed/process_group.h"
#include "spikesink/model/load_model.h"
#include "spikesink/text/token_batches.h"

namespace examples {

/// Options of every program.
struct ProgramOptions {
  int threads = 0;  // 0: all of the machine
  int64_t seed = 0;
  std::filesystem::path out = "spikesink-out";
  bool quiet = false;
};

/// Options of the programs that run a model on sequences.
struct Options : ProgramOptions {
  std::filesystem::path model;                  // as typed: a path, or "org/name@revision"
  std::filesystem::path model_files;            // where it is
  std::filesystem::path adapter;                // as typed, as `model`; empty: none
  std::optional<std::filesystem::path> text;    // UTF-8; nullopt: the built-in passages
  std::optional<std::filesystem::path> tokens;  // JSON array of arrays of token ids
  std::optional<int64_t> sequences;  // nullopt: all of --tokens, or text_sequences of a text
  int64_t text_sequences = 100;
  std::optional<int64_t> length;
  int64_t text_length = 64;  // without --length (64: Gu et al., arXiv 2410.10781)
  spikesink::BosRule bos = spikesink::BosRule::kAuto;
  spikesink::LoadOptions load;
  bool shares_work = false;  // whether the program may run as several processes of one job
};

/// Adds the options of `Options`. `options` must outlive `app`.
void add_options(CLI::App& app, Options& options);
/// Adds the options of `ProgramOptions`.
void add_run_options(CLI::App& app, ProgramOptions& options);
/// Adds --device.
void add_device(CLI::App& app, torch::Device& device);

/// Throws std::invalid_argument if LibTorch does not find such a device.
void check_device(torch::Device device);
/// Returns `device`, or with several GPUs the GPU of this process.
torch::Device device_of(const spikesink::ProcessGroup* processes, torch::Device device);
/// Throws std::invalid_argument in a job of several processes. For programs that need one process.
void refuse_job();

/// Returns the value of --dtype.
std::string to_string(torch::Dtype dtype);

}  // namespace examples
