#pragma once

#include "weights/torch/pickle_objects.h"

namespace spikesink::detail {

/// Runs the pickle that `made.cursor` reads, and returns the value that it leaves. This machine
/// knows the few opcodes and globals that torch.save writes for tensors, and only describes what
/// they would make: it executes nothing. Throws FileError for everything else.
PickleValue run_pickle(PickleObjects& made);

}  // namespace spikesink::detail
