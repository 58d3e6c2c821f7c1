#include "spikesink/text/tokenizer.h"

#include "text/pipeline_tokenizer.h"
#include "text/read_tokenizer.h"

namespace spikesink {

namespace {

// A path that was given for a model's weights stands for its folder.
std::filesystem::path tokenizer_json(const std::filesystem::path& path) {
  if (std::filesystem::is_directory(path)) return path / "tokenizer.json";
  const bool weights =
      path.extension() == ".safetensors" || path.string().ends_with(".safetensors.index.json");
  return weights ? path.parent_path() / "tokenizer.json" : path;
}

}  // namespace

std::unique_ptr<Tokenizer> load_tokenizer(const std::filesystem::path& path) {
  auto parts = path.extension() == ".gguf" ? detail::read_gguf_tokenizer(path)
                                           : detail::read_json_tokenizer(tokenizer_json(path));
  return std::make_unique<detail::PipelineTokenizer>(std::move(parts));
}

}  // namespace spikesink
