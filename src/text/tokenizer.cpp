#include "spikesink/text/tokenizer.h"

#include "detail/exists.h"
#include "detail/fail.h"
#include "text/pipeline_tokenizer.h"
#include "text/read_tokenizer.h"
#include "weights/torch/torch_names.h"

namespace spikesink {
namespace fs = std::filesystem;
namespace {

/// Other vocabulary files do not define how text is normalised and split.
[[noreturn]] void refuse_folder(const fs::path& folder) {
  std::vector<std::string_view> found;
  for (const char* name :
       {"vocab.txt", "vocab.json", "merges.txt", "tokenizer.model", "spiece.model"}) {
    if (detail::exists(folder / name)) found.emplace_back(name);
  }
  detail::fail_format(
      "[load_tokenizer] tokenizer.json is missing: got {}, expected it or a .gguf file ({})",
      found.empty() ? "no vocabulary" : fmt::format("{}", fmt::join(found, ", ")), folder.string());
}

// For a weight file, the `tokenizer.json` in its folder is used.
fs::path tokenizer_json(const fs::path& path) {
  const bool weights = path.extension() == ".safetensors" ||
                       path.string().ends_with(".safetensors.index.json") ||
                       detail::has_torch_extension(path) || detail::is_torch_index(path);
  if (!weights && !detail::is_folder(path)) return path;
  const fs::path folder = weights ? path.parent_path() : path;
  if (!detail::exists(folder / "tokenizer.json")) refuse_folder(folder);
  return folder / "tokenizer.json";
}

std::vector<int64_t> listed(bool added, std::optional<int64_t> id) {
  return added && id ? std::vector<int64_t>{*id} : std::vector<int64_t>{};
}

}  // namespace

std::vector<int64_t> Tokenizer::prefix_ids() const {
  return listed(adds_bos(), bos_id());
}

std::vector<int64_t> Tokenizer::suffix_ids() const {
  return listed(adds_eos(), eos_id());
}

std::vector<int64_t> Tokenizer::encode_with_special_tokens(std::string_view text) const {
  std::vector<int64_t> ids = prefix_ids();
  for (const auto& part : {encode(text), suffix_ids()})
    ids.insert(ids.end(), part.begin(), part.end());
  return ids;
}

std::unique_ptr<Tokenizer> load_tokenizer(const fs::path& path) {
  auto parts = path.extension() == ".gguf" ? detail::read_gguf_tokenizer(path)
                                           : detail::read_json_tokenizer(tokenizer_json(path));
  return std::make_unique<detail::PipelineTokenizer>(std::move(parts));
}

}  // namespace spikesink
