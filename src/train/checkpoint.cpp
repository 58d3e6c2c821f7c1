#include "spikesink/train/checkpoint.h"

#include <algorithm>
#include <charconv>
#include <limits>

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
constexpr const char* kOptimizer = "optimizer.safetensors";
constexpr const char* kPrefix = "step-";
constexpr const char* kUnfinished = ".unfinished";
constexpr int64_t kFormat = 1;
constexpr int kDeepest = 8;

struct CheckedFile {
  std::string name;
  int64_t bytes = 0;
  std::string xxh128;
};

struct Manifest {
  int64_t format = kFormat;
  int64_t step = 0;
  std::optional<double> validation_loss;
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
  visit("files", manifest.files);
}

CheckedFile checked(const fs::path& file) {
  return {file.filename().string(), static_cast<int64_t>(fs::file_size(file)),
          detail::checksum(file, kSave)};
}

// -- writing

void write_files(const Trainer& trainer, std::optional<double> validation_loss,
                 const fs::path& folder) {
  save_trained_model(trainer, folder);
  const auto& state = trainer.optimizer().state();
  save_safetensors(folder / kOptimizer, {state.begin(), state.end()});
  Manifest manifest{.step = trainer.steps_done(), .validation_loss = validation_loss};
  for (const auto& entry : fs::directory_iterator(folder))
    manifest.files.push_back(checked(entry.path()));
  std::ranges::sort(manifest.files, {}, &CheckedFile::name);
  detail::write_whole(folder / kManifest, detail::FieldWriter::write(manifest).dump(1) + "\n",
                      kSave);
  for (const auto& entry : fs::directory_iterator(folder)) detail::sync(entry.path(), kSave);
  detail::sync(folder, kSave);
}

// -- reading

Manifest read_manifest(const fs::path& folder) {
  const auto file = folder / kManifest;
  Manifest manifest;
  const auto text = detail::MappedFile::open(file, kRestore);
  const auto object = detail::parse_strict_json(text->text(), kDeepest, kRestore, file);
  detail::FieldReader(object, kRestore, file.string()).read(manifest);
  if (manifest.format != kFormat)
    detail::fail_format("[{}] format: got {}, expected {} ({})", kRestore, manifest.format, kFormat,
                        file.string());
  return manifest;
}

// Of a folder that is a checkpoint's.
std::optional<int64_t> step_of(const fs::path& folder) {
  const auto name = folder.filename().string();
  const std::string_view prefix = kPrefix;
  int64_t step = 0;
  if (!name.starts_with(prefix)) return std::nullopt;
  const auto [end, error] =
      std::from_chars(name.data() + prefix.size(), name.data() + name.size(), step);
  const bool whole = error == std::errc() && end == name.data() + name.size();
  return whole ? std::optional(step) : std::nullopt;
}

std::optional<double> loss_of(const fs::path& folder) {
  try {
    return read_manifest(folder).validation_loss;
  } catch (const FormatError&) {  // restoring it says so
    return std::nullopt;
  }
}

using Copies = std::vector<std::pair<torch::Tensor, torch::Tensor>>;  // to, from

void plan_copy(const std::string& name, const torch::Tensor& to, const torch::Tensor& from,
               const fs::path& folder, Copies& copies) {
  if (!to.sizes().equals(from.sizes()))
    detail::fail_format("[{}] {}: got the shape {}, expected {} ({})", kRestore, name,
                        c10::str(from.sizes()), c10::str(to.sizes()), folder.string());
  copies.emplace_back(to, from);
}

void plan_weights(Trainer& trainer, const fs::path& folder, Copies& copies) {
  const auto saved = load_model(folder);
  const auto weights = saved->named_parameters();
  const auto own = trainer.model()->named_parameters();
  for (const auto& entry : own) {
    const auto* weight = weights.find(entry.key());
    if (weight == nullptr || weights.size() != own.size())
      detail::fail_format(
          "[{}] the model is another one: got {} weights, expected {}, {} among "
          "them ({})",
          kRestore, weights.size(), own.size(), entry.key(), folder.string());
    plan_copy(entry.key(), entry.value(), *weight, folder, copies);
  }
}

void plan_optimizer(const Trainer& trainer, const fs::path& folder, Copies& copies) {
  const auto source = open_safetensors(folder / kOptimizer);
  for (const auto& [name, tensor] : trainer.optimizer().state()) {
    if (!source->contains(name))
      detail::fail_format("[{}] '{}' is missing ({})", kRestore, name, source->path().string());
    plan_copy(name, tensor, source->tensor(name), folder, copies);
  }
}

}  // namespace

void save_trained_model(const Trainer& trainer, const fs::path& folder) {
  fs::create_directories(folder);
  const auto& path = trainer.data().tokenizer;
  const auto tokenizer = fs::is_directory(path) ? path : path.parent_path();
  for (const char* name : {"tokenizer.json", "tokenizer_config.json"}) {
    if (!path.empty() && fs::exists(tokenizer / name))
      fs::copy_file(tokenizer / name, folder / name, fs::copy_options::overwrite_existing);
  }
  save_model(trainer.model(), folder);
}

Checkpoint save_checkpoint(const Trainer& trainer, std::optional<double> validation_loss,
                           const fs::path& parent) {
  const int64_t step = trainer.steps_done();
  const auto folder = parent / (kPrefix + std::to_string(step));
  auto unfinished = folder;
  unfinished += kUnfinished;
  try {
    fs::remove_all(unfinished);
    write_files(trainer, validation_loss, unfinished);
    fs::remove_all(folder);
    fs::rename(unfinished, folder);
    detail::sync(parent, kSave);
  } catch (const std::exception& error) {
    std::error_code ignored;
    fs::remove_all(unfinished, ignored);
    detail::fail_format("[{}] cannot write {}: {}", kSave, folder.string(), error.what());
  }
  return {folder, step, validation_loss};
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

void verify(const Checkpoint& checkpoint) {
  for (const auto& [name, bytes, sum] : read_manifest(checkpoint.folder).files) {
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
}

void restore(Trainer& trainer, const Checkpoint& checkpoint) {
  verify(checkpoint);
  Copies copies;
  plan_weights(trainer, checkpoint.folder, copies);
  plan_optimizer(trainer, checkpoint.folder, copies);
  const torch::NoGradGuard no_grad;
  for (auto& [to, from] : copies) to.copy_(from);
  trainer.go_on_after(checkpoint.step);
}

void remove_old_checkpoints(const fs::path& parent, int64_t kept) {
  const auto found = find_checkpoints(parent);
  const auto loss = [](const Checkpoint& one) {
    return one.validation_loss.value_or(std::numeric_limits<double>::infinity());
  };
  const auto best = std::ranges::min_element(found, {}, loss);
  for (auto one = found.begin(); one != found.end(); ++one) {
    if (one - found.begin() < kept || one == best) continue;
    auto leaving = one->folder;  // under another name first: one that is half gone is none
    leaving += kUnfinished;
    fs::rename(one->folder, leaving);
    fs::remove_all(leaving);
  }
}

}  // namespace spikesink
