#pragma once

#include <filesystem>

#include "text/json_object.h"
#include "text/pipeline_tokenizer.h"

namespace spikesink::detail {

TokenizerParts read_gguf_tokenizer(const std::filesystem::path& path);

/// Reads a `tokenizer.json` and, if it exists, the `tokenizer_config.json` in the same folder.
TokenizerParts read_json_tokenizer(const std::filesystem::path& path);

// Readers of the components of a `tokenizer.json`. `file` is the object of the whole file.

void read_normalizer(JsonObject& file, TokenizerParts& parts);
void read_pre_tokenizer(JsonObject& file, TokenizerParts& parts);
void read_decoder(JsonObject& file, TokenizerParts& parts);
/// Returns the model's vocabulary.
Vocabulary read_model(JsonObject& file, TokenizerParts& parts);
/// Returns the tokens that the post-processor adds before and after every text.
BoundaryTokens read_post_processor(JsonObject& file);

// Readers shared by several components.

/// Reads the object's pattern: a regex, or literal text.
Regex read_pattern(JsonObject& object);
/// Reads all fields except `split`.
MetaspaceStep read_metaspace(JsonObject& object);

// Pre-tokenizers for both file formats.

/// The pattern of GPT-2: words with the space before them, numbers, other characters, white space.
inline constexpr std::string_view kByteLevelPattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
SplitStep isolating_step(std::string_view oniguruma_pattern, std::string_view where);
/// Splits at white space and removes it.
SplitStep white_space_step();
SplitStep punctuation_step(SplitBehaviour behaviour);
/// Removes white space and isolates punctuation.
void add_bert_pre_tokenizer(PreTokenizer& pre_tokenizer);

}  // namespace spikesink::detail
