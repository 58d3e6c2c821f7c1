// Fuzzes the text for the golden tokenizers of every kind. The first byte selects the tokenizer.

#include "spikesink/text/tokenizer.h"
#include "target.h"

namespace {

std::vector<std::unique_ptr<spikesink::Tokenizer>> golden_tokenizers() {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(SPIKESINK_GOLDENS "/text")) {
    if (entry.path().filename() == "tokenizer.json" || entry.path().extension() == ".gguf")
      paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  std::vector<std::unique_ptr<spikesink::Tokenizer>> tokenizers;
  for (const auto& path : paths) tokenizers.push_back(spikesink::load_tokenizer(path));
  fuzz::require(!tokenizers.empty(), "no tokenizers");
  return tokenizers;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto tokenizers = golden_tokenizers();
  if (size == 0) return 0;
  const auto& tokenizer = *tokenizers[data[0] % tokenizers.size()];
  fuzz::expect_format_error_at_worst([&] {
    const auto ids = tokenizer.encode(fuzz::text_of(data + 1, size - 1));
    for (const int64_t id : ids) {
      fuzz::require(id >= 0 && id < tokenizer.vocabulary_size(), "an id outside the vocabulary");
      tokenizer.token_text(id);
    }
    tokenizer.decode(ids);
  });
  return 0;
}
