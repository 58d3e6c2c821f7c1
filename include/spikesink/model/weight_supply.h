#pragma once

#include <cstdint>

namespace [[gnu::visibility("default")]] spikesink {

/// Weights of a model that come and go together: the embedding, a layer, or the head, which is what
/// comes after the last layer.
struct ModelPart {
  int64_t number = 0;  // 0: the embedding; 1..L: the layers; L + 1: the head

  static ModelPart embedding() { return {0}; }
  static ModelPart layer(int64_t layer) { return {layer + 1}; }
  static ModelPart head(int64_t n_layers) { return {n_layers + 1}; }
};

/// Where a model has weights from that are in memory only while they are used.
class WeightSupply {
 public:
  virtual ~WeightSupply() = default;
  /// Puts the weights of a part in their place. Throws FormatError when they are not finite.
  virtual void bring(ModelPart part) = 0;
  /// Takes them away: the parameters are empty.
  virtual void drop(ModelPart part) = 0;
  /// Bytes of memory for the hidden states that wait for the next layer.
  virtual int64_t room_for_states() const = 0;
};

}  // namespace spikesink
