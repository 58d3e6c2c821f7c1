#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "detail/regex.h"
#include "text/unicode_forms.h"

namespace spikesink::detail {

/// A piece of text during normalisation.
struct NormalText {
  std::string text;
  bool from_start = true;  // its first character comes from the first of the whole input
};

using NormalizerStep = std::function<void(NormalText&)>;

/// The normalizer of BERT. Each flag enables a step, in this order.
struct BertNormalizer {
  bool clean_text = true;            // removes control characters, replaces white space by spaces
  bool handle_chinese_chars = true;  // adds a space before and after ideographs
  bool strip_accents = true;
  bool lowercase = true;

  void operator()(NormalText& normal) const;
};

void lower_case(NormalText& normal);
void strip_marks(NormalText& normal);

NormalizerStep form_step(UnicodeForm form);
NormalizerStep strip_step(bool left, bool right);
/// Replaces each match by `content`.
NormalizerStep replace_step(Regex pattern, std::string content);
/// Adds `prefix` before text that is not empty.
NormalizerStep prepend_step(std::string prefix);

/// Returns `text` with each match of `pattern` replaced by `content`. `what` names the caller in
/// the message of check_growth.
std::string replaced(std::string_view what, const Regex& pattern, std::string_view text,
                     std::string_view content);

}  // namespace spikesink::detail
