#include "text/pre_tokenizer.h"

#include <algorithm>

#include "text/utf8.h"

namespace spikesink::detail {
namespace {

struct Piece {
  size_t begin;
  size_t end;
  bool matched;
};

/// Calls `visit` with the pieces of `text` from left to right, some of them empty.
template <typename Visit>
void for_each_piece(const SplitStep& step, std::string_view text, Visit visit) {
  size_t done = 0;
  size_t from = 0;
  bool any = false;
  while (from <= text.size()) {
    const auto match = step.pattern.find(text, from);
    if (!match) break;
    if (any && match->begin == match->end && match->end == done) {
      // An empty match where the last one ended.
      if (from == text.size()) break;
      from += utf8_sequence(text, from).bytes;
      continue;
    }
    if (done != match->begin) visit(Piece{done, match->begin, step.invert});
    visit(Piece{match->begin, match->end, !step.invert});
    done = from = match->end;
    any = true;
  }
  if (done != text.size()) visit(Piece{done, text.size(), step.invert});
}

std::vector<Piece> joined(const std::vector<Piece>& pieces, SplitBehaviour behaviour) {
  std::vector<Piece> result;
  bool previous = false;
  for (const Piece& piece : pieces) {
    const bool joins = behaviour == SplitBehaviour::kContiguous ? piece.matched == previous
                                                                : piece.matched && !previous;
    if (joins && !result.empty()) {
      result.back().begin = std::min(result.back().begin, piece.begin);
      result.back().end = std::max(result.back().end, piece.end);
    } else {
      result.push_back(piece);
    }
    previous = piece.matched;
  }
  return result;
}

std::vector<Piece> joined_pieces(const SplitStep& step, std::string_view text) {
  std::vector<Piece> pieces;
  for_each_piece(step, text, [&](const Piece& piece) { pieces.push_back(piece); });
  if (step.behaviour != SplitBehaviour::kMergedWithNext) return joined(pieces, step.behaviour);
  std::ranges::reverse(pieces);
  pieces = joined(pieces, step.behaviour);
  std::ranges::reverse(pieces);
  return pieces;
}

}  // namespace

void PreTokenizer::run(std::span<const Step> steps, std::string_view text, const WordSink& sink) {
  if (text.empty()) return;
  if (steps.empty()) return sink(text);
  const auto rest = steps.subspan(1);
  if (std::holds_alternative<PrefixSpaceStep>(steps.front())) {
    if (text.front() == ' ') return run(rest, text, sink);
    std::string spaced(1, ' ');
    spaced += text;
    return run(rest, spaced, sink);
  }
  const auto& step = std::get<SplitStep>(steps.front());
  const auto pass_on = [&](const Piece& piece) {
    run(rest, text.substr(piece.begin, piece.end - piece.begin), sink);
  };
  switch (step.behaviour) {
    case SplitBehaviour::kIsolated:
      return for_each_piece(step, text, pass_on);
    case SplitBehaviour::kRemoved:
      return for_each_piece(step, text, [&](const Piece& piece) {
        if (!piece.matched) pass_on(piece);
      });
    default:
      std::ranges::for_each(joined_pieces(step, text), pass_on);
  }
}

}  // namespace spikesink::detail
