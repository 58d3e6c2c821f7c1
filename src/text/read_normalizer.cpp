#include "text/char_map.h"
#include "text/limits.h"
#include "text/read_tokenizer.h"

namespace spikesink::detail {
namespace {

BertNormalizer read_bert(JsonObject& object) {
  BertNormalizer bert;
  bert.clean_text = object.flag("clean_text", true);
  bert.handle_chinese_chars = object.flag("handle_chinese_chars", true);
  bert.lowercase = object.flag("lowercase", true);
  bert.strip_accents = object.flag("strip_accents", bert.lowercase);
  return bert;
}

void add_normalizer(JsonObject object, std::vector<NormalizerStep>& steps) {
  const std::string type = object.text("type");
  if (type == "Sequence") {
    object.for_each_object("normalizers",
                           [&](JsonObject& inside) { add_normalizer(inside, steps); });
  } else if (type == "NFC") {
    steps.push_back(form_step(UnicodeForm::kC));
  } else if (type == "NFD") {
    steps.push_back(form_step(UnicodeForm::kD));
  } else if (type == "NFKC") {
    steps.push_back(form_step(UnicodeForm::kKC));
  } else if (type == "NFKD") {
    steps.push_back(form_step(UnicodeForm::kKD));
  } else if (type == "Lowercase") {
    steps.emplace_back(lower_case);
  } else if (type == "StripAccents") {
    steps.emplace_back(strip_marks);
  } else if (type == "Strip") {
    steps.push_back(strip_step(object.flag("strip_left", true), object.flag("strip_right", true)));
  } else if (type == "Replace") {
    steps.push_back(replace_step(read_pattern(object), object.text("content")));
  } else if (type == "Prepend") {
    steps.push_back(prepend_step(object.text("prepend")));
  } else if (type == "BertNormalizer") {
    steps.emplace_back(read_bert(object));
  } else if (type == "Precompiled") {
    const auto where = object.where("precompiled_charsmap");
    steps.push_back(char_map_step(from_base64(object.text("precompiled_charsmap"), where), where));
  } else {
    object.refuse_type("a normalizer",
                       "NFC, NFD, NFKC, NFKD, Lowercase, StripAccents, Strip, Replace, Prepend, "
                       "BertNormalizer, Precompiled or Sequence");
  }
  object.refuse_unread();
  check_steps("normalizer", steps.size(), object.where());
}

}  // namespace

void read_normalizer(JsonObject& file, TokenizerParts& parts) {
  if (file.find("normalizer") != nullptr)
    add_normalizer(file.object("normalizer"), parts.normalizer);
}

}  // namespace spikesink::detail
