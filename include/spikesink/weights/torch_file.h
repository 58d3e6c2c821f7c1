#pragma once

#include "spikesink/weights/weight_source.h"

namespace [[gnu::visibility("default")]] spikesink {

/// Opens a state dict that torch.save wrote (`pytorch_model.bin`, `.pt`, `.pth`, `.ckpt`; F64, F32,
/// F16, BF16, I64, I32, I16, I8, U8, BOOL). Its pickle is not executed: a reader of its own knows
/// the few opcodes and names that describe tensors. A tensor has the strides of the file. Tensors
/// that share a storage in the file (tied weights) share memory. Throws FileError, after nothing
/// was executed, for a pickle that asks for anything else, for files of torch.save before 1.6,
/// TorchScript archives, training checkpoints, compressed archives, and tensors that do not fit
/// their storage.
std::unique_ptr<WeightSource> open_torch_file(const std::filesystem::path& file);

/// Opens all shards that a `pytorch_model.bin.index.json` names as one source. Throws FileError
/// unless every tensor of the index is in its shard and every tensor of a shard is in the index.
std::unique_ptr<WeightSource> open_torch_index(const std::filesystem::path& index_file);

}  // namespace spikesink
