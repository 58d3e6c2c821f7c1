#include "spikesink/train/training_run.h"

#include <nlohmann/json.hpp>

#include "detail/fail.h"
#include "detail/temporary_file.h"
#include "spikesink/weights/weight_source.h"
#include "train/log_file.h"
#include "weights/mapped_file.h"

namespace spikesink {
namespace fs = std::filesystem;

namespace {

constexpr const char* kTrainingRun = "TrainingRun";
constexpr const char* kConfigFile = "train.json";
constexpr const char* kLog = "log.jsonl";
constexpr const char* kModel = "model";

TrainConfig read_config(const fs::path& folder) {
  const auto file = folder / kConfigFile;
  const auto text = detail::MappedFile::open(file, kTrainingRun);
  return read_train_config(std::string(text->text()), file.string());
}

// The first key that differs, with both values; empty for equal configurations.
std::string difference(const TrainConfig& wanted, const TrainConfig& existing) {
  using nlohmann::json;
  const auto a = json::parse(to_json(wanted)), b = json::parse(to_json(existing));
  const auto changes = json::diff(b, a);
  if (changes.empty()) return {};
  auto path = changes.front()["path"].get<std::string>();
  if (path.ends_with("/-")) path.resize(path.size() - 2);  // a list that grew
  const json::json_pointer pointer(path);
  const auto value = [&](const json& of) {
    return of.contains(pointer) ? of.at(pointer).dump() : "nothing";
  };
  return fmt::format("{}: got {}, expected {}", path, value(a), value(b));
}

// Creates the folder if needed. Throws if it contains another training run.
fs::path prepare_folder(const TrainConfig& config, const fs::path& folder) {
  config.validate();
  std::error_code error;
  fs::create_directories(folder, error);
  if (error)
    detail::fail_format("[{}] cannot make the folder {}: {}", kTrainingRun, folder.string(),
                        error.message());
  if (fs::exists(folder / kConfigFile)) {
    const auto differs = difference(config, read_config(folder));
    if (!differs.empty())
      detail::fail_format("[{}] the folder contains another training run: {} ({})", kTrainingRun,
                          differs, (folder / kConfigFile).string());
  } else if (fs::exists(folder / kLog) && fs::file_size(folder / kLog) > 0) {
    detail::fail_format("[{}] the folder contains the log of another training run, without {} ({})",
                        kTrainingRun, kConfigFile, folder.string());
  }
  return folder;
}

fs::path tokenizer_of(const fs::path& folder) {
  return folder / "tokenizer";
}

// Writes train.json before all other files, so that a run that is killed later can be resumed. An
// error restores the folder.
Trainer start_trainer(const TrainConfig& config, const fs::path& folder, torch::Device device,
                      ProcessGroup* processes) {
  const auto tokenizer = tokenizer_of(folder);
  const bool fresh = !fs::exists(folder / kConfigFile);
  const bool makes_tokenizer = fresh && config.data.tokenizer.empty();
  if (makes_tokenizer && fs::exists(tokenizer))
    detail::fail_format(
        "[{}] the folder contains a tokenizer but no train.json: expected the "
        "tokenizer in data.tokenizer, or none in the folder ({})",
        kTrainingRun, tokenizer.string());
  if (fresh) detail::write_whole(folder / kConfigFile, to_json(config) + "\n", kTrainingRun);
  try {
    Trainer trainer(config, open_training_data(config, tokenizer), device, processes);
    if (processes) processes->barrier();
    return trainer;
  } catch (...) {
    if (makes_tokenizer) fs::remove_all(tokenizer);
    if (fresh) {
      fs::remove(folder / kConfigFile);
      fs::remove(folder / kLog);
    }
    throw;
  }
}

// For the other processes: waits until process 0 has created the tokenizer.
Trainer join_trainer(const TrainConfig& config, const fs::path& folder, torch::Device device,
                     ProcessGroup* processes) {
  processes->barrier();
  return Trainer(config, open_training_data(config, tokenizer_of(folder)), device, processes);
}

bool has_model(const fs::path& folder) {
  return fs::exists(folder / kModel / "config.json");  // written last
}

}  // namespace

struct TrainingRun::Impl {
  Impl(const TrainConfig& config, const fs::path& to, torch::Device device, ProcessGroup* processes)
      : folder(is_main_process(processes) ? prepare_folder(config, to) : to),
        log(is_main_process(processes) ? std::make_unique<detail::LogFile>(folder / kLog)
                                       : nullptr),
        trainer(is_main_process(processes) ? start_trainer(config, folder, device, processes)
                                           : join_trainer(config, folder, device, processes)) {
    resume();
    resumed_from_step = trainer.steps_done();
    if (!log) return;
    log->keep(resumed_from_step);
    if (trainer.done() && !has_model(folder)) save_trained_model(trainer, folder / kModel);
  }

