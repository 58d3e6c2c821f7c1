#include "spikesink/train/checkpoint.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <set>
#include <string_view>

#include "detail/fail.h"
#include "detail/json_fields.h"
#include "detail/temporary_file.h"
#include "spikesink/model/load_model.h"
#include "spikesink/model/save_model.h"
#include "spikesink/weights/safetensors.h"
#include "train/checksum.h"
#include "weights/mapped_file.h"

namespace spikesink {
namespace fs = std::filesystem;

namespace {

constexpr const char* kSave = "save_checkpoint";
constexpr const char* kRestore = "restore";
constexpr const char* kManifest = "checkpoint.json";
constexpr const char* kOptimizer = "optimizer";
constexpr const char* kPrefix = "step-";
constexpr const char* kUnfinished = ".unfinished";
constexpr int64_t kFormat = 1;
constexpr int kDeepestManifest = 8;

struct CheckedFile {
  std::string name;
  int64_t bytes = 0;
  std::string xxh128;
};

struct Manifest {
  int64_t format = kFormat;
  int64_t step = 0;
  std::optional<double> validation_loss;
  std::string data;
  std::vector<CheckedFile> files;
};

template <typename Visitor>
void visit_fields(Visitor& visit, CheckedFile& file) {
  visit("name", file.name);
  visit("bytes", file.bytes);
  visit("xxh128", file.xxh128);
}

template <typename Visitor>
void visit_fields(Visitor& visit, Manifest& manifest) {
  visit("format", manifest.format);
  visit("step", manifest.step);
  visit("validation_loss", manifest.validation_loss);
  visit("data", manifest.data);
  visit("files", manifest.files);
}

CheckedFile checked(const fs::path& file) {
  return {file.filename().string(), static_cast<int64_t>(fs::file_size(file)),
          detail::checksum(file, kSave)};
}

// -- writing

// Makes the directory entry of `path` durable.
void sync_entry(const fs::path& path) {
  const auto above = path.parent_path();
  detail::sync(above.empty() ? "." : above, kSave);
}

fs::path unfinished_of(fs::path folder) {
  return folder += kUnfinished;
}

// Fills a folder under a temporary name and renames it when all of its files are on the disk.
template <typename Fill>
void write_folder(const fs::path& folder, Fill fill) {
  const auto unfinished = unfinished_of(folder);
  try {
    if (fs::create_directories(folder.parent_path())) sync_entry(folder.parent_path());
    fs::remove_all(unfinished);
    fs::create_directory(unfinished);
    fill(unfinished);
    for (const auto& entry : fs::directory_iterator(unfinished)) detail::sync(entry.path(), kSave);
    detail::sync(unfinished, kSave);
    fs::remove_all(folder);
    fs::rename(unfinished, folder);
    sync_entry(folder);
  } catch (const ProcessError&) {
    std::error_code ignored;
    fs::remove_all(unfinished, ignored);
    throw;
  } catch (const std::exception& error) {
    std::error_code ignored;
    fs::remove_all(unfinished, ignored);
    detail::fail_format("[{}] cannot write {}: {}", kSave, folder.string(), error.what());
  }
}

// Copies tokenizer.json and, if it exists, tokenizer_config.json.
void copy_tokenizer(const fs::path& path, const fs::path& folder) {
  const auto json = fs::is_directory(path) ? path / "tokenizer.json" : path;
  if (json.extension() != ".json") return;
  fs::copy_file(json, folder / "tokenizer.json");
  const auto config = json.parent_path() / "tokenizer_config.json";
  if (fs::exists(config)) fs::copy_file(config, folder / config.filename());
}

void write_model(const Trainer& trainer, const fs::path& folder) {
  if (!trainer.data().tokenizer.empty()) copy_tokenizer(trainer.data().tokenizer, folder);
  save_model(trainer.model(), folder);
}

void write_optimizer(const Trainer& trainer, const fs::path& folder) {
  const auto* processes = trainer.processes();
  const auto shard =
      processes ? fmt::format("-{}-of-{}", processes->rank() + 1, processes->world_size()) : "";
  const auto& state = trainer.optimizer().state_tensors();
  save_safetensors(folder / fmt::format("{}{}.safetensors", kOptimizer, shard),
                   {state.begin(), state.end()});
}

// Runs in process 0, while the other processes write their shards of the optimizer state. The
// barriers correspond to those of save_checkpoint.
void write_checkpoint(const Trainer& trainer, std::optional<double> validation_loss,
                      const fs::path& folder) {
  auto* processes = trainer.processes();
  if (processes) processes->barrier();  // the folder exists
  write_optimizer(trainer, folder);
  write_model(trainer, folder);
  if (processes) processes->barrier();  // all shards are written
  Manifest manifest{.step = trainer.steps_done(),
                    .validation_loss = validation_loss,
                    .data = data_checksum(trainer)};
  for (const auto& entry : fs::directory_iterator(folder))
    manifest.files.push_back(checked(entry.path()));
  std::ranges::sort(manifest.files, {}, &CheckedFile::name);
  const int64_t expected = processes ? processes->world_size() : 1;
  const auto shards = std::ranges::count_if(
      manifest.files, [](const CheckedFile& file) { return file.name.starts_with(kOptimizer); });
  if (shards != expected)
    detail::fail_format("got {} shards of the optimizer state, expected {}, one per process",
                        shards, expected);
  detail::write_whole(folder / kManifest, detail::FieldWriter::write(manifest).dump(1) + "\n",
                      kSave);
}

// -- reading

Manifest read_manifest(const fs::path& folder) {
  const auto file = folder / kManifest;
  Manifest manifest;
  const auto text = detail::MappedFile::open(file, kRestore);
  const auto object = detail::parse_strict_json(text->text(), kDeepestManifest, kRestore, file);
  detail::FieldReader(object, kRestore, file.string()).read(manifest);
  if (manifest.format != kFormat)
    detail::fail_format("[{}] format: got {}, expected {} ({})", kRestore, manifest.format, kFormat,
                        file.string());
  return manifest;
}

// Reads the manifest and checks all files against it.
Manifest verified(const Checkpoint& checkpoint) {
  auto manifest = read_manifest(checkpoint.folder);
  if (manifest.step != checkpoint.step)
    detail::fail_format("[{}] step: got {}, expected {} from the folder name ({})", kRestore,
                        manifest.step, checkpoint.step, checkpoint.folder.string());
  std::set<std::string_view> names;
  for (const auto& [name, bytes, sum] : manifest.files) {
    if (!names.insert(name).second)
      detail::fail_format("[{}] a file of the checkpoint is listed twice: got '{}' ({})", kRestore,
                          name, checkpoint.folder.string());
    if (name.find_first_of(std::string_view("/\0", 2)) != std::string::npos || name == "." ||
        name == "..")
      detail::fail_format(
          "[{}] a file of the checkpoint is not in its folder: got '{}', expected a file name ({})",
          kRestore, name, checkpoint.folder.string());
    const auto file = checkpoint.folder / name;
    std::error_code error;
    const auto size = static_cast<int64_t>(fs::file_size(file, error));
    if (error)
      detail::fail_format("[{}] a file of the checkpoint is missing ({})", kRestore, file.string());
    if (size != bytes || detail::checksum(file, kRestore) != sum)
      detail::fail_format(
          "[{}] a file of the checkpoint is not as it was written: got {} bytes, "
          "expected {} with the checksum {} ({})",
          kRestore, size, bytes, sum, file.string());
  }
  return manifest;
}

// The step in the name of a checkpoint folder; nullopt for other folders.
std::optional<int64_t> step_of(const fs::path& folder) {
  const auto name = folder.filename().string();
  const std::string_view prefix = kPrefix;
  int64_t step = 0;
  if (!name.starts_with(prefix)) return std::nullopt;
  const auto [end, error] =
      std::from_chars(name.data() + prefix.size(), name.data() + name.size(), step);
  const bool whole = error == std::errc() && end == name.data() + name.size() && step >= 0;
  return whole ? std::optional(step) : std::nullopt;
}

std::optional<double> loss_of(const fs::path& folder) {
  try {
    return read_manifest(folder).validation_loss;
  } catch (const FileError&) {  // restore_checkpoint reports it
    return std::nullopt;
  }
}

using Copies = std::vector<std::pair<torch::Tensor, torch::Tensor>>;  // destination, source

void plan_copy(const std::string& name, const torch::Tensor& to, const torch::Tensor& from,
               const fs::path& folder, Copies& copies) {
  if (!to.sizes().equals(from.sizes()))
    detail::fail_format("[{}] {}: got the shape {}, expected {} ({})", kRestore, name,
                        c10::str(from.sizes()), c10::str(to.sizes()), folder.string());
  copies.emplace_back(to, from);
}

void plan_weights(Trainer& trainer, const fs::path& folder, Copies& copies) {
  const auto saved = load_model(folder, {.weight_loading = WeightLoadingMode::kWholeModel});
  const auto weights = saved->named_parameters();
  const auto own = trainer.model()->named_parameters();
  for (const auto& entry : own) {
    const auto* weight = weights.find(entry.key());
    if (weight == nullptr || weights.size() != own.size())
      detail::fail_format(
          "[{}] the checkpoint is of another model: got {} weights, expected {}, {} among "
          "them ({})",
          kRestore, weights.size(), own.size(), entry.key(), folder.string());
    plan_copy(entry.key(), entry.value(), *weight, folder, copies);
  }
}

void plan_optimizer(const Trainer& trainer, const Checkpoint& checkpoint, const Manifest& manifest,
                    Copies& copies) {
  std::vector<std::unique_ptr<WeightSource>> shards;
  for (const auto& file : manifest.files) {
    if (file.name.starts_with(kOptimizer))
      shards.push_back(open_safetensors(checkpoint.folder / file.name));
  }
  for (const auto& [name, tensor] : trainer.optimizer().state_tensors()) {
    const auto contains = [&](const auto& shard) { return shard->contains(name); };
    const auto shard = std::ranges::find_if(shards, contains);
    if (shard == shards.end())
      detail::fail_format("[{}] '{}' of the optimizer is missing ({})", kRestore, name,
                          checkpoint.folder.string());
    plan_copy(name, tensor, (*shard)->tensor(name), checkpoint.folder, copies);
  }
}

}  // namespace

void save_trained_model(const Trainer& trainer, const fs::path& folder) {
  write_folder(folder, [&](const fs::path& unfinished) { write_model(trainer, unfinished); });
}

Checkpoint checkpoint_at_step(const fs::path& parent, int64_t step) {
  return {.folder = parent / (kPrefix + std::to_string(step)), .step = step};
}

Checkpoint save_checkpoint(const Trainer& trainer, std::optional<double> validation_loss,
                           const fs::path& parent) {
  auto checkpoint = checkpoint_at_step(parent, trainer.steps_done());
  checkpoint.validation_loss = validation_loss;
  auto* processes = trainer.processes();
  if (is_main_process(processes)) {
    write_folder(checkpoint.folder, [&](const fs::path& unfinished) {
      write_checkpoint(trainer, validation_loss, unfinished);
    });
  } else {
    processes->barrier();
    write_optimizer(trainer, unfinished_of(checkpoint.folder));
    processes->barrier();
  }
  if (processes) processes->barrier();  // the checkpoint is complete
  return checkpoint;
}

std::string data_checksum(const Trainer& trainer) {
  constexpr int64_t kSequences = 8;
  const auto& config = trainer.config();
  std::string sums;
  for (const auto& source : {trainer.data().training, trainer.data().validation}) {
    const auto ids =
        source->sequences(0, std::min(kSequences, config.measured_sequences), config.length);
    sums += detail::checksum({static_cast<const char*>(ids.const_data_ptr()), ids.nbytes()});
  }
  return sums;
}

std::vector<Checkpoint> find_checkpoints(const fs::path& parent) {
  std::vector<Checkpoint> found;
  if (!fs::exists(parent)) return found;
  for (const auto& entry : fs::directory_iterator(parent)) {
    const auto step = step_of(entry.path());
    if (step) found.push_back({entry.path(), *step, loss_of(entry.path())});
  }
  std::ranges::sort(found, std::greater(), &Checkpoint::step);
  return found;
}

void verify_checkpoint(const Checkpoint& checkpoint) {
  verified(checkpoint);
}

void restore_checkpoint(Trainer& trainer, const Checkpoint& checkpoint) {
  const auto manifest = verified(checkpoint);
  if (manifest.data != data_checksum(trainer))
    throw std::invalid_argument(fmt::format(
        "[{}] the training data changed: got other sequences than the checkpoint was trained on "
        "({})",
        kRestore, checkpoint.folder.string()));
  Copies copies;
  plan_weights(trainer, checkpoint.folder, copies);
  plan_optimizer(trainer, checkpoint, manifest, copies);
  const torch::NoGradGuard no_grad;
  for (auto& [to, from] : copies) to.copy_(from);
  trainer.set_steps_done(checkpoint.step);
}

void remove_old_checkpoints(const fs::path& parent, int64_t kept) {
  const auto found = find_checkpoints(parent);
  const auto loss = [](const Checkpoint& one) {
    return one.validation_loss.value_or(std::numeric_limits<double>::infinity());
  };
  const auto best = std::ranges::min_element(found, {}, loss);
  for (auto one = found.begin(); one != found.end(); ++one) {
    if (one - found.begin() < kept || one == best) continue;
    // A partly removed checkpoint must not be found as one.
    const auto removed = unfinished_of(one->folder);
    fs::rename(one->folder, removed);
    fs::remove_all(removed);
  }
}

void remove_incomplete_checkpoints(const fs::path& parent) {
  if (!fs::exists(parent)) return;
  std::vector<fs::path> incomplete;
  for (const auto& entry : fs::directory_iterator(parent)) {
    if (entry.path().extension() == kUnfinished) incomplete.push_back(entry.path());
  }
  for (const auto& folder : incomplete) fs::remove_all(folder);
}

void rename_damaged_checkpoint(const Checkpoint& damaged) {
  auto renamed = damaged.folder;
  renamed += ".damaged";
  fs::remove_all(renamed);
  fs::rename(damaged.folder, renamed);
}

}  // namespace spikesink
