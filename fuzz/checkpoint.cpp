// Fuzzes a training checkpoint: the manifest, the optimizer state, the model configuration and the
// weights. If the input starts with '!', the manifest has the correct sizes and checksums of the
// files, so that mutated files pass this check.

#include <fmt/format.h>
#include <torch/torch.h>

#include "spikesink/train/ablations.h"
#include "spikesink/train/checkpoint.h"
#include "target.h"
#include "train/checksum.h"

namespace {

constexpr std::array kFiles = {"optimizer.safetensors", "config.json", "model.safetensors"};

spikesink::Trainer tiny_trainer() {
  auto config = spikesink::baseline("nano");
  config.model.n_layers = 1;
  config.model.d_model = 16;
  config.sequences = config.measured_sequences = 2;
  config.length = 4;
  return spikesink::Trainer(config, spikesink::open_training_data(config));
}

std::string fitting_manifest(const std::vector<std::string>& files, const std::string& data) {
  std::string list;
  for (size_t index = 0; index < files.size(); ++index)
    list +=
        fmt::format(R"({}{{"name":"{}","bytes":{},"xxh128":"{}"}})", index == 0 ? "" : ",",
                    kFiles[index], files[index].size(), spikesink::detail::checksum(files[index]));
  return fmt::format(R"({{"format":1,"step":7,"validation_loss":null,"data":"{}","files":[{}]}})",
                     data, list);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const fuzz::Folder folder;
  static auto trainer = tiny_trainer();
  static const auto data_checksum = spikesink::data_checksum(trainer);
  static const auto checkpoint = [] {
    auto one = spikesink::checkpoint_at_step(folder.path(), 7);
    std::filesystem::create_directory(one.folder);
    return one;
  }();
  const auto parts = fuzz::split_input(fuzz::text_of(data, size), 1 + kFiles.size());
  const std::vector<std::string> files = {fuzz::as_safetensors(parts[1]), std::string(parts[2]),
                                          fuzz::as_safetensors(parts[3])};
  for (size_t index = 0; index < files.size(); ++index)
    folder.write("step-7/" + std::string(kFiles[index]), files[index]);
  folder.write("step-7/checkpoint.json", parts[0].starts_with('!')
                                             ? fitting_manifest(files, data_checksum)
                                             : std::string(parts[0]));
  fuzz::expect_format_error_at_worst([&] { spikesink::find_checkpoints(folder.path()); });
  fuzz::expect_format_error_at_worst([&] {
    try {
      spikesink::restore_checkpoint(trainer, checkpoint);
    } catch (const std::invalid_argument&) {  // the training data changed
    }
  });
  return 0;
}
