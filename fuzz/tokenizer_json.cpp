// Fuzzes tokenizer.json and tokenizer_config.json. A tokenizer that loads must encode any text and
// decode the ids.

#include "spikesink/text/tokenizer.h"
#include "target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const fuzz::Folder folder;
  const auto parts = fuzz::split_input(fuzz::text_of(data, size), 2);
  folder.write("tokenizer.json", parts[0]);
  folder.write("tokenizer_config.json", parts[1].empty() ? "{}" : parts[1]);
  fuzz::expect_format_error_at_worst([&] {
    const auto tokenizer = spikesink::load_tokenizer(folder.path());
    const auto ids = tokenizer->encode("Hello, w\u00f6rld!  12 \u4f60\u597d <s>\n'll \xff");
    for (const int64_t id : ids) {
      fuzz::require(id >= 0 && id < tokenizer->vocabulary_size(), "an id outside the vocabulary");
      tokenizer->token_text(id);
      tokenizer->is_special(id);
    }
    tokenizer->decode(ids);
  });
  return 0;
}
