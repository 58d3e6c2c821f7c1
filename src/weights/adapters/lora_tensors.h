#pragma once

#include <map>
#include <string>
#include <vector>

#include "spikesink/weights/weight_source.h"

namespace spikesink::detail {

/// The LoRA tensors of one module.
struct LoraTensors {
  torch::Tensor a, b;       // [rank, in], [out, rank]; of an embedding [rank, rows], [width, rank]
  torch::Tensor magnitude;  // DoRA: the norm of each row; undefined: none
  bool is_embedding = false;
  std::vector<std::string> names;  // in the file
};

/// The tensors of an adapter's file.
struct AdapterTensors {
  std::map<std::string, LoraTensors> modules;
  std::vector<std::string> others;  // names of whole tensors
};

/// Reads a file with PEFT's names, with or without the adapter's name
/// ("...q_proj.lora_A.default.weight").
AdapterTensors read_adapter_tensors(const WeightSource& source);

}  // namespace spikesink::detail
