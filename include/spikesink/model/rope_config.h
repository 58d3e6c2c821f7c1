#pragma once

#include <cstdint>
#include <vector>

namespace [[gnu::visibility("default")]] spikesink {

/// How RoPE's frequencies are changed for sequences longer than the trained context.
enum class RopeScalingKind {
  kNone,
  kLinear,   // every frequency is divided by `factor`
  kDynamic,  // the base grows with the length of sequences over `original_context` tokens (NTK)
  kLlama3,   // divides low frequencies by `factor`, keeps high ones, interpolates between them
  kYarn,     // like kLlama3, but interpolates linearly over the dimensions (arXiv 2309.00071)
  /// Each frequency is divided by its own factor: `short_factors` up to `original_context` tokens,
  /// `long_factors` for longer sequences (LongRoPE, arXiv 2402.13753; GGUF's rope_freqs).
  kFactors,
};

/// Returns "none", "linear", "dynamic", ...
const char* to_string(RopeScalingKind kind);

struct RopeScaling {
  RopeScalingKind kind = RopeScalingKind::kNone;
  double factor = 1.0;
  int64_t original_context = 0;  // context of the first training, in tokens
  /// kLlama3: frequencies with a wavelength over original_context / low_frequency_factor are
  /// divided by `factor`; those under original_context / high_frequency_factor are not scaled.
  double low_frequency_factor = 1.0;
  double high_frequency_factor = 4.0;
  /// kYarn: dimensions with more than `beta_fast` rotations over the original context are not
  /// scaled, those with fewer than `beta_slow` are divided by `factor`.
  double beta_fast = 32.0;
  double beta_slow = 1.0;
  /// kYarn: the first and the last dimension of the interpolation are rounded to integers.
  bool truncate = true;
  double attention_factor = 1.0;      // multiplies cosine and sine
  std::vector<double> short_factors;  // kFactors
  std::vector<double> long_factors;   // kFactors; empty: short_factors are used for all lengths
};

/// Rotary position embedding (arXiv 2104.09864).
struct RopeConfig {
  double theta = 10000.0;
  int64_t dimensions = 0;  // number of a head's first dimensions that are rotated; 0: all
  RopeScaling scaling;
};

}  // namespace spikesink
