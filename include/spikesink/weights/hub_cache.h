#pragma once

#include <filesystem>
#include <string>

#include "spikesink/error.h"

namespace [[gnu::visibility("default")]] spikesink {

/// Returns the folder of a model in the local Hugging Face cache: `name` is "org/name" or "name",
/// with "@revision" for a branch, a tag or a commit other than "main". A path that exists is
/// returned as it is, and so is text that is no such name. The cache is `HF_HUB_CACHE`, else
/// `HF_HOME`/hub, else ~/.cache/huggingface/hub. Nothing is downloaded: throws FileError with the
/// command that does so if the model is not there.
std::filesystem::path find_model(const std::string& name);

}  // namespace spikesink
