#include "text/pre_tokenizer.h"

#include <algorithm>

#include "text/byte_alphabet.h"
#include "text/limits.h"
#include "text/pieces.h"

namespace spikesink::detail {
namespace {

std::vector<Piece> pieces_of(const SplitStep& step, std::string_view text) {
  std::vector<Piece> pieces;
  for_each_piece(step.pattern, text, [&](Piece piece) {
    piece.matched ^= step.invert;
    pieces.push_back(piece);
  });
  return pieces;
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
  auto pieces = pieces_of(step, text);
  if (step.behaviour != SplitBehaviour::kMergedWithNext) return joined(pieces, step.behaviour);
  std::ranges::reverse(pieces);
  pieces = joined(pieces, step.behaviour);
  std::ranges::reverse(pieces);
  return pieces;
}

std::string with_metaspaces(const MetaspaceStep& step, std::string_view text, bool from_start) {
  std::string result;
  for (const char c : text) c == ' ' ? result += step.replacement : result += c;
  using Prepend = MetaspaceStep::Prepend;
  const bool wanted =
      step.prepend == Prepend::kAlways || (step.prepend == Prepend::kFirst && from_start);
  if (wanted && !result.starts_with(step.replacement)) result.insert(0, step.replacement);
  return result;
}

}  // namespace

void PreTokenizer::Run::apply_split(const SplitStep& step, std::span<const Step> rest,
                                    std::string_view text, bool from_start) const {
  const auto run_rest = [&](const Piece& piece) {
    run(rest, text.substr(piece.begin, piece.end - piece.begin), from_start && piece.begin == 0);
  };
  switch (step.behaviour) {
    case SplitBehaviour::kIsolated:
      return for_each_piece(step.pattern, text, run_rest);
    case SplitBehaviour::kRemoved:
      return for_each_piece(step.pattern, text, [&](const Piece& piece) {
        if (piece.matched == step.invert) run_rest(piece);
      });
    default:
      std::ranges::for_each(joined_pieces(step, text), run_rest);
  }
}

std::string PreTokenizer::Run::checked(std::string longer) const {
  check_growth("pre-tokenizer", text_bytes, longer.size());
  return longer;
}

void PreTokenizer::Run::run(std::span<const Step> steps, std::string_view text,
                            bool from_start) const {
  if (text.empty()) return;
  if (steps.empty()) return sink(text);
  const auto rest = steps.subspan(1);
  if (const auto* split_step = std::get_if<SplitStep>(&steps.front()))
    return apply_split(*split_step, rest, text, from_start);
  if (const auto* metaspace = std::get_if<MetaspaceStep>(&steps.front()))
    return run(rest, checked(with_metaspaces(*metaspace, text, from_start)), from_start);
  if (std::holds_alternative<SpellBytesStep>(steps.front()))
    return run(rest, checked(spelled(text)), from_start);
  if (text.front() == ' ') return run(rest, text, from_start);
  std::string spaced(1, ' ');
  run(rest, spaced += text, from_start);
}

}  // namespace spikesink::detail
