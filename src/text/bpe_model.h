#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "text/token_model.h"
#include "text/vocabulary.h"

namespace spikesink::detail {

struct BpeOptions {
  bool ignore_merges = false;         // a word that is a token is that token, whatever the merges
  std::optional<int64_t> unknown_id;  // of a byte without a token; without one it is dropped
};

/// Byte-level byte-pair encoding: the neighbours whose merge ranks lowest are joined first, of
/// equal ones the leftmost.
class BpeModel : public TokenModel {
 public:
  using Merge = std::pair<std::string_view, std::string_view>;

  /// Reads what it needs of both. Merges rank as they stand; one of tokens that `vocabulary` lacks
  /// is a FormatError.
  BpeModel(const Vocabulary& vocabulary, const std::vector<Merge>& merges, BpeOptions options);

  void encode(std::string_view word, std::vector<int64_t>& ids) const override;

 private:
  struct Joint {
    int64_t rank;
    int64_t id;
  };
  const Joint* joint(int64_t left, int64_t right) const;

  BpeOptions options_;
  std::array<std::optional<int64_t>, 256> byte_ids_;
  std::unordered_map<uint64_t, Joint> joints_;            // by the ids of left and right
  std::unordered_map<std::string, int64_t> whole_words_;  // by bytes, where merges are ignored
};

}  // namespace spikesink::detail
