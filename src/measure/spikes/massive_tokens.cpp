#include "measure/spikes/massive_tokens.h"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "measure/core/expect_same.h"

namespace spikesink::detail {
namespace {

// Decides which values of one sequence are massive. The histogram gives a lower and an upper bound
// of the median. The exact median is computed only if the two bounds lead to different decisions.
class Criterion {
 public:
  Criterion(const MassiveActivationsOptions& options, const StateScan& scan, int64_t sequence)
      : options_(options), scan_(scan), sequence_(sequence) {
    MagnitudeHistogram magnitudes;
    magnitudes.add(scan.bin_counts(sequence), scan.bins_are_exact());
    std::tie(low_, high_) = magnitudes.median_bounds();
  }

  bool is_massive(double magnitude) {
    if (!(magnitude > options_.least_magnitude) || !std::isfinite(magnitude) ||
        magnitude < options_.least_ratio * low_)
      return false;
    return magnitude >= options_.least_ratio * high_ ||
           magnitude >= options_.least_ratio * median();
  }

 private:
  double median() {
    if (median_ < 0) {
      const auto magnitudes = scan_.state[sequence_].to(torch::kFloat).abs();
      median_ = magnitudes.masked_select(magnitudes.isfinite()).median().item<double>();
    }
    return median_;
  }

  const MassiveActivationsOptions& options_;
  const StateScan& scan_;
  int64_t sequence_;
  double low_ = 0, high_ = 0;
  double median_ = -1;  // not yet computed
};

ChannelValues massive_values(Criterion& criterion, const StateScan& scan, int64_t sequence,
                             int64_t position) {
  ChannelValues values;
  for (int64_t channel = 0; channel < scan.channels(); ++channel) {
    const double value = scan.value(sequence, position, channel);
    if (criterion.is_massive(std::abs(value))) values.emplace_back(channel, value);
  }
  return values;
}

}  // namespace

void for_each_massive_token(const StateScan& scan, const MassiveActivationsOptions& options,
                            const VisitToken& visit) {
  for (int64_t sequence = 0; sequence < scan.sequences(); ++sequence) {
    const auto* token_max = scan.token_max.data() + sequence * scan.length();
    if (*std::max_element(token_max, token_max + scan.length()) <= options.least_magnitude)
      continue;
    Criterion criterion(options, scan, sequence);
    for (int64_t position = 0; position < scan.length(); ++position) {
      if (criterion.is_massive(token_max[position]))
        visit(sequence, position, massive_values(criterion, scan, sequence, position));
    }
  }
}

void expect_same_thresholds(std::string_view kind, const MassiveActivationsOptions& got,
                            const MassiveActivationsOptions& expected) {
  expect_same(kind, "least_magnitude", got.least_magnitude, expected.least_magnitude);
  expect_same(kind, "least_ratio", got.least_ratio, expected.least_ratio);
}

}  // namespace spikesink::detail
