#include <array>
#include <utility>

#include "detail/fail.h"
#include "text/limits.h"
#include "text/read_tokenizer.h"
#include "text/split_pattern.h"
#include "text/unicode_properties.h"

namespace spikesink::detail {
namespace {

SplitBehaviour behaviour_named(const std::string& name, const std::string& where) {
  constexpr std::array<std::pair<std::string_view, SplitBehaviour>, 5> kBehaviours = {{
      {"Removed", SplitBehaviour::kRemoved},
      {"Isolated", SplitBehaviour::kIsolated},
      {"MergedWithPrevious", SplitBehaviour::kMergedWithPrevious},
      {"MergedWithNext", SplitBehaviour::kMergedWithNext},
      {"Contiguous", SplitBehaviour::kContiguous},
  }};
  for (const auto& [known, behaviour] : kBehaviours) {
    if (name == known) return behaviour;
  }
  fail_format("[load_tokenizer] a split's behavior is not understood: got '{}' ({})", name, where);
}

SplitStep read_split(JsonObject& object) {
  return {read_pattern(object), behaviour_named(object.text("behavior"), object.where()),
          object.flag("invert", false)};
}

SplitStep read_punctuation(JsonObject& object) {
  const bool named = object.find("behavior") != nullptr;
  return punctuation_step(named ? behaviour_named(object.text("behavior"), object.where())
                                : SplitBehaviour::kIsolated);
}

/// Digits as in Rust, whose Unicode version is one year newer than Oniguruma's.
SplitStep read_digits(JsonObject& object) {
  const bool each = object.flag("individual_digits", false);
  constexpr std::string_view kDigit = R"([\p{N}\x{11de0}-\x{11de9}\x{16ff4}-\x{16ff6}])";
  return isolating_step(std::string(kDigit) + (each ? "" : "+"), object.where());
}

void add_metaspace(JsonObject& object, PreTokenizer& pre_tokenizer) {
  const MetaspaceStep step = read_metaspace(object);
  pre_tokenizer.add(step);
  if (object.flag("split", true)) {
    pre_tokenizer.add(SplitStep{Regex(quoted_pattern(step.replacement), object.where()),
                                SplitBehaviour::kMergedWithNext});
  }
}

void add_pre_tokenizer(JsonObject object, PreTokenizer& pre_tokenizer) {
  const std::string type = object.text("type");
  if (type == "Sequence") {
    object.for_each_object("pretokenizers",
                           [&](JsonObject& inside) { add_pre_tokenizer(inside, pre_tokenizer); });
  } else if (type == "ByteLevel") {
    if (object.flag("add_prefix_space", true)) pre_tokenizer.add(PrefixSpaceStep{});
    if (object.flag("use_regex", true))
      pre_tokenizer.add(isolating_step(kByteLevelPattern, object.where()));
    pre_tokenizer.add(SpellBytesStep{});
    object.ignore({"trim_offsets"});
  } else if (type == "Split") {
    pre_tokenizer.add(read_split(object));
  } else if (type == "Digits") {
    pre_tokenizer.add(read_digits(object));
  } else if (type == "BertPreTokenizer") {
    add_bert_pre_tokenizer(pre_tokenizer);
  } else if (type == "Whitespace") {
    const std::string word = word_members();
    pre_tokenizer.add(
        SplitStep{Regex(fmt::format("[{0}]+|[^{0}\\p{{White_Space}}]+", word), "words"),
                  SplitBehaviour::kRemoved, /*invert=*/true});
  } else if (type == "WhitespaceSplit") {
    pre_tokenizer.add(white_space_step());
  } else if (type == "Punctuation") {
    pre_tokenizer.add(read_punctuation(object));
  } else if (type == "CharDelimiterSplit") {
    pre_tokenizer.add(
        SplitStep{Regex(quoted_pattern(object.character("delimiter")), object.where()),
                  SplitBehaviour::kRemoved});
  } else if (type == "Metaspace") {
    add_metaspace(object, pre_tokenizer);
  } else {
    object.refuse_type("a pre-tokenizer",
                       "ByteLevel, Split, Digits, BertPreTokenizer, Whitespace, WhitespaceSplit, "
                       "Punctuation, CharDelimiterSplit, Metaspace or Sequence");
  }
  object.refuse_unread();
  check_steps("pre-tokenizer", pre_tokenizer.steps(), object.where());
}

}  // namespace

SplitStep isolating_step(std::string_view oniguruma_pattern, std::string_view where) {
  return {Regex(to_pcre2(oniguruma_pattern, where), where)};
}

SplitStep white_space_step() {
  return {Regex("\\p{White_Space}", "white space"), SplitBehaviour::kRemoved};
}

SplitStep punctuation_step(SplitBehaviour behaviour) {
  return {Regex(fmt::format("[{}]", punctuation_members()), "punctuation"), behaviour};
}

void add_bert_pre_tokenizer(PreTokenizer& pre_tokenizer) {
  pre_tokenizer.add(white_space_step());
  pre_tokenizer.add(punctuation_step(SplitBehaviour::kIsolated));
}

Regex read_pattern(JsonObject& object) {
  JsonObject pattern = object.object("pattern");
  const bool is_text = pattern.find("String") != nullptr;
  const std::string translated = is_text ? quoted_pattern(pattern.text("String"))
                                         : to_pcre2(pattern.text("Regex"), pattern.where());
  pattern.refuse_unread();
  return {translated, pattern.where()};
}

MetaspaceStep read_metaspace(JsonObject& object) {
  using Prepend = MetaspaceStep::Prepend;
  object.ignore({"str_rep"});
  MetaspaceStep step{object.character("replacement")};
  const std::string scheme = object.text("prepend_scheme", "");
  if (scheme == "never") {
    step.prepend = Prepend::kNever;
  } else if (scheme == "first") {
    step.prepend = Prepend::kFirst;
  } else if (scheme != "always" && !scheme.empty()) {
    fail_format(
        "[load_tokenizer] a prepend_scheme is not understood: got '{}', expected first, never or "
        "always ({})",
        scheme, object.where());
  }
  if (!object.flag("add_prefix_space", true) && step.prepend != Prepend::kNever) {
    fail_format(
        "[load_tokenizer] add_prefix_space is false but the prepend_scheme is '{}', expected never "
        "({})",
        scheme, object.where());
  }
  return step;
}

void read_pre_tokenizer(JsonObject& file, TokenizerParts& parts) {
  if (file.find("pre_tokenizer") != nullptr)
    add_pre_tokenizer(file.object("pre_tokenizer"), parts.pre_tokenizer);
}

}  // namespace spikesink::detail
