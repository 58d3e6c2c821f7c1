#pragma once

#include <cstdint>

namespace [[gnu::visibility("default")]] spikesink {

/// Weights of a model that are loaded and unloaded together: the embedding, one layer, or the head
/// (all that follows the last layer).
struct WeightGroup {
  int64_t index = 0;  // 0: the embedding; 1..L: the layers; L + 1: the head

  static WeightGroup embedding() { return {0}; }
  static WeightGroup layer(int64_t layer) { return {layer + 1}; }
  static WeightGroup head(int64_t n_layers) { return {n_layers + 1}; }

  bool operator==(const WeightGroup&) const = default;
};

/// Loads the weights of a model whose weights are in memory only while they are used.
class WeightLoader {
 public:
  virtual ~WeightLoader() = default;
  /// Reads the weights of a group into the model. Throws FormatError when they are not finite.
  virtual void load(WeightGroup group) = 0;
  /// Frees them: the parameters are empty.
  virtual void unload(WeightGroup group) = 0;
  /// Bytes of memory for hidden states between two layers.
  virtual int64_t hidden_state_budget() const = 0;
};

}  // namespace spikesink
