#pragma once

#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "spikesink/measure/core/mergeable.h"

namespace [[gnu::visibility("default")]] spikesink {

/// What one hook point showed that is no number.
struct NotFiniteValues {
  std::string point;
  int64_t nan = 0;
  int64_t infinite = 0;
  /// The first of them in the order of the text: its sequence, and its other indices in the shape
  /// of the hook point. None and empty inside experts, whose tokens are of any sequence.
  std::optional<int64_t> sequence;
  std::vector<int64_t> index;

  auto fields() { return std::tie(point, nan, infinite, sequence, index); }
};

struct NotFiniteResult {
  std::vector<std::string> patterns;  // of the hook points that were watched; none: all
  /// The points that showed any, in the order of the forward pass: the first is where it began.
  std::vector<NotFiniteValues> points;
};

/// Counts NaN and infinite values at hook points, to find where a model leaves the range of its
/// dtype (float16 ends at 65,504, and a spike may not). Reading every point costs a good part of a
/// forward pass: it is for a model that is known to be ill (`StateSummary::not_finite`).
class NotFinite : public Mergeable<NotFinite> {
 public:
  /// Patterns of hook points. None: all that hold floating-point values and need no T x T matrix.
  explicit NotFinite(std::vector<std::string> patterns = {}) : patterns_(std::move(patterns)) {}

  HookScope attach(Transformer& model, RunContext& context) override;
  /// Throws std::invalid_argument when the other watched a model with other points.
  void merge(const NotFinite& other);
  NotFiniteResult result() const;

 private:
  friend class Mergeable<NotFinite>;
  auto fields() { return std::tie(points_); }

  void add(NotFiniteValues& counted, const torch::Tensor& value, int64_t first_sequence);

  std::vector<std::string> patterns_;
  std::vector<NotFiniteValues> points_;  // all that are watched, in order
};

}  // namespace spikesink