  fs::path checkpoints() const { return folder / "checkpoints"; }

  // All processes restore the checkpoint that process 0 found.
  void resume() {
    auto* processes = trainer.processes();
    if (log) restore_last_valid();
    if (!processes) return;
    const auto steps = processes->all_gather(last ? std::to_string(last->step) : "");
    if (log || steps.front().empty()) return;
    last = checkpoint_at_step(checkpoints(), std::stoll(steps.front()));
    restore_checkpoint(trainer, *last);
  }

  void restore_last_valid() {
    remove_incomplete_checkpoints(checkpoints());
    std::vector<Checkpoint> bad;
    for (const auto& checkpoint : find_checkpoints(checkpoints())) {
      try {
        restore_checkpoint(trainer, checkpoint);
        last = checkpoint;
        break;
      } catch (const FileError& error) {
        damaged.emplace_back(error.what());
        bad.push_back(checkpoint);
      }
    }
    if (!last && !bad.empty())
      detail::fail_format("[{}] no checkpoint of {} is good; the last one: {}", kTrainingRun,
                          checkpoints().string(), damaged.front());
    if (!last && has_model(folder))
      detail::fail_format("[{}] the training is done, and its checkpoints are gone ({})",
                          kTrainingRun, folder.string());
    for (const auto& checkpoint : bad) rename_damaged_checkpoint(checkpoint);
  }

  TrainingStep step() {
    auto result = trainer.step();
    const auto line = record(result);
    if (log) log->add(to_json(line));
    const int64_t every = trainer.config().checkpoint_every;
    if (trainer.done() || (every > 0 && result.step % every == 0)) {
      if (log) log->sync();
      last = save_checkpoint(trainer, line.validation ? line.validation->loss : std::nullopt,
                             checkpoints());
      if (log) remove_old_checkpoints(checkpoints(), trainer.config().kept_checkpoints);
    }
    if (log && trainer.done()) save_trained_model(trainer, folder / kModel);
    return result;
  }

  std::string last_checkpoint_note() const {
    return last ? fmt::format("; the last good checkpoint is {}", last->folder.string())
                : "; there was no checkpoint yet";
  }

  fs::path folder;
  std::unique_ptr<detail::LogFile> log;  // only in process 0
  Trainer trainer;
  int64_t resumed_from_step = 0;
  std::optional<Checkpoint> last;
  std::vector<std::string> damaged;
};

TrainingRun::TrainingRun(const TrainConfig& config, const fs::path& folder, torch::Device device,
                         ProcessGroup* processes)
    : impl_(std::make_unique<Impl>(config, folder, device, processes)) {}
TrainingRun::TrainingRun(TrainingRun&&) noexcept = default;
TrainingRun& TrainingRun::operator=(TrainingRun&&) noexcept = default;
TrainingRun::~TrainingRun() = default;

bool TrainingRun::done() const {
  return impl_->trainer.done();
}

TrainingStep TrainingRun::step() {
  try {
    return impl_->step();
  } catch (const FileError& error) {
    throw FileError(error.what() + impl_->last_checkpoint_note());
  } catch (const ProcessError& error) {
    throw ProcessError(error.what() + impl_->last_checkpoint_note());
  } catch (const std::runtime_error& error) {
    throw std::runtime_error(error.what() + impl_->last_checkpoint_note());
  }
}

const Trainer& TrainingRun::trainer() const {
  return impl_->trainer;
}

int64_t TrainingRun::resumed_from_step() const {
  return impl_->resumed_from_step;
}

const std::vector<std::string>& TrainingRun::damaged_checkpoints() const {
  return impl_->damaged;
}

TrainingRunLog read_training_run(const fs::path& folder) {
  TrainingRunLog run{.config = read_config(folder), .log = read_training_log(folder / kLog)};
  if (!has_model(folder)) return run;
  const auto weights = open_weights(folder / kModel);
  run.parameters = 0;
  for (const auto& tensor : weights->tensors())
    *run.parameters += c10::multiply_integers(tensor.shape);
  return run;
}

bool is_finished(const TrainConfig& config, const fs::path& folder) {
  return has_model(folder) && fs::exists(folder / kConfigFile) &&
         difference(config, read_config(folder)).empty();
}

}  // namespace spikesink
