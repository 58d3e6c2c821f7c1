#include "text/pipeline_tokenizer.h"

#include <algorithm>
#include <utility>

#include "detail/fail.h"
#include "text/utf8.h"

namespace spikesink::detail {
namespace {

constexpr size_t kLongestCachedWord = 64;  // bytes

/// Remembers the words of one text: most of them come again.
class WordEncoder {
 public:
  WordEncoder(const TokenModel& model, std::vector<int64_t>& ids) : model_(model), ids_(ids) {}

  void operator()(std::string_view word) {
    if (word.size() > kLongestCachedWord) return model_.encode(word, ids_);
    const auto known = places_.find(word);
    if (known != places_.end()) {
      for (size_t i = known->second.begin; i < known->second.end; ++i) ids_.push_back(ids_[i]);
      return;
    }
    const size_t begin = ids_.size();
    model_.encode(word, ids_);
    places_.emplace(word, Place{begin, ids_.size()});
  }

 private:
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  struct Place {
    size_t begin;
    size_t end;
  };
  const TokenModel& model_;
  std::vector<int64_t>& ids_;
  std::unordered_map<std::string, Place, Hash, std::equal_to<>> places_;  // within ids_
};

}  // namespace

PipelineTokenizer::PipelineTokenizer(TokenizerParts parts) : parts_(std::move(parts)) {
  for (const AddedToken& token : parts_.added) {
    if (token.content.empty()) continue;
    AddedTokens& tokens = token.normalized ? added_normalized_ : added_as_written_;
    const bool changes = token.normalized && parts_.normalize;
    tokens.add(token, changes ? parts_.normalize(token.content) : token.content);
  }
  for (const auto& [id, bytes] : parts_.token_bytes)
    vocabulary_size_ = std::max(vocabulary_size_, id + 1);
}

std::vector<int64_t> PipelineTokenizer::encode(std::string_view text) const {
  std::string repaired;
  if (!is_valid_utf8(text)) {
    repaired = repair_utf8(text);
    text = repaired;
  }
  std::vector<int64_t> ids;
  const PreTokenizer::WordSink encode_word = WordEncoder(*parts_.model, ids);
  const auto encode_plain = [&](std::string_view plain) {
    for (const auto& piece : added_normalized_.split(plain)) {
      if (piece.id) {
        ids.push_back(*piece.id);
      } else {
        parts_.pre_tokenizer.split(piece.text, encode_word);
      }
    }
  };
  for (const auto& piece : added_as_written_.split(text)) {
    if (piece.id) {
      ids.push_back(*piece.id);
    } else if (parts_.normalize) {
      encode_plain(parts_.normalize(piece.text));
    } else {
      encode_plain(piece.text);
    }
  }
  return ids;
}

const std::string& PipelineTokenizer::bytes_of(int64_t id, std::string_view caller) const {
  const auto found = parts_.token_bytes.find(id);
  if (found == parts_.token_bytes.end()) {
    fail_argument("[{}] no token has this id: got {}, expected one below {}", caller, id,
                  vocabulary_size_);
  }
  return found->second;
}

std::string PipelineTokenizer::decode(const std::vector<int64_t>& ids) const {
  std::string bytes;
  for (const int64_t id : ids) bytes += bytes_of(id, "Tokenizer::decode");
  return is_valid_utf8(bytes) ? bytes : repair_utf8(bytes);
}

std::string PipelineTokenizer::token_text(int64_t id) const {
  const std::string& bytes = bytes_of(id, "Tokenizer::token_text");
  std::string result;
  for (size_t offset = 0; offset < bytes.size();) {
    const Utf8Sequence sequence = utf8_sequence(bytes, offset);
    const auto part = bytes.substr(offset, sequence.bytes);
    if (sequence.valid) {
      result += part;
    } else {
      for (const char byte : part)
        result += fmt::format("<0x{:02X}>", static_cast<unsigned char>(byte));
    }
    offset += sequence.bytes;
  }
  return result;
}

}  // namespace spikesink::detail
