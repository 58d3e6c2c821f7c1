#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "detail/regex.h"

namespace spikesink::detail {

/// A value for the modules whose name matches.
struct ModulePattern {
  Regex names;
  double value = 0;
};

/// The settings of a LoRA adapter, from `adapter_config.json` of PEFT.
class AdapterConfig {
 public:
  /// Throws FileError for another kind of adapter, and for settings that are not supported.
  explicit AdapterConfig(const std::filesystem::path& file);

  /// Returns the rank of a module's matrices ("model.layers.0.self_attn.q_proj").
  int64_t rank(const std::string& module) const;
  /// Returns the factor of B A: alpha / rank, or alpha / sqrt(rank) (rsLoRA).
  double scale(const std::string& module) const;
  /// True if a module's rows are scaled to learned norms.
  bool is_dora() const { return is_dora_; }
  /// True if a replaced embedding is also the unembedding that was tied to it.
  bool keeps_tie() const { return keeps_tie_; }

 private:
  double rank_ = 0, alpha_ = 0;
  bool is_rank_stabilised_ = false, is_dora_ = false, keeps_tie_ = false;
  std::vector<ModulePattern> ranks_, alphas_;
};

}  // namespace spikesink::detail
