#pragma once

#include <cstdint>

namespace [[gnu::visibility("default")]] spikesink {

/// A group of weights that is loaded and unloaded together: the embedding, one layer, or the head
/// (everything after the last layer).
struct WeightGroup {
  int64_t index = 0;  // 0: the embedding; 1..L: the layers; L + 1: the head

  static WeightGroup embedding() { return {0}; }
  static WeightGroup layer(int64_t layer) { return {layer + 1}; }
  static WeightGroup head(int64_t n_layers) { return {n_layers + 1}; }

  bool operator==(const WeightGroup&) const = default;
};

/// Loads the weights of a model when they are used, and unloads them afterwards.
class WeightLoader {
 public:
  virtual ~WeightLoader() = default;
  /// Loads the weights of a group into the model's parameters. Throws FileError for weights that
  /// are not finite.
  virtual void load(WeightGroup group) = 0;
  /// Unloads them: the parameters become empty tensors.
  virtual void unload(WeightGroup group) = 0;
  /// Returns the memory limit in bytes for hidden states between two layers.
  virtual int64_t max_hidden_state_memory() const = 0;
};

}  // namespace spikesink
