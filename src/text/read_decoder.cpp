#include "detail/fail.h"
#include "text/limits.h"
#include "text/read_tokenizer.h"

namespace spikesink::detail {
namespace {

Decoder::Step read_metaspace_decoder(JsonObject& object) {
  const MetaspaceStep step = read_metaspace(object);
  object.ignore({"split"});
  return metaspace_decoder(step.replacement, step.prepend != MetaspaceStep::Prepend::kNever);
}

Decoder::Step read_suffix_decoder(JsonObject& object) {
  const std::string suffix = object.text("suffix");
  if (suffix.empty())
    fail_format("[load_tokenizer] a decoder's suffix is empty ({})", object.where());
  return suffix_decoder(suffix);
}

void add_decoder(JsonObject object, Decoder& decoder) {
  const std::string type = object.text("type");
  if (type == "Sequence") {
    object.for_each_object("decoders", [&](JsonObject& inside) { add_decoder(inside, decoder); });
  } else if (type == "ByteLevel") {
    decoder.add(byte_level_decoder());
    object.ignore({"add_prefix_space", "trim_offsets", "use_regex"});
  } else if (type == "Metaspace") {
    decoder.add(read_metaspace_decoder(object));
  } else if (type == "WordPiece") {
    decoder.add(word_piece_decoder(object.text("prefix"), object.flag("cleanup", true)));
  } else if (type == "Replace") {
    decoder.add(replace_decoder(read_pattern(object), object.text("content")));
  } else if (type == "ByteFallback") {
    decoder.add(byte_fallback_decoder());
  } else if (type == "Fuse") {
    decoder.add(fuse_decoder());
  } else if (type == "Strip") {
    decoder.add(strip_decoder(object.character("content"), object.integer("start"),
                              object.integer("stop")));
  } else if (type == "BPEDecoder") {
    decoder.add(read_suffix_decoder(object));
  } else {
    object.refuse_type("a decoder",
                       "ByteLevel, Metaspace, WordPiece, Replace, ByteFallback, Fuse, Strip, "
                       "BPEDecoder or Sequence");
  }
  object.refuse_unread();
  check_steps("decoder", decoder.steps(), object.where());
}

}  // namespace

void read_decoder(JsonObject& file, TokenizerParts& parts) {
  if (file.find("decoder") != nullptr) add_decoder(file.object("decoder"), parts.decoder);
}

}  // namespace spikesink::detail
