#include <array>
#include <utility>

#include "detail/fail.h"
#include "text/read_tokenizer.h"
#include "text/split_pattern.h"
#include "text/unicode_nfc.h"

namespace spikesink::detail {
namespace {

/// The objects of `array`, or none when the key is absent.
template <typename Visit>
void for_each_object(JsonObject& object, std::string_view key, Visit visit) {
  size_t number = 0;
  for (const auto& element : object.array(key)) {
    JsonObject inside(element, object.where(key) + fmt::format("[{}]", number++));
    visit(inside);
  }
}

void add_normalizer(JsonObject object, TokenizerParts& parts) {
  const std::string type = object.text("type");
  if (type == "Sequence") {
    for_each_object(object, "normalizers",
                    [&](JsonObject& inside) { add_normalizer(inside, parts); });
  } else if (type == "NFC") {
    parts.normalize = to_nfc;
  } else {
    object.refuse_type("a normalizer", "NFC or Sequence");
  }
  object.refuse_unread();
}

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
  JsonObject pattern = object.object("pattern");
  const bool is_text = pattern.find("String") != nullptr;
  const std::string translated = is_text ? quoted_pattern(pattern.text("String"))
                                         : to_pcre2(pattern.text("Regex"), pattern.where());
  pattern.refuse_unread();
  return {Regex(translated, pattern.where()),
          behaviour_named(object.text("behavior"), object.where()), object.flag("invert", false)};
}

/// Adds steps to the pre-tokenizer; `byte_level` says whether the step that spells bytes was met,
/// after which no other can work on text.
void add_pre_tokenizer(JsonObject object, PreTokenizer& pre_tokenizer, bool& byte_level) {
  const std::string type = object.text("type");
  if (byte_level) {
    fail_format("[load_tokenizer] a pre-tokenizer follows ByteLevel: got '{}' ({})", type,
                object.where());
  }
  if (type == "Sequence") {
    for_each_object(object, "pretokenizers", [&](JsonObject& inside) {
      add_pre_tokenizer(inside, pre_tokenizer, byte_level);
    });
  } else if (type == "ByteLevel") {
    byte_level = true;
    if (object.flag("add_prefix_space", true)) pre_tokenizer.add(PrefixSpaceStep{});
    if (object.flag("use_regex", true))
      pre_tokenizer.add(isolating_step(kByteLevelPattern, object.where()));
    object.ignore({"trim_offsets"});
  } else if (type == "Split") {
    pre_tokenizer.add(read_split(object));
  } else if (type == "Digits") {
    const bool each = object.flag("individual_digits", false);
    pre_tokenizer.add(isolating_step(each ? R"(\p{N})" : R"(\p{N}+)", object.where()));
  } else {
    object.refuse_type("a pre-tokenizer", "ByteLevel, Split, Digits or Sequence");
  }
  object.refuse_unread();
}

/// The one id that a piece of the template puts in; several are not understood.
int64_t template_id(JsonObject& processor, const nlohmann::json& special) {
  JsonObject piece(special, processor.where("single"));
  const std::string name = piece.text("id");
  JsonObject tokens = processor.object("special_tokens");
  JsonObject token = tokens.object(name);
  const auto& ids = token.array("ids");
  if (ids.size() != 1) {
    fail_format("[load_tokenizer] a template's token '{}' has {} ids, expected 1 ({})", name,
                ids.size(), token.where());
  }
  return json_integer(ids[0], "ids", token.where());
}

BoundaryTokens read_template(JsonObject& processor) {
  BoundaryTokens result;
  bool text_seen = false;
  for_each_object(processor, "single", [&](JsonObject& piece) {
    if (const auto* special = piece.find("SpecialToken")) {
      auto& place = text_seen ? result.eos_id : result.bos_id;
      if (place) {
        fail_format(
            "[load_tokenizer] a template puts several tokens {} the text, expected one ({})",
            text_seen ? "after" : "before", piece.where());
      }
      place = template_id(processor, *special);
    } else if (JsonObject sequence = piece.object("Sequence");
               std::exchange(text_seen, true) || sequence.text("id") != "A") {
      fail_format("[load_tokenizer] a template for one text takes another: got '{}' ({})",
                  sequence.text("id"), sequence.where());
    }
    piece.refuse_unread();
  });
  if (!text_seen)
    fail_format("[load_tokenizer] a template leaves out the text ({})", processor.where());
  processor.ignore({"pair", "special_tokens"});
  return result;
}

void add_post_processor(JsonObject object, std::optional<BoundaryTokens>& boundaries) {
  const std::string type = object.text("type");
  if (type == "Sequence") {
    for_each_object(object, "processors",
                    [&](JsonObject& inside) { add_post_processor(inside, boundaries); });
  } else if (type == "TemplateProcessing") {
    if (boundaries)
      fail_format("[load_tokenizer] there are two templates, expected one ({})", object.where());
    boundaries = read_template(object);
  } else if (type == "ByteLevel") {
    object.ignore({"add_prefix_space", "trim_offsets", "use_regex"});  // offsets only
  } else {
    object.refuse_type("a post-processor", "ByteLevel, TemplateProcessing or Sequence");
  }
  object.refuse_unread();
}

}  // namespace

const std::string_view kByteLevelPattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

SplitStep isolating_step(std::string_view oniguruma_pattern, std::string_view where) {
  return {Regex(to_pcre2(oniguruma_pattern, where), where)};
}

void read_normalizer(JsonObject& file, TokenizerParts& parts) {
  if (file.find("normalizer") != nullptr) add_normalizer(file.object("normalizer"), parts);
}

void read_pre_tokenizer(JsonObject& file, TokenizerParts& parts) {
  bool byte_level = false;
  if (file.find("pre_tokenizer") != nullptr)
    add_pre_tokenizer(file.object("pre_tokenizer"), parts.pre_tokenizer, byte_level);
  if (!byte_level) {
    fail_format("[load_tokenizer] the pre_tokenizer has no ByteLevel, expected one ({})",
                file.where());
  }
}

void check_decoder(JsonObject& file) {
  JsonObject decoder = file.object("decoder");
  if (decoder.text("type") != "ByteLevel") decoder.refuse_type("the decoder", "ByteLevel");
  decoder.ignore({"add_prefix_space", "trim_offsets", "use_regex"});
  decoder.refuse_unread();
}

BoundaryTokens read_post_processor(JsonObject& file) {
  std::optional<BoundaryTokens> boundaries;
  if (file.find("post_processor") != nullptr)
    add_post_processor(file.object("post_processor"), boundaries);
  if (!boundaries) return {};
  boundaries->adds_bos = boundaries->bos_id.has_value();
  boundaries->adds_eos = boundaries->eos_id.has_value();
  return *boundaries;
}

}  // namespace spikesink::detail
