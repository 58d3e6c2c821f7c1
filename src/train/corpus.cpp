#include "train/corpus.h"

#include <algorithm>
#include <set>

#include "detail/fail.h"
#include "detail/json_keys.h"
#include "weights/mapped_file.h"

namespace spikesink::detail {
namespace {

namespace fs = std::filesystem;

constexpr const char* kCorpus = "open_training_data";
constexpr int kDeepestLine = 16;

bool is_text(const fs::path& file) {
  static const std::set<std::string> kKinds = {".txt", ".md", ".jsonl"};
  return kKinds.contains(file.extension().string());
}

std::vector<fs::path> files_of(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const auto& file = entry.path();
    if (entry.is_regular_file() && (is_text(file) || is_token_shard(file))) files.push_back(file);
  }
  if (files.empty())
    fail_format("[{}] the folder has no .txt, .md, .jsonl or .bin file ({})", kCorpus,
                folder.string());
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<std::string> lines_of(std::string_view text, const fs::path& file) {
  std::vector<std::string> documents;
  for (int64_t line = 1; !text.empty(); ++line) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto one = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (one.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    const auto where = fmt::format("{}, line {}", file.string(), line);
    const auto object = parse_strict_json(one, kDeepestLine, kCorpus, where);
    documents.push_back(JsonKeys(object, kCorpus, where).text("text"));
  }
  return documents;
}

}  // namespace

bool is_token_shard(const fs::path& file) {
  return file.extension() == ".bin";
}

std::vector<fs::path> corpus_files(const std::vector<std::string>& paths) {
  std::vector<fs::path> files;
  for (const fs::path path : paths) {
    std::error_code error;
    const auto status = fs::status(path, error);
    if (!fs::exists(status)) fail_format("[{}] there is no '{}'", kCorpus, path.string());
    if (fs::is_directory(status)) {
      const auto inside = files_of(path);
      files.insert(files.end(), inside.begin(), inside.end());
    } else if (is_text(path) || is_token_shard(path)) {
      files.push_back(path);
    } else {
      fail_format("[{}] got '{}', expected a .txt, .md, .jsonl or .bin file, or a folder", kCorpus,
                  path.string());
    }
  }
  return files;
}

std::vector<std::string> documents(const fs::path& file) {
  const auto mapped = MappedFile::open(file, kCorpus);
  if (file.extension() == ".jsonl") return lines_of(mapped->text(), file);
  return {std::string(mapped->text())};
}

}  // namespace spikesink::detail
