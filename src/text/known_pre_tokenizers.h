#pragma once

#include <string>

#include "text/pipeline_tokenizer.h"

namespace spikesink::detail {

/// What a byte-level vocabulary of a GGUF file is, whose pre-tokenizer the file only names, in that
/// family's `tokenizer.json`.
struct KnownPreTokenizer {
  bool ignore_merges = false;
  bool adds_bos = false;  // where the file does not say
};

/// Sets the normalizer and the pre-tokenizer; a name that is not known is a FormatError.
KnownPreTokenizer add_known_pre_tokenizer(const std::string& name, const std::string& where,
                                          TokenizerParts& parts);

}  // namespace spikesink::detail
