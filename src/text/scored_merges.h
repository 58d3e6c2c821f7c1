#pragma once

#include <vector>

#include "text/bpe_model.h"

namespace spikesink::detail {

/// The merges that a SentencePiece vocabulary implies: each token out of any two that it is made
/// of. The token of the highest score is joined first, of equal ones the one whose left part has
/// more characters. `scores` are by id, their number is the vocabulary's; the merges are views of
/// its tokens.
std::vector<BpeModel::Merge> scored_merges(const Vocabulary& vocabulary,
                                           const std::vector<double>& scores);

}  // namespace spikesink::detail
