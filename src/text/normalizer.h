#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "text/regex.h"
#include "text/unicode_forms.h"

namespace spikesink::detail {

/// A piece of text on its way through a normalizer.
struct NormalText {
  std::string text;
  bool from_start = true;  // its first character stands for the first of the whole input
};

using NormalizerStep = std::function<void(NormalText&)>;

/// BERT's: each flag is a step, in this order.
struct BertNormalizer {
  bool clean_text = true;            // control characters go, white space becomes spaces
  bool handle_chinese_chars = true;  // ideographs get a space on either side
  bool strip_accents = true;
  bool lowercase = true;

  void operator()(NormalText& normal) const;
};

void lower_case(NormalText& normal);
void strip_marks(NormalText& normal);

NormalizerStep form_step(UnicodeForm form);
NormalizerStep strip_step(bool left, bool right);
/// Puts `content` in the place of each match.
NormalizerStep replace_step(Regex pattern, std::string content);
/// Puts `prefix` before text that is not empty.
NormalizerStep prepend_step(std::string prefix);

/// `text` with `content` in the place of each match of `pattern`; `what` does it, for the message
/// of check_growth.
std::string replaced(std::string_view what, const Regex& pattern, std::string_view text,
                     std::string_view content);

}  // namespace spikesink::detail
