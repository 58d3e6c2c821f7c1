#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "message_of.h"
#include "read_bytes.h"
#include "spikesink/error.h"
#include "spikesink/text/tokenizer.h"
#include "temp_dir.h"

namespace spikesink {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

/// Puts `value` in the place that `pointer` names, and loads the result.
std::string error_with(const char* pointer, const json& value, const std::string& config = "") {
  const TempDir folder;
  json tokenizer = json::parse(read_bytes(SPIKESINK_GOLDENS "/text/llama3/tokenizer.json"));
  tokenizer[json::json_pointer(pointer)] = value;
  folder.write("tokenizer.json", tokenizer.dump());
  if (!config.empty()) folder.write("tokenizer_config.json", config);
  return message_of<FormatError>([&] { load_tokenizer(folder.path()); });
}

struct Edit {
  const char* pointer;
  json value;
  const char* fragment;
};

TEST(TokenizerErrorsTest, UnknownComponentsAreNamed) {
  const Edit edits[] = {
      {"/normalizer",
       {{"type", "Lowercase"}},
       "a normalizer is not understood: got type 'Lowercase'"},
      {"/normalizer",
       {{"type", "Sequence"}, {"normalizers", {{{"type", "NFKC"}}}}},
       "got type 'NFKC', expected NFC or Sequence"},
      {"/pre_tokenizer",
       {{"type", "Metaspace"}},
       "a pre-tokenizer is not understood: got type 'Metaspace'"},
      {"/pre_tokenizer", nullptr, "the pre_tokenizer has no ByteLevel"},
      {"/pre_tokenizer/pretokenizers/0",
       {{"type", "ByteLevel"}},
       "a pre-tokenizer follows ByteLevel"},
      {"/pre_tokenizer/pretokenizers/0/behavior", "Sideways", "got 'Sideways'"},
      {"/pre_tokenizer/pretokenizers/0/pattern", {{"Glob", "*"}}, "the key 'Regex' is missing"},
      {"/pre_tokenizer/pretokenizers/0/pattern", {{"Regex", "("}}, "a pattern does not compile"},
      {"/post_processor", {{"type", "RobertaProcessing"}}, "got type 'RobertaProcessing'"},
      {"/decoder", {{"type", "WordPiece"}}, "the decoder is not understood: got type 'WordPiece'"},
      {"/decoder", nullptr, "the key 'decoder' is missing"},
      {"/model/type", "Unigram", "the model is not understood: got type 'Unigram', expected BPE"},
      {"/model/dropout", 0.1, "the model's dropout is not understood: got 0.1"},
      {"/model/byte_fallback", true, "the model's byte_fallback is not understood"},
      {"/model/fuse_unk", true, "the model's fuse_unk is not understood"},
      {"/model/end_of_word_suffix", "</w>", "the model's end_of_word_suffix is not understood"},
      {"/model/novelty", 1, "the key 'novelty' is not understood"},
      {"/novelty", "x", "the key 'novelty' is not understood"},
      {"/added_tokens/0/novelty", "x", "the key 'novelty' is not understood"},
  };
  for (const Edit& edit : edits)
    EXPECT_TRUE(holds(error_with(edit.pointer, edit.value), edit.fragment)) << edit.pointer;
}

TEST(TokenizerErrorsTest, HostileValuesAreRefused) {
  const Edit edits[] = {
      {"/model", json::array(), "got a JSON array, expected an object"},
      {"/model", nullptr, "the key 'model' is missing"},
      {"/model/vocab", json::array(), "expected an object"},
      {"/model/vocab/a", "1", "an id is of the wrong kind: got a JSON string"},
      {"/model/vocab/a", 1.5, "an id is of the wrong kind"},
      {"/model/vocab/a", -1, "the id of 'a' is out of range: got -1"},
      {"/model/vocab/a", int64_t{1} << 40, "out of range: got 1099511627776"},
      {"/model/vocab/a", UINT64_MAX, "an id is too large"},
      {"/model/vocab/a", 0, "two tokens have one id: got 0"},
      {"/model/vocab", json::object(), "a merge's left token is not in the vocabulary"},
      {"/model/merges", nullptr, "the key 'merges' is missing"},
      {"/model/merges", "a b", "merges is of the wrong kind"},
      {"/model/merges/0", 7, "a merge is of the wrong kind"},
      {"/model/merges/0", "ab", "a merge is not two tokens: got 'ab'"},
      {"/model/merges/0", "a b c", "a merge is not two tokens: got 'a b c'"},
      {"/model/merges/0", {"a", 1}, "a merge's right token is of the wrong kind"},
      {"/model/merges/0",
       {"a", "nowhere"},
       "a merge's right token is not in the vocabulary: got 'nowhere'"},
      {"/model/merges/0", "z z", "a merge's joined token is not in the vocabulary: got 'zz'"},
      {"/model/unk_token", "<unk>", "the model's unk_token is not in the vocabulary"},
      {"/model/ignore_merges", "yes", "ignore_merges is of the wrong kind"},
      {"/added_tokens", json::object(), "added_tokens is of the wrong kind"},
      {"/added_tokens/0", 1, "expected an object"},
      {"/added_tokens/0/id", 1, "an added token has two ids: got 1"},
      {"/added_tokens/0/id", nullptr, "the key 'id' is missing"},
      {"/added_tokens/0/content", "new", "two tokens have one id: got 0"},
      {"/added_tokens/0/lstrip", 1, "lstrip is of the wrong kind"},
      {"/post_processor/processors/1/single", json::array(), "a template leaves out the text"},
      {"/post_processor/processors/1/special_tokens", json::object(),
       "the key '<|begin_of_text|>' is missing"},
      {"/post_processor/processors/1/special_tokens/<|begin_of_text|>/ids",
       {1, 2},
       "has 2 ids, expected 1"},
      {"/post_processor/processors/1/special_tokens/<|begin_of_text|>/ids",
       {99999},
       "the template's id is not in the vocabulary: got 99999"},
      {"/post_processor/processors/0",
       {{"type", "TemplateProcessing"}, {"single", 1}},
       "single is of the wrong kind"},
  };
  for (const Edit& edit : edits)
    EXPECT_TRUE(holds(error_with(edit.pointer, edit.value), edit.fragment)) << edit.pointer;
}

TEST(TokenizerErrorsTest, ATemplateIsOneTextWithATokenOnEitherSide) {
  const char* single = "/post_processor/processors/1/single";
  const json text = {{"Sequence", {{"id", "A"}, {"type_id", 0}}}};
  const json other = {{"Sequence", {{"id", "B"}, {"type_id", 0}}}};
  const json bos = {{"SpecialToken", {{"id", "<|begin_of_text|>"}, {"type_id", 0}}}};
  EXPECT_TRUE(holds(error_with(single, {bos, bos, text}), "several tokens before the text"));
  EXPECT_TRUE(holds(error_with(single, {text, bos, bos}), "several tokens after the text"));
  EXPECT_TRUE(holds(error_with(single, {text, text}), "takes another"));
  EXPECT_TRUE(holds(error_with(single, json::array({other})), "takes another: got 'B'"));
}

TEST(TokenizerErrorsTest, TheConfigBesideIsHeldToTheVocabulary) {
  const auto error = [](const char* config) { return error_with("/version", "1.0", config); };
  EXPECT_TRUE(
      holds(error(R"({"bos_token": "<s>"})"), "bos_token is not in the vocabulary: got '<s>'"));
  EXPECT_TRUE(holds(error(R"({"eos_token": 3})"), "eos_token is of the wrong kind"));
  EXPECT_TRUE(holds(error(R"({"add_bos_token": 1})"), "add_bos_token is of the wrong kind"));
  EXPECT_TRUE(holds(error(R"({"add_bos_token": true})"),
                    "add_bos_token is true but there is no bos_token"));
  EXPECT_TRUE(holds(error("[]"), "expected an object"));
  EXPECT_TRUE(holds(error("{"), "not JSON"));
}

TEST(TokenizerErrorsTest, FilesThatAreNoneAreRefused) {
  const TempDir folder;
  EXPECT_TRUE(
      holds(message_of<FormatError>([&] { load_tokenizer(folder.path()); }), "tokenizer.json"));
  EXPECT_TRUE(
      holds(message_of<FormatError>([&] { load_tokenizer(folder / "none.gguf"); }), "none.gguf"));
  const auto file = folder.write("deep.json", std::string(1000, '['));
  EXPECT_TRUE(holds(message_of<FormatError>([&] { load_tokenizer(file); }), "nested deeper"));
}

/// A GGUF file of strings, lists and integers.
class GgufText {
 public:
  GgufText& string(const std::string& key, const std::string& value) {
    return head(key, 8).put(value);
  }
  GgufText& strings(const std::string& key, const std::vector<std::string>& values) {
    head(key, 9).put(uint32_t{8}).put(uint64_t{values.size()});
    for (const auto& value : values) put(value);
    return *this;
  }
  GgufText& integers(const std::string& key, const std::vector<int32_t>& values) {
    head(key, 9).put(uint32_t{5}).put(uint64_t{values.size()});
    for (const int32_t value : values) put(value);
    return *this;
  }
  GgufText& integer(const std::string& key, uint32_t value) { return head(key, 4).put(value); }
  GgufText& flag(const std::string& key, bool value) { return head(key, 7).put(value); }

