#pragma once

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <filesystem>
#include <memory>
#include <string>

#include "spikesink/weights/weight_source.h"
#include "temp_dir.h"

namespace spikesink {

/// Every third cut of a good file, and the same file with one bit changed there, is read whole or
/// refused with a FileError.
inline void expect_read_or_refused(
    const std::string& good, std::unique_ptr<WeightSource> (*open)(const std::filesystem::path&)) {
  const TempDir dir;
  const auto try_it = [&](const std::string& bytes) {
    try {
      const auto source = open(dir.write("changed", bytes));
      for (const TensorInfo& info : source->tensors())
        source->tensor(info.name).to(torch::kFloat64).sum();
    } catch (const FileError&) {
    }
  };
  for (size_t i = 0; i < good.size(); i += 3) {
    EXPECT_NO_THROW(try_it(good.substr(0, i))) << "cut at " << i;
    std::string changed = good;
    changed[i] = static_cast<char>(changed[i] ^ (1 << i % 8));
    EXPECT_NO_THROW(try_it(changed)) << "bit changed at " << i;
  }
}

}  // namespace spikesink
