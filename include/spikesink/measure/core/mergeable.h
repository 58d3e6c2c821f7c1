#pragma once

#include <string>
#include <string_view>

#include "spikesink/measure/core/measurement.h"

namespace [[gnu::visibility("default")]] spikesink {

/// Base class of measurements that several processes can compute on shares of a text and then
/// merge. `Self` must have `merge(const Self&)` and `fields()`, which returns a std::tie of all
/// measured values.
template <typename Self>
class Mergeable : public Measurement {
 public:
  std::string serialize() const override;
  void deserialize(std::string_view bytes) override;
  void merge_serialized(std::string_view bytes) override;

 private:
  Self& self() { return static_cast<Self&>(*this); }
};

}  // namespace spikesink