  std::string error() {
    GgufText header;
    header.bytes_ = "GGUF";
    header.put(uint32_t{3}).put(uint64_t{0}).put(count_);
    const TempDir folder;
    const auto file = folder.write("a.gguf", header.bytes_ + bytes_);
    return message_of<FormatError>([&] { load_tokenizer(file); });
  }

 private:
  template <typename T>
  GgufText& put(T value) {
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
    return *this;
  }
  GgufText& put(const std::string& value) {
    put(uint64_t{value.size()});
    bytes_ += value;
    return *this;
  }
  GgufText& head(const std::string& key, uint32_t type) {
    ++count_;
    return put("tokenizer.ggml." + key).put(type);
  }

  uint64_t count_ = 0;
  std::string bytes_;
};

GgufText abc() {
  return GgufText()
      .string("model", "gpt2")
      .string("pre", "gpt-2")
      .strings("tokens", {"a", "b", "ab"});
}

TEST(TokenizerErrorsTest, GgufMetadataIsHeldToItself) {
  EXPECT_TRUE(holds(GgufText().error(), "tokenizer.ggml.model"));
  EXPECT_TRUE(holds(GgufText().string("model", "llama").error(),
                    "tokenizer.ggml.model is not understood: got 'llama', expected gpt2"));
  EXPECT_TRUE(holds(GgufText().string("model", "gpt2").error(), "tokenizer.ggml.pre"));
  EXPECT_TRUE(holds(GgufText().string("model", "gpt2").string("pre", "default").error(),
                    "tokenizer.ggml.pre is not understood: got 'default', expected one of gpt-2, "
                    "smollm, starcoder, refact, codeshell, llama-bpe, llama3, llama-v3, qwen2"));
  EXPECT_TRUE(holds(abc().error(), "tokenizer.ggml.merges"));
  EXPECT_TRUE(
      holds(abc().strings("merges", {"ab"}).error(), "a merge is not two tokens: got 'ab'"));
  EXPECT_TRUE(
      holds(abc().strings("merges", {"a a"}).error(), "joined token is not in the vocabulary"));
  const auto merged = abc().strings("merges", {"a b"});
  EXPECT_TRUE(holds(GgufText(merged).integers("token_type", {1}).error(),
                    "token_type has 1 elements, expected 3"));
  EXPECT_TRUE(holds(GgufText(merged).integer("bos_token_id", 3).error(),
                    "bos_token_id is not in the vocabulary: got 3"));
  EXPECT_TRUE(holds(GgufText(merged).flag("add_eos_token", true).error(),
                    "add_eos_token is true but the token's id is missing"));
  EXPECT_TRUE(holds(GgufText()
                        .string("model", "gpt2")
                        .string("pre", "gpt-2")
                        .strings("tokens", {"a", "a"})
                        .error(),
                    "a token occurs twice: got 'a' with ids 0 and 1"));
  EXPECT_TRUE(holds(GgufText()
                        .string("model", "gpt2")
                        .string("pre", "gpt-2")
                        .strings("tokens", {"a", "\xC3"})
                        .error(),
                    "a token is not UTF-8: got id 1"));
}

}  // namespace
}  // namespace spikesink
