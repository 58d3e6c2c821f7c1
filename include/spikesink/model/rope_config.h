#pragma once

#include <cstdint>
#include <vector>

namespace [[gnu::visibility("default")]] spikesink {

/// How RoPE's frequencies are changed to reach beyond the trained context.
enum class RopeScalingKind {
  kNone,
  kLinear,   // every frequency divided by `factor`
  kDynamic,  // the base grows with a sequence longer than `original_context` (NTK)
  kLlama3,   // long wavelengths divided by `factor`, short ones kept, the band between blended
  kYarn,     // the same with a ramp over the coordinates (arXiv 2309.00071)
  kFactors,  // each frequency divided by its own number: `short_factors` up to `original_context`
             // tokens, `long_factors` beyond (LongRoPE, arXiv 2402.13753; GGUF's rope_freqs)
};

/// "none", "linear", "dynamic", ...
const char* to_string(RopeScalingKind kind);

struct RopeScaling {
  RopeScalingKind kind = RopeScalingKind::kNone;
  double factor = 1.0;
  int64_t original_context = 0;        // what the model was first trained for, in tokens
  double low_frequency_factor = 1.0;   // kLlama3: longer wavelengths than original_context / this
                                       // are divided
  double high_frequency_factor = 4.0;  // kLlama3: shorter wavelengths than original_context / this
                                       // are kept
  double beta_fast = 32.0;             // kYarn: coordinates that turn more often are kept
  double beta_slow = 1.0;              // kYarn: those that turn less often are divided
  bool truncate = true;                // kYarn: the ramp's ends are rounded to whole coordinates
  double attention_factor = 1.0;       // kYarn, kFactors: multiplies cosine and sine
  std::vector<double> short_factors;   // kFactors
  std::vector<double> long_factors;    // kFactors; empty: short_factors serve all lengths
};

/// Rotary position embedding (arXiv 2104.09864).
struct RopeConfig {
  double theta = 10000.0;
  int64_t dimensions = 0;  // how many of a head's first coordinates are turned; 0: all
  RopeScaling scaling;
};

}  // namespace spikesink
