#include "text/unicode_forms.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <unordered_map>
#include <vector>

#include "detail/utf8.h"

namespace spikesink::detail {
namespace {

/// One step of a canonical decomposition; `second` is 0 if the result is a single character.
struct Decomposition {
  char32_t whole;
  char32_t first;
  char32_t second;
  bool composes;
};

/// A run of characters with the full decomposition `text`; the last character of `text` increases
/// by one for each character of the run.
struct CompatibilityDecomposition {
  char32_t first;
  char32_t last;
  std::u32string_view text;
};

struct CombiningClass {
  char32_t first;
  char32_t last;
  uint8_t value;
};

#include "text/unicode_forms_tables.inc"

constexpr char32_t kFirstMark = 0x300;  // text with only lower code points is always in NFC

constexpr char32_t kSyllables = 0xAC00, kLeads = 0x1100, kVowels = 0x1161, kTails = 0x11A7;
constexpr char32_t kLeadCount = 19, kVowelCount = 21, kTailCount = 28;
constexpr char32_t kSyllableCount = kLeadCount * kVowelCount * kTailCount;

uint8_t combining_class(char32_t c) {
  if (c < kFirstMark) return 0;
  const auto* range = std::ranges::lower_bound(kCombiningClasses, c, {}, &CombiningClass::last);
  return range != std::end(kCombiningClasses) && c >= range->first ? range->value : 0;
}

void append_decomposed(char32_t c, std::u32string& out) {
  if (c - kSyllables < kSyllableCount) {
    const char32_t index = c - kSyllables;
    out.push_back(kLeads + index / (kVowelCount * kTailCount));
    out.push_back(kVowels + index / kTailCount % kVowelCount);
    if (index % kTailCount != 0) out.push_back(kTails + index % kTailCount);
    return;
  }
  const auto* found = std::ranges::lower_bound(kDecompositions, c, {}, &Decomposition::whole);
  if (found == std::end(kDecompositions) || found->whole != c) {
    out += c;
    return;
  }
  append_decomposed(found->first, out);
  if (found->second != 0) append_decomposed(found->second, out);
}

void append_compatible(char32_t c, std::u32string& out) {
  const auto* run = std::ranges::lower_bound(kCompatibilityDecompositions, c, {},
                                             &CompatibilityDecomposition::last);
  if (run == std::end(kCompatibilityDecompositions) || c < run->first)
    return append_decomposed(c, out);
  out += run->text;
  out.back() += c - run->first;
}

uint64_t pair_of(char32_t first, char32_t second) {
  return uint64_t{first} << 32 | second;
}

std::unordered_map<uint64_t, char32_t> read_compositions() {
  std::unordered_map<uint64_t, char32_t> result;
  for (const Decomposition& entry : kDecompositions) {
    if (entry.composes) result.emplace(pair_of(entry.first, entry.second), entry.whole);
  }
  return result;
}

/// Returns the composition of two characters, or 0.
char32_t compose(char32_t first, char32_t second) {
  static const auto kCompositions = read_compositions();
  if (first - kLeads < kLeadCount && second - kVowels < kVowelCount)
    return kSyllables + ((first - kLeads) * kVowelCount + second - kVowels) * kTailCount;
  const bool lacks_tail =
      first - kSyllables < kSyllableCount && (first - kSyllables) % kTailCount == 0;
  if (lacks_tail && second > kTails && second < kTails + kTailCount) return first + second - kTails;
  const auto found = kCompositions.find(pair_of(first, second));
  return found == kCompositions.end() ? 0 : found->second;
}

/// Sorts each run of marks by combining class, stably.
void order_marks(std::u32string& text) {
  for (size_t begin = 0; begin < text.size();) {
    if (combining_class(text[begin]) == 0) {
      ++begin;
      continue;
    }
    size_t end = begin;
    while (end < text.size() && combining_class(text[end]) != 0) ++end;
    std::ranges::stable_sort(text.begin() + begin, text.begin() + end, {}, combining_class);
    begin = end;
  }
}

/// Composes each mark with its starter, unless a mark of the same class, or a starter, is between
/// them.
void compose_all(std::u32string& text) {
  constexpr size_t kNone = std::u32string::npos;
  size_t starter = kNone;
  size_t written = 0;
  for (const char32_t c : text) {
    const uint8_t own_class = combining_class(c);
    if (starter != kNone) {
      const bool adjacent = written == starter + 1;
      const bool blocked = !adjacent && combining_class(text[written - 1]) >= own_class;
      const char32_t whole = blocked ? 0 : compose(text[starter], c);
      if (whole != 0) {
        text[starter] = whole;
        continue;
      }
    }
    if (own_class == 0) starter = written;
    text[written++] = c;
  }
  text.resize(written);
}

}  // namespace

std::string to_form(UnicodeForm form, std::string_view text) {
  const bool compatible = form == UnicodeForm::kKC || form == UnicodeForm::kKD;
  const bool composed = form == UnicodeForm::kC || form == UnicodeForm::kKC;
  const char32_t first_affected = form == UnicodeForm::kC ? kFirstMark : 0x80;
  std::u32string decomposed;
  bool affected = false;
  for (size_t offset = 0; offset < text.size();) {
    const Utf8Sequence sequence = utf8_sequence(text, offset);
    affected |= sequence.code_point >= first_affected;
    compatible ? append_compatible(sequence.code_point, decomposed)
               : append_decomposed(sequence.code_point, decomposed);
    offset += sequence.bytes;
  }
  if (!affected) return std::string(text);
  order_marks(decomposed);
  if (composed) compose_all(decomposed);
  std::string result;
  result.reserve(text.size());
  for (const char32_t c : decomposed) append_utf8(c, result);
  return result;
}

}  // namespace spikesink::detail
