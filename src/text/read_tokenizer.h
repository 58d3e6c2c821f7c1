#pragma once

#include <filesystem>

#include "text/json_object.h"
#include "text/pipeline_tokenizer.h"

namespace spikesink::detail {

TokenizerParts read_gguf_tokenizer(const std::filesystem::path& path);

/// A `tokenizer.json` and the `tokenizer_config.json` beside it, when there.
TokenizerParts read_json_tokenizer(const std::filesystem::path& path);

// The components of a `tokenizer.json`; each is given the object of the whole file.

void read_normalizer(JsonObject& file, TokenizerParts& parts);
void read_pre_tokenizer(JsonObject& file, TokenizerParts& parts);
void read_decoder(JsonObject& file, TokenizerParts& parts);
/// Returns the model's vocabulary.
Vocabulary read_model(JsonObject& file, TokenizerParts& parts);
/// What the post-processor puts before and after every text.
BoundaryTokens read_post_processor(JsonObject& file);

// What several components have.

/// The object's pattern: a regex, or text that stands for itself.
Regex read_pattern(JsonObject& object);
/// All but `split`.
MetaspaceStep read_metaspace(JsonObject& object);

// Pre-tokenizers that either kind of file names.

/// GPT-2's: words with the space before them, numbers, other signs, white space.
inline constexpr std::string_view kByteLevelPattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
SplitStep isolating_step(std::string_view oniguruma_pattern, std::string_view where);
/// Cuts at white space, which goes.
SplitStep white_space_step();
SplitStep punctuation_step(SplitBehaviour behaviour);
/// White space goes, punctuation stands alone.
void add_bert_pre_tokenizer(PreTokenizer& pre_tokenizer);

}  // namespace spikesink::detail
