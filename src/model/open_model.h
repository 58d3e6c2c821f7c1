#pragma once

#include <memory>
#include <string>

#include "model/weight_names.h"
#include "spikesink/model/load_model.h"
#include "spikesink/weights/weight_source.h"

namespace spikesink::detail {

/// A model's configuration, and its weights in floating point under the names of its architecture.
struct OpenedModel {
  ModelConfig config;
  WeightNames names;
  std::string base;  // prefix of the body's names in this file
  std::unique_ptr<WeightSource> source;
};

/// Opens a model's files: removes the names of wrappers, dequantises, and merges adapters, each
/// tensor when it is read. Throws FileError.
OpenedModel open_model(const std::filesystem::path& path, const LoadOptions& options);

}  // namespace spikesink::detail
