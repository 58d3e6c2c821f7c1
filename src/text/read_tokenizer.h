#pragma once

#include <filesystem>

#include "text/json_object.h"
#include "text/pipeline_tokenizer.h"

namespace spikesink::detail {

TokenizerParts read_gguf_tokenizer(const std::filesystem::path& file);

/// A `tokenizer.json` and the `tokenizer_config.json` beside it, when there.
TokenizerParts read_json_tokenizer(const std::filesystem::path& file);

// The components of a `tokenizer.json`; each is given the object of the whole file.

void read_normalizer(JsonObject& file, TokenizerParts& parts);
void read_pre_tokenizer(JsonObject& file, TokenizerParts& parts);
void check_decoder(JsonObject& file);
/// What the post-processor puts before and after every text.
BoundaryTokens read_post_processor(JsonObject& file);

// Pre-tokenizers by the names they have in either kind of file.

/// GPT-2's: words with the space before them, numbers, other signs, white space.
extern const std::string_view kByteLevelPattern;
SplitStep isolating_step(std::string_view oniguruma_pattern, std::string_view where);

}  // namespace spikesink::detail
