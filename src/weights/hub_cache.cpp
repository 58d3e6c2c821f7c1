#include "spikesink/weights/hub_cache.h"

#include <algorithm>
#include <cstdlib>
#include <optional>

#include "detail/exists.h"
#include "detail/fail.h"
#include "weights/mapped_file.h"

namespace spikesink {
namespace fs = std::filesystem;
namespace {

// "org/name@revision".
struct HubName {
  std::string repository;
  std::string revision;
};

bool is_file_name(std::string_view text) {
  return text.ends_with(".gguf") || text.ends_with(".safetensors") || text.ends_with(".bin");
}

bool is_name(std::string_view text, bool with_slashes) {
  const auto is_allowed = [&](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.' || (with_slashes && c == '/');
  };
  return !text.empty() && text.front() != '.' && text.front() != '/' && !is_file_name(text) &&
         std::ranges::all_of(text, is_allowed) && text.find("..") == std::string_view::npos;
}

std::optional<HubName> parse(const std::string& text) {
  const auto at = text.find('@'), slash = text.find('/');
  HubName name{text.substr(0, at), at == std::string::npos ? "main" : text.substr(at + 1)};
  const auto first = name.repository.substr(0, slash);
  const auto second = slash < at ? name.repository.substr(slash + 1) : "name";
  if (!is_name(first, false) || !is_name(second, false) || !is_name(name.revision, true))
    return std::nullopt;
  return name;
}

std::optional<fs::path> folder_in(const char* variable) {
  const char* value = std::getenv(variable);
  if (value == nullptr || *value == '\0') return std::nullopt;
  const std::string text = value;
  const char* home = std::getenv("HOME");
  return text.starts_with("~/") && home != nullptr ? home + text.substr(1) : text;
}

fs::path cache_folder() {
  for (const char* variable : {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"}) {
    if (const auto folder = folder_in(variable)) return *folder;
  }
  if (const auto folder = folder_in("HF_HOME")) return *folder / "hub";
  if (const auto folder = folder_in("XDG_CACHE_HOME")) return *folder / "huggingface" / "hub";
  return folder_in("HOME").value_or(".") / ".cache" / "huggingface" / "hub";
}

// "models--org--name".
std::string folder_name(const std::string& repository) {
  auto name = "models--" + repository;
  if (const auto slash = name.find('/'); slash != std::string::npos) name.replace(slash, 1, "--");
  return name;
}

// The commit that a branch or tag names; a commit names itself.
std::string commit_of(const fs::path& model, const std::string& revision) {
  const auto reference = model / "refs" / revision;
  if (!detail::exists(reference) || detail::is_folder(reference)) return revision;
  std::string commit(detail::MappedFile::open(reference, "find_model")->text());
  commit.erase(std::find_if(commit.begin(), commit.end(),
                            [](unsigned char c) { return std::isxdigit(c) == 0; }),
               commit.end());
  return commit;
}

[[noreturn]] void fail_absent(const HubName& name, const fs::path& cache) {
  const auto revision = name.revision == "main" ? "" : " --revision " + name.revision;
  detail::fail_format(
      "[find_model] '{}' is neither a file or folder nor a model in the Hugging Face cache ({}); "
      "fetch it with: hf download {}{}",
      name.repository, cache.string(), name.repository, revision);
}

}  // namespace

fs::path find_model(const std::string& name) {
  if (detail::exists(name)) return name;
  const auto parsed = parse(name);
  if (!parsed) return name;
  const auto cache = cache_folder();
  const auto model = cache / folder_name(parsed->repository);
  const auto commit = commit_of(model, parsed->revision);
  const auto snapshot = model / "snapshots" / commit;
  if (commit.empty() || !detail::is_folder(snapshot)) fail_absent(*parsed, cache);
  return snapshot;
}

}  // namespace spikesink
