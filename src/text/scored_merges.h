#pragma once

#include <vector>

#include "text/bpe_model.h"

namespace spikesink::detail {

/// Returns the merges that a SentencePiece vocabulary implies: for each token, all splits into two
/// tokens. Merges are sorted by descending score of the merged token, then by descending length of
/// the left token. `scores` are by id, one per token; the merges are views of the tokens in
/// `vocabulary`.
std::vector<BpeModel::Merge> scored_merges(const Vocabulary& vocabulary,
                                           const std::vector<double>& scores);

}  // namespace spikesink::detail
