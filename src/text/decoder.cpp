#include "text/decoder.h"

#include <memory>
#include <numeric>
#include <utility>

#include "detail/utf8.h"
#include "text/byte_alphabet.h"
#include "text/byte_tokens.h"
#include "text/limits.h"
#include "text/normalizer.h"

namespace spikesink::detail {
namespace {

std::string joined(const Decoder::Tokens& tokens) {
  return std::accumulate(tokens.begin(), tokens.end(), std::string());
}

size_t total_bytes(const Decoder::Tokens& tokens) {
  size_t bytes = 0;
  for (const auto& token : tokens) bytes += token.size();
  return bytes;
}

std::string replaced_text(std::string_view text, std::string_view from, std::string_view to) {
  std::string result;
  size_t done = 0;
  for (size_t at = text.find(from); at != std::string_view::npos; at = text.find(from, done)) {
    result.append(text.substr(done, at - done)).append(to);
    done = at + from.size();
  }
  return result.append(text.substr(done));
}

/// Removes the spaces that splitting English at punctuation and contractions adds.
std::string without_extra_spaces(std::string text) {
  constexpr std::pair<std::string_view, std::string_view> kReplacements[] = {
      {" .", "."},   {" ?", "?"},     {" !", "!"},     {" ,", ","},
      {" ' ", "'"},  {" n't", "n't"}, {" 'm", "'m"},   {" do not", " don't"},
      {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"},
  };
  for (const auto& [from, to] : kReplacements) text = replaced_text(text, from, to);
  return text;
}

/// Appends the bytes as one token or, if they are not UTF-8, one U+FFFD per byte; clears `bytes`.
void flush_bytes(std::string& bytes, Decoder::Tokens& tokens) {
  if (bytes.empty()) return;
  if (is_valid_utf8(bytes)) {
    tokens.push_back(bytes);
  } else {
    tokens.insert(tokens.end(), bytes.size(), "\uFFFD");
  }
  bytes.clear();
}

std::string stripped(std::string_view token, std::string_view character, int64_t start,
                     int64_t stop) {
  for (; start > 0 && token.starts_with(character); --start) token.remove_prefix(character.size());
  for (; stop > 0 && token.ends_with(character); --stop) token.remove_suffix(character.size());
  return std::string(token);
}

}  // namespace

std::string Decoder::decode(Tokens tokens) const {
  if (tokens.empty()) return {};
  if (steps_.empty()) {
    for (size_t i = 1; i < tokens.size(); ++i) tokens[i].insert(0, 1, ' ');
  }
  const size_t before = total_bytes(tokens);
  for (const Step& step : steps_) {
    step.run(tokens);
    check_growth("decoder", before, total_bytes(tokens));
  }
  return joined(tokens);
}

std::string Decoder::show(std::string token) const {
  const size_t before = token.size();
  for (const Step& step : steps_) {
    if (!step.show) continue;
    token = step.show(std::move(token));
    check_growth("decoder", before, token.size());
  }
  return token;
}

Decoder::Step byte_level_decoder() {
  const auto bytes_of = [](std::string token) {
    return spelled_bytes(token).value_or(std::move(token));
  };
  const auto run = [bytes_of](Decoder::Tokens& tokens) {
    std::string bytes;
    for (std::string& token : tokens) bytes += bytes_of(std::move(token));
    tokens = {repair_utf8(bytes)};
  };
  return {run, bytes_of};
}

Decoder::Step metaspace_decoder(const std::string& replacement, bool drops_first) {
  const auto run = [=](Decoder::Tokens& tokens) {
    for (size_t i = 0; i < tokens.size(); ++i)
      tokens[i] = replaced_text(tokens[i], replacement, i == 0 && drops_first ? "" : " ");
  };
  return {run, [=](const std::string& token) { return replaced_text(token, replacement, " "); }};
}

Decoder::Step word_piece_decoder(std::string prefix, bool cleanup) {
  const auto run = [prefix = std::move(prefix), cleanup](Decoder::Tokens& tokens) {
    for (size_t i = 0; i < tokens.size(); ++i) {
      std::string& token = tokens[i];
      const bool continues = token.starts_with(prefix);
      if (i > 0) continues ? token.erase(0, prefix.size()) : token.insert(0, 1, ' ');
      if (cleanup) token = without_extra_spaces(std::move(token));
    }
  };
  return {run, {}};
}

Decoder::Step replace_decoder(Regex pattern, std::string content) {
  const auto replace = [pattern = std::make_shared<Regex>(std::move(pattern)),
                        content = std::move(content)](const std::string& token) {
    return replaced("decoder", *pattern, token, content);
  };
  const auto run = [replace](Decoder::Tokens& tokens) {
    for (std::string& token : tokens) token = replace(token);
  };
  return {run, replace};
}

Decoder::Step byte_fallback_decoder() {
  const auto run = [](Decoder::Tokens& tokens) {
    Decoder::Tokens result;
    std::string bytes;
    for (std::string& token : tokens) {
      if (const auto byte = byte_of_token(token)) {
        bytes += *byte;
        continue;
      }
      flush_bytes(bytes, result);
      result.push_back(std::move(token));
    }
    flush_bytes(bytes, result);
    tokens = std::move(result);
  };
  return {run, {}};
}

Decoder::Step fuse_decoder() {
  return {[](Decoder::Tokens& tokens) { tokens = {joined(tokens)}; }, {}};
}

Decoder::Step strip_decoder(std::string character, int64_t start, int64_t stop) {
  const auto run = [character = std::move(character), start, stop](Decoder::Tokens& tokens) {
    for (std::string& token : tokens) token = stripped(token, character, start, stop);
  };
  return {run, {}};
}

Decoder::Step suffix_decoder(std::string suffix) {
  const auto run = [suffix = std::move(suffix)](Decoder::Tokens& tokens) {
    for (size_t i = 0; i < tokens.size(); ++i)
      tokens[i] = replaced_text(tokens[i], suffix, i + 1 == tokens.size() ? "" : " ");
  };
  return {run, {}};
}

}  // namespace spikesink::detail
