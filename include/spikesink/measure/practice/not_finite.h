#pragma once

#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "spikesink/measure/core/mergeable.h"

namespace [[gnu::visibility("default")]] spikesink {

/// NaN and infinite values at one hook point.
struct NotFiniteValues {
  std::string point;
  int64_t nan = 0;
  int64_t infinite = 0;
  /// Location of the first such value in text order: `sequence`, and `index`, its indices in the
  /// other dimensions of the hook point's shape. Empty for hook points inside experts, because they
  /// do not know the sequence.
  std::optional<int64_t> sequence;
  std::vector<int64_t> index;

  auto fields() { return std::tie(point, nan, infinite, sequence, index); }
};

struct NotFiniteResult {
  std::vector<std::string> patterns;  // of the measured hook points; empty: all points
  /// The points with such values, in the order of the forward pass. The problem starts at the
  /// first.
  std::vector<NotFiniteValues> points;
};

/// Counts NaN and infinite values at hook points, to find where a model exceeds the range of its
/// dtype (the largest float16 is 65,504; spikes can be larger). This is slow, because it reads
/// every hook point. Use it only if a model is known to have such values
/// (`StateSummary::not_finite`).
class NotFinite : public Mergeable<NotFinite> {
 public:
  /// `patterns` select hook points. Empty: all hook points with floating-point values, except those
  /// that need a T x T matrix.
  explicit NotFinite(std::vector<std::string> patterns = {}) : patterns_(std::move(patterns)) {}

  HookScope attach(Transformer& model, RunContext& context) override;
  /// Throws std::invalid_argument if the measured hook points differ.
  void merge(const NotFinite& other);
  NotFiniteResult result() const;

 private:
  friend class Mergeable<NotFinite>;
  auto fields() { return std::tie(points_); }

  void add(NotFiniteValues& counted, const torch::Tensor& value, int64_t first_sequence);

  std::vector<std::string> patterns_;
  std::vector<NotFiniteValues> points_;  // all measured points, in order
};

}  // namespace spikesink
