#pragma once

#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "message_of.h"
#include "spikesink/model/load_model.h"
#include "spikesink/weights/safetensors.h"
#include "temp_dir.h"

namespace spikesink {

/// A copy of a good checkpoint, to be spoilt.
struct CheckpointCopy {
  void take(const std::filesystem::path& good) {
    tensors.clear();
    std::ifstream(good / "config.json") >> config;
    const auto source = open_weights(good);
    for (const auto& info : source->tensors())
      tensors[info.name] = source->tensor(info.name).clone();
  }
  void save_config() const { folder.write("config.json", config.dump()); }
  void save() const {
    save_config();
    save_safetensors(folder / "model.safetensors", tensors);
  }
  /// What is said of it, one sentence.
  std::string refusal() const {
    save();
    auto message = message_of<FileError>([&] { load_model(folder.path()); });
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    return message;
  }

  TempDir folder;
  nlohmann::json config;
  std::map<std::string, torch::Tensor> tensors;
};

}  // namespace spikesink
