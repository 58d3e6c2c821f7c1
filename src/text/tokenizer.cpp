#include "spikesink/text/tokenizer.h"

#include "text/pipeline_tokenizer.h"
#include "text/read_tokenizer.h"

namespace spikesink {

std::unique_ptr<Tokenizer> load_tokenizer(const std::filesystem::path& path) {
  auto parts = path.extension() == ".gguf"
                   ? detail::read_gguf_tokenizer(path)
                   : detail::read_json_tokenizer(std::filesystem::is_directory(path) ? path / "tokenizer.json" : path);
  return std::make_unique<detail::PipelineTokenizer>(std::move(parts));
}

}  // namespace spikesink
