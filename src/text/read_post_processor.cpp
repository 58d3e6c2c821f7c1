#include <utility>

#include "detail/fail.h"
#include "text/read_tokenizer.h"

namespace spikesink::detail {
namespace {

// Published templates add up to four. A token of many ids may occur many times.
constexpr size_t kMostAdded = 1024;

/// Appends the ids of a special token of the template.
void append_template_ids(JsonObject& processor, const nlohmann::json& special,
                         std::vector<int64_t>& ids) {
  JsonObject piece(special, processor.where("single"));
  JsonObject tokens = processor.object("special_tokens");
  JsonObject token = tokens.object(piece.text("id"));
  for (const auto& id : token.array("ids")) ids.push_back(json_integer(id, "ids", token.where()));
  if (ids.size() > kMostAdded) {
    fail_format(
        "[load_tokenizer] a template adds too many tokens on one side of the text: got {}, "
        "expected at most {} ({})",
        ids.size(), kMostAdded, processor.where());
  }
}

BoundaryTokens read_template(JsonObject& processor) {
  BoundaryTokens result;
  bool text_seen = false;
  processor.for_each_object("single", [&](JsonObject& piece) {
    if (const auto* special = piece.find("SpecialToken")) {
      append_template_ids(processor, *special, text_seen ? result.suffix : result.prefix);
    } else if (JsonObject sequence = piece.object("Sequence");
               std::exchange(text_seen, true) || sequence.text("id") != "A") {
      fail_format("[load_tokenizer] a template for one text has another sequence: got '{}' ({})",
                  sequence.text("id"), sequence.where());
    }
    piece.refuse_unread();
  });
  if (!text_seen) fail_format("[load_tokenizer] a template has no text ({})", processor.where());
  processor.ignore({"pair", "special_tokens"});
  return result;
}

/// Returns the id in ["[CLS]", 101].
int64_t pair_id(JsonObject& processor, std::string_view key) {
  const auto& pair = processor.array(key);
  if (pair.size() != 2) {
    fail_format("[load_tokenizer] {} is not a token and its id: got {} ({})", key, pair.dump(),
                processor.where());
  }
  return json_integer(pair[1], key, processor.where());
}

BoundaryTokens read_pairs(JsonObject& processor) {
  processor.ignore({"trim_offsets", "add_prefix_space"});  // affect offsets only
  BoundaryTokens result;
  result.prefix = {pair_id(processor, "cls")};
  result.suffix = {pair_id(processor, "sep")};
  return result;
}

void set_once(std::optional<BoundaryTokens>& boundaries, const BoundaryTokens& found,
              const JsonObject& object) {
  if (boundaries)
    fail_format("[load_tokenizer] several templates, expected one ({})", object.where());
  boundaries = found;
}

void add_post_processor(JsonObject object, std::optional<BoundaryTokens>& boundaries) {
  const std::string type = object.text("type");
  if (type == "Sequence") {
    object.for_each_object("processors",
                           [&](JsonObject& inside) { add_post_processor(inside, boundaries); });
  } else if (type == "TemplateProcessing") {
    set_once(boundaries, read_template(object), object);
  } else if (type == "BertProcessing" || type == "RobertaProcessing") {
    set_once(boundaries, read_pairs(object), object);
  } else if (type == "ByteLevel") {
    object.ignore({"add_prefix_space", "trim_offsets", "use_regex"});  // offsets only
  } else {
    object.refuse_type(
        "a post-processor",
        "ByteLevel, TemplateProcessing, BertProcessing, RobertaProcessing or Sequence");
  }
  object.refuse_unread();
}

}  // namespace

BoundaryTokens read_post_processor(JsonObject& file) {
  std::optional<BoundaryTokens> boundaries;
  if (file.find("post_processor") != nullptr)
    add_post_processor(file.object("post_processor"), boundaries);
  if (!boundaries) return {};
  if (!boundaries->prefix.empty()) boundaries->bos_id = boundaries->prefix.front();
  if (!boundaries->suffix.empty()) boundaries->eos_id = boundaries->suffix.back();
  return *boundaries;
}

}  // namespace spikesink::detail
