#include "spikesink/text/tokenizer.h"

#include "detail/fail.h"
#include "detail/is_there.h"
#include "text/pipeline_tokenizer.h"
#include "text/read_tokenizer.h"

namespace spikesink {
namespace fs = std::filesystem;
namespace {

/// Other vocabularies of a folder do not say how text is normalised and cut.
[[noreturn]] void refuse_folder(const fs::path& folder) {
  std::vector<std::string_view> found;
  for (const char* name :
       {"vocab.txt", "vocab.json", "merges.txt", "tokenizer.model", "spiece.model"}) {
    if (detail::is_there(folder / name)) found.emplace_back(name);
  }
  detail::fail_format(
      "[load_tokenizer] tokenizer.json is missing: got {}, expected it or a .gguf file ({})",
      found.empty() ? "no vocabulary" : fmt::format("{}", fmt::join(found, ", ")), folder.string());
}

// A path that was given for a model's weights stands for its folder.
fs::path tokenizer_json(const fs::path& path) {
  const bool weights =
      path.extension() == ".safetensors" || path.string().ends_with(".safetensors.index.json");
  if (!weights && !detail::is_folder(path)) return path;
  const fs::path folder = weights ? path.parent_path() : path;
  if (!detail::is_there(folder / "tokenizer.json")) refuse_folder(folder);
  return folder / "tokenizer.json";
}

}  // namespace

std::unique_ptr<Tokenizer> load_tokenizer(const fs::path& path) {
  auto parts = path.extension() == ".gguf" ? detail::read_gguf_tokenizer(path)
                                           : detail::read_json_tokenizer(tokenizer_json(path));
  return std::make_unique<detail::PipelineTokenizer>(std::move(parts));
}

}  // namespace spikesink
