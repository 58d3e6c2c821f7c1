#pragma once

#include <string>

#include "text/pipeline_tokenizer.h"

namespace spikesink::detail {

/// Properties of a pre-tokenizer that a GGUF file with a byte-level vocabulary only names. They are
/// taken from the `tokenizer.json` of that model family or from llama.cpp.
struct KnownPreTokenizer {
  bool ignore_merges = false;
  bool adds_bos = false;  // the default if the file has no flag
};

/// Sets the normalizer and the pre-tokenizer. Throws FileError for an unknown name.
KnownPreTokenizer add_known_pre_tokenizer(const std::string& name, const std::string& where,
                                          TokenizerParts& parts);

}  // namespace spikesink::detail
