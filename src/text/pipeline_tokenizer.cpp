#include "text/pipeline_tokenizer.h"

#include <algorithm>
#include <utility>

#include "detail/fail.h"
#include "detail/utf8.h"
#include "text/limits.h"
#include "text/string_hash.h"

namespace spikesink::detail {
namespace {

constexpr size_t kLongestCachedWord = 64;  // bytes

/// Encodes words and caches the ids of the words of one text, because most words occur again.
class WordEncoder {
 public:
  WordEncoder(const TokenModel& model, size_t text_bytes, std::vector<int64_t>& ids)
      : model_(model), text_bytes_(text_bytes), ids_(ids) {}

  void operator()(std::string_view word) {
    word_bytes_ += word.size();
    check_growth("pre-tokenizer", text_bytes_, word_bytes_);
    if (word.size() > kLongestCachedWord) return model_.encode(word, ids_);
    const auto known = ranges_.find(word);
    if (known != ranges_.end()) {
      for (size_t i = known->second.begin; i < known->second.end; ++i) ids_.push_back(ids_[i]);
      return;
    }
    const size_t begin = ids_.size();
    model_.encode(word, ids_);
    ranges_.emplace(word, IdRange{begin, ids_.size()});
  }

 private:
  struct IdRange {
    size_t begin;
    size_t end;
  };
  const TokenModel& model_;
  size_t text_bytes_, word_bytes_ = 0;
  std::vector<int64_t>& ids_;
  // Values are index ranges in ids_.
  std::unordered_map<std::string, IdRange, StringHash, std::equal_to<>> ranges_;
};

}  // namespace

PipelineTokenizer::PipelineTokenizer(TokenizerParts parts) : parts_(std::move(parts)) {
  size_t added_bytes = 0, form_bytes = 0;
  for (const AddedToken& token : parts_.added) {
    added_contents_.emplace(token.id, token.content);
    if (token.special) special_.insert(token.id);
    if (token.content.empty()) continue;
    if (!token.normalized) {
      added_as_written_.add(token, token.content);
      continue;
    }
    // `tokenizers` decodes to the normalised form.
    const std::string form = normalized(token.content, /*from_start=*/true).text;
    added_bytes += token.content.size();
    form_bytes += form.size();
    check_growth("normalizer", added_bytes, form_bytes);
    parts_.tokens.insert_or_assign(token.id, form);
    added_normalized_.add(token, form);
  }
  for (const auto id : {parts_.boundaries.bos_id, parts_.boundaries.eos_id}) {
    if (id) special_.insert(*id);
  }
  for (const auto* added : {&parts_.boundaries.prefix, &parts_.boundaries.suffix})
    special_.insert(added->begin(), added->end());
  for (const auto& [id, token] : parts_.tokens)
    vocabulary_size_ = std::max(vocabulary_size_, id + 1);
}

NormalText PipelineTokenizer::normalized(std::string_view text, bool from_start) const {
  NormalText normal{std::string(text), from_start};
  for (const NormalizerStep& step : parts_.normalizer) {
    step(normal);
    check_growth("normalizer", text.size(), normal.text.size());
  }
  return normal;
}

std::vector<int64_t> PipelineTokenizer::encode(std::string_view text) const {
  std::string repaired;
  if (!is_valid_utf8(text)) {
    repaired = repair_utf8(text);
    text = repaired;
  }
  std::vector<int64_t> ids;
  const PreTokenizer::WordSink encode_word = WordEncoder(*parts_.model, text.size(), ids);
  const auto encode_plain = [&](std::string_view plain, bool from_start) {
    for (const auto& piece : added_normalized_.split(plain)) {
      if (piece.id) {
        ids.push_back(*piece.id);
      } else {
        parts_.pre_tokenizer.split(piece.text, from_start, encode_word);
      }
      from_start = false;
    }
  };
  bool from_start = true;
  size_t normal_bytes = 0;
  for (const auto& piece : added_as_written_.split(text)) {
    if (piece.id) {
      ids.push_back(*piece.id);
    } else {
      const NormalText normal = normalized(piece.text, from_start);
      normal_bytes += normal.text.size();
      check_growth("normalizer", text.size(), normal_bytes);
      encode_plain(normal.text, normal.from_start);
    }
    from_start = false;
  }
  return ids;
}

const std::string& PipelineTokenizer::token(int64_t id, std::string_view caller) const {
  const auto found = parts_.tokens.find(id);
  if (found == parts_.tokens.end()) {
    fail_argument("[{}] no token has this id: got {}, expected one below {}", caller, id,
                  vocabulary_size_);
  }
  return found->second;
}

std::string PipelineTokenizer::decode(const std::vector<int64_t>& ids) const {
  Decoder::Tokens tokens;
  for (const int64_t id : ids) tokens.push_back(token(id, "Tokenizer::decode"));
  return parts_.decoder.decode(std::move(tokens));
}

std::string PipelineTokenizer::token_text(int64_t id) const {
  const std::string& token = this->token(id, "Tokenizer::token_text");
  const auto added = added_contents_.find(id);
  const std::string bytes =
      added == added_contents_.end() ? parts_.decoder.show(token) : added->second;
  std::string result;
  for (size_t offset = 0; offset < bytes.size();) {
    const Utf8Sequence sequence = utf8_sequence(bytes, offset);
    const auto sequence_bytes = bytes.substr(offset, sequence.bytes);
    if (sequence.valid) {
      result += sequence_bytes;
    } else {
      for (const char byte : sequence_bytes)
        result += fmt::format("<0x{:02X}>", static_cast<unsigned char>(byte));
    }
    offset += sequence.bytes;
  }
  return result;
}

}  // namespace spikesink::detail
