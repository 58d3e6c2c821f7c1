#include "text/normalizer.h"

#include <array>
#include <memory>
#include <utility>

#include "detail/utf8.h"
#include "text/limits.h"
#include "text/pieces.h"
#include "text/unicode_properties.h"

namespace spikesink::detail {
namespace {

/// Calls `put(code_point, out)` for each code point; `put` appends its replacement to `out`.
template <typename Put>
std::string mapped(std::string_view text, Put put) {
  std::string out;
  out.reserve(text.size());
  for (size_t offset = 0; offset < text.size();) {
    const Utf8Sequence sequence = utf8_sequence(text, offset);
    put(sequence.code_point, out);
    offset += sequence.bytes;
  }
  return out;
}

template <typename Removes>
void remove_if(NormalText& normal, Removes removes) {
  if (normal.text.empty()) return;
  normal.from_start &= !removes(utf8_sequence(normal.text, 0).code_point);
  normal.text = mapped(normal.text, [&](char32_t c, std::string& out) {
    if (!removes(c)) append_utf8(c, out);
  });
}

void clean(NormalText& normal) {
  remove_if(normal, is_removed_by_cleaning);
  normal.text = mapped(normal.text, [](char32_t c, std::string& out) {
    append_utf8(is_white_space(c) ? U' ' : c, out);
  });
}

bool is_ideograph(char32_t c) {
  struct Range {
    char32_t first;
    char32_t last;
  };
  // The ranges of BERT as in `tokenizers`, where extension E begins later than in Unicode.
  constexpr std::array<Range, 8> kRanges = {{{0x4E00, 0x9FFF},
                                             {0x3400, 0x4DBF},
                                             {0x20000, 0x2A6DF},
                                             {0x2A700, 0x2B73F},
                                             {0x2B740, 0x2B81F},
                                             {0x2B920, 0x2CEAF},
                                             {0xF900, 0xFAFF},
                                             {0x2F800, 0x2FA1F}}};
  for (const auto& [first, last] : kRanges) {
    if (c >= first && c <= last) return true;
  }
  return false;
}

void space_ideographs(NormalText& normal) {
  normal.text = mapped(normal.text, [](char32_t c, std::string& out) {
    const bool spaced = is_ideograph(c);
    if (spaced) out += ' ';
    append_utf8(c, out);
    if (spaced) out += ' ';
  });
}

}  // namespace

void BertNormalizer::operator()(NormalText& normal) const {
  if (clean_text) clean(normal);
  if (handle_chinese_chars) space_ideographs(normal);
  if (strip_accents) {
    normal.text = to_form(UnicodeForm::kD, normal.text);
    remove_if(normal, is_nonspacing_mark);
  }
  if (lowercase) lower_case(normal);
}

void lower_case(NormalText& normal) {
  normal.text = mapped(normal.text, append_lower_case);
}

void strip_marks(NormalText& normal) {
  remove_if(normal, is_mark);
}

NormalizerStep form_step(UnicodeForm form) {
  return [form](NormalText& normal) { normal.text = to_form(form, normal.text); };
}

NormalizerStep strip_step(bool left, bool right) {
  return [left, right](NormalText& normal) {
    const size_t begin = left ? skip_space_right(normal.text, 0) : 0;
    const size_t end =
        right ? skip_space_left(normal.text, normal.text.size()) : normal.text.size();
    normal.from_start &= begin == 0;
    normal.text = begin < end ? normal.text.substr(begin, end - begin) : "";
  };
}

NormalizerStep replace_step(Regex pattern, std::string content) {
  return [pattern = std::make_shared<Regex>(std::move(pattern)),
          content = std::move(content)](NormalText& normal) {
    const auto first = pattern->find(normal.text, 0);
    if (!first) return;
    // If several characters are replaced, `tokenizers` stores the position of the last one.
    if (first->begin == 0 && first->end > 0) {
      const auto match = std::string_view(normal.text).substr(0, first->end);
      normal.from_start &= !content.empty() && count_code_points(match) == 1;
    }
    normal.text = replaced("normalizer", *pattern, normal.text, content);
  };
}

NormalizerStep prepend_step(std::string prefix) {
  return [prefix = std::move(prefix)](NormalText& normal) {
    if (!normal.text.empty()) normal.text.insert(0, prefix);
  };
}

std::string replaced(std::string_view what, const Regex& pattern, std::string_view text,
                     std::string_view content) {
  std::string result;
  if (text.empty()) return result;
  for_each_piece(pattern, text, [&](const Piece& piece) {
    result += piece.matched ? content : text.substr(piece.begin, piece.end - piece.begin);
    check_growth(what, text.size(), result.size());
  });
  return result;
}

}  // namespace spikesink::detail
