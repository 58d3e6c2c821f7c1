#include <gtest/gtest.h>

#include <cmath>
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
std::string error_with(const char* pointer, const json& value, const std::string& config = "",
                       const std::string& kind = "llama3") {
  const TempDir folder;
  json tokenizer = json::parse(read_bytes(SPIKESINK_GOLDENS "/text/" + kind + "/tokenizer.json"));
  tokenizer[json::json_pointer(pointer)] = value;
  folder.write("tokenizer.json", tokenizer.dump());
  if (!config.empty()) folder.write("tokenizer_config.json", config);
  return message_of<FileError>([&] { load_tokenizer(folder.path()); });
}

struct Edit {
  const char* pointer;
  json value;
  const char* fragment;
};

TEST(TokenizerErrorsTest, UnknownComponentsAreNamed) {
  const Edit edits[] = {
      {"/normalizer", {{"type", "Nmt"}}, "a normalizer is not understood: got type 'Nmt'"},
      {"/normalizer",
       {{"type", "Sequence"}, {"normalizers", {{{"type", "Nmt"}}}}},
       "got type 'Nmt', expected NFC, NFD"},
      {"/pre_tokenizer",
       {{"type", "UnicodeScripts"}},
       "a pre-tokenizer is not understood: got type 'UnicodeScripts'"},
      {"/pre_tokenizer/pretokenizers/0/behavior", "Sideways", "got 'Sideways'"},
      {"/pre_tokenizer/pretokenizers/0/pattern", {{"Glob", "*"}}, "the key 'Regex' is missing"},
      {"/pre_tokenizer/pretokenizers/0/pattern", {{"Regex", "("}}, "a pattern does not compile"},
      {"/post_processor", {{"type", "Novelty"}}, "got type 'Novelty'"},
      {"/decoder", {{"type", "CTC"}}, "a decoder is not understood: got type 'CTC'"},
      {"/model/type", "WordLevel", "got type 'WordLevel', expected BPE, WordPiece or Unigram"},
      {"/model/dropout", 0.1, "the model's dropout is not understood: got 0.1"},
      {"/model/novelty", 1, "the key 'novelty' is not understood"},
      {"/novelty", "x", "the key 'novelty' is not understood"},
      {"/added_tokens/0/novelty", "x", "the key 'novelty' is not understood"},
  };
  for (const Edit& edit : edits)
    EXPECT_TRUE(contains(error_with(edit.pointer, edit.value), edit.fragment)) << edit.pointer;
}

TEST(TokenizerErrorsTest, HostileValuesAreRefused) {
  const Edit edits[] = {
      {"/model", json::array(), "model is of the wrong kind: got [], expected an object"},
      {"/model", nullptr, "the key 'model' is missing"},
      {"/model/vocab", json::array(), "expected an object"},
      {"/model/vocab/a", "1", "an id is of the wrong kind: got \"1\""},
      {"/model/vocab/a", 1.5, "an id is of the wrong kind"},
      {"/model/vocab/a", -1, "the id of 'a' is out of range: got -1"},
      {"/model/vocab/a", int64_t{1} << 40, "out of range: got 1099511627776"},
      {"/model/vocab/a", UINT64_MAX, "an id is of the wrong kind: got 18446744073709551615"},
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
      {"/post_processor/processors/1/single", json::array(), "a template has no text"},
      {"/post_processor/processors/1/special_tokens", json::object(),
       "the key '<|begin_of_text|>' is missing"},
      {"/post_processor/processors/1/special_tokens/<|begin_of_text|>/ids",
       std::vector<int>(1025, 0),
       "a template adds too many tokens on one side of the text: got 1025, expected at most 1024"},
      {"/post_processor/processors/1/special_tokens/<|begin_of_text|>/ids",
       {99999},
       "the template's id is not in the vocabulary: got 99999"},
      {"/post_processor/processors/0",
       {{"type", "TemplateProcessing"}, {"single", 1}},
       "single is of the wrong kind"},
  };
  for (const Edit& edit : edits)
    EXPECT_TRUE(contains(error_with(edit.pointer, edit.value), edit.fragment)) << edit.pointer;
}

TEST(TokenizerErrorsTest, InvalidKeysOfComponentsAreRefused) {
  const json metaspace = {{"type", "Metaspace"}, {"replacement", "__"}};
  const json scheme = {{"type", "Metaspace"}, {"replacement", "_"}, {"prepend_scheme", "last"}};
  const json prefix = {{"type", "Metaspace"}, {"replacement", "_"}, {"add_prefix_space", false}};
  const Edit edits[] = {
      {"/normalizer", {{"type", "Strip"}, {"strip_left", 1}}, "strip_left is of the wrong kind"},
      {"/normalizer", {{"type", "Prepend"}}, "the key 'prepend' is missing"},
      {"/normalizer", {{"type", "Replace"}, {"content", ""}}, "the key 'pattern' is missing"},
      {"/normalizer",
       {{"type", "Replace"}, {"pattern", {{"String", "a"}}}},
       "the key 'content' is missing"},
      {"/normalizer",
       {{"type", "BertNormalizer"}, {"lowercase", "no"}},
       "lowercase is of the wrong kind"},
      {"/normalizer", {{"type", "NFC"}, {"form", "D"}}, "the key 'form' is not understood"},
      {"/normalizer", {{"type", "Sequence"}}, "the key 'normalizers' is missing"},
      {"/pre_tokenizer", metaspace, "replacement is not one character: got '__'"},
      {"/pre_tokenizer", scheme, "a prepend_scheme is not understood: got 'last'"},
      {"/pre_tokenizer", prefix, "add_prefix_space is false but the prepend_scheme is ''"},
      {"/pre_tokenizer",
       {{"type", "CharDelimiterSplit"}, {"delimiter", ""}},
       "delimiter is not one character: got ''"},
      {"/pre_tokenizer", {{"type", "Punctuation"}, {"behavior", "Up"}}, "got 'Up'"},
      {"/post_processor",
       {{"type", "BertProcessing"}, {"cls", "[CLS]"}, {"sep", {"[SEP]", 1}}},
       "cls is of the wrong kind"},
      {"/post_processor",
       {{"type", "RobertaProcessing"}, {"cls", {"<s>", 0}}, {"sep", {"</s>"}}},
       "sep is not a token and its id"},
      {"/post_processor",
       {{"type", "RobertaProcessing"}, {"cls", {"<s>", 0}}, {"sep", {"</s>", 99999}}},
       "the template's id is not in the vocabulary: got 99999"},
      {"/decoder", {{"type", "WordPiece"}}, "the key 'prefix' is missing"},
      {"/decoder", {{"type", "BPEDecoder"}, {"suffix", ""}}, "a decoder's suffix is empty"},
      {"/decoder",
       {{"type", "Strip"}, {"content", " "}, {"start", "1"}, {"stop", 0}},
       "start is of the wrong kind"},
      {"/decoder", {{"type", "Sequence"}, {"decoders", 1}}, "decoders is of the wrong kind"},
  };
  for (const Edit& edit : edits)
    EXPECT_TRUE(contains(error_with(edit.pointer, edit.value), edit.fragment)) << edit.value;
}

TEST(TokenizerErrorsTest, InvalidKeysOfWordPieceAreRefused) {
  const Edit edits[] = {
      {"/model/unk_token", "[NONE]", "the model's unk_token is not in the vocabulary"},
      {"/model/unk_token", nullptr, "the key 'unk_token' is missing"},
      {"/model/continuing_subword_prefix", 1, "continuing_subword_prefix is of the wrong kind"},
      {"/model/max_input_chars_per_word", "many", "max_input_chars_per_word is of the wrong kind"},
      {"/model/vocab", json::array(), "expected an object"},
  };
  for (const Edit& edit : edits)
    EXPECT_TRUE(contains(error_with(edit.pointer, edit.value, "", "word_piece"), edit.fragment));
}

TEST(TokenizerErrorsTest, InvalidKeysOfUnigramAreRefused) {
  const Edit edits[] = {
      {"/model/unk_id", -1, "unk_id is not in the vocabulary: got -1"},
      {"/model/unk_id", 100000, "unk_id is not in the vocabulary: got 100000"},
      {"/model/unk_id", "0", "unk_id is of the wrong kind"},
      {"/model/vocab", json::object(), "vocab is of the wrong kind"},
      {"/model/vocab/3", "a", "a token is not a string and its score"},
      {"/model/vocab/3", {"a", "b"}, "a score is of the wrong kind"},
      {"/model/vocab/3", {1, 1}, "a token is of the wrong kind"},
      {"/model/vocab/3", {"<s>", 1}, "a token occurs twice: got '<s>'"},
      {"/model/byte_fallback", 1, "byte_fallback is of the wrong kind"},
  };
  for (const Edit& edit : edits)
    EXPECT_TRUE(contains(error_with(edit.pointer, edit.value, "", "unigram"), edit.fragment));
}

TEST(TokenizerErrorsTest, UnigramWithoutAnUnknownTokenRefusesUnknownCharacters) {
  const TempDir folder;
  json tokenizer = json::parse(read_bytes(SPIKESINK_GOLDENS "/text/unigram/tokenizer.json"));
  tokenizer["model"]["unk_id"] = nullptr;
  const auto file = folder.write("tokenizer.json", tokenizer.dump());
  const auto read = load_tokenizer(file);
  EXPECT_FALSE(read->encode("the").empty());
  EXPECT_TRUE(contains(message_of<FileError>([&] { read->encode("\u4e02"); }),
                       "[Tokenizer] a character is not in the vocabulary"));
}

TEST(TokenizerErrorsTest, ATemplateIsOfOneText) {
  const char* single = "/post_processor/processors/1/single";
  const json text = {{"Sequence", {{"id", "A"}, {"type_id", 0}}}};
  const json other = {{"Sequence", {{"id", "B"}, {"type_id", 0}}}};
  const json none = {{"SpecialToken", {{"id", "<none>"}, {"type_id", 0}}}};
  EXPECT_TRUE(contains(error_with(single, {none, text}), "the key '<none>' is missing"));
  EXPECT_TRUE(contains(error_with(single, {text, text}), "has another sequence"));
  EXPECT_TRUE(contains(error_with(single, json::array({other})), "has another sequence: got 'B'"));
}

TEST(TokenizerErrorsTest, TheTokenizerConfigMustFitTheVocabulary) {
  const auto error = [](const char* config) { return error_with("/version", "1.0", config); };
  EXPECT_TRUE(
      contains(error(R"({"bos_token": "<s>"})"), "bos_token is not in the vocabulary: got '<s>'"));
  EXPECT_TRUE(contains(error(R"({"eos_token": 3})"), "eos_token is of the wrong kind"));
  EXPECT_TRUE(contains(error("[]"), "expected an object"));
  EXPECT_TRUE(contains(error("{"), "not JSON"));
}

TEST(TokenizerErrorsTest, OtherVocabulariesAreNamed) {
  const TempDir folder;
  folder.write("vocab.txt", "[PAD]");
  folder.write("tokenizer.model", "");
  EXPECT_TRUE(contains(message_of<FileError>([&] { load_tokenizer(folder.path()); }),
                       "tokenizer.json is missing: got vocab.txt, tokenizer.model, expected it"));
}

TEST(TokenizerErrorsTest, BrokenFilesAreRefused) {
  const TempDir folder;
  EXPECT_TRUE(
      contains(message_of<FileError>([&] { load_tokenizer(folder.path()); }), "tokenizer.json"));
  EXPECT_TRUE(
      contains(message_of<FileError>([&] { load_tokenizer(folder / "none.gguf"); }), "none.gguf"));
  const auto file = folder.write("deep.json", std::string(1000, '['));
  EXPECT_TRUE(contains(message_of<FileError>([&] { load_tokenizer(file); }), "nested deeper"));
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
  GgufText& numbers(const std::string& key, const std::vector<float>& values) {
    head(key, 9).put(uint32_t{6}).put(uint64_t{values.size()});
    for (const float value : values) put(value);
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
    return message_of<FileError>([&] { load_tokenizer(file); });
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

TEST(TokenizerErrorsTest, GgufMetadataMustBeConsistent) {
  EXPECT_TRUE(contains(GgufText().error(), "tokenizer.ggml.model"));
  EXPECT_TRUE(contains(GgufText().string("model", "rwkv").error(),
                       "got 'rwkv', expected gpt2, llama, bert or t5"));
  EXPECT_TRUE(contains(GgufText().string("model", "gpt2").error(), "tokenizer.ggml.pre"));
  EXPECT_TRUE(
      contains(GgufText().string("model", "gpt2").string("pre", "default").error(),
               "tokenizer.ggml.pre is not understood: got 'default', expected one of gpt-2"));
  EXPECT_TRUE(contains(abc().error(), "tokenizer.ggml.merges"));
  EXPECT_TRUE(
      contains(abc().strings("merges", {"ab"}).error(), "a merge is not two tokens: got 'ab'"));
  EXPECT_TRUE(
      contains(abc().strings("merges", {"a a"}).error(), "joined token is not in the vocabulary"));
  const auto merged = abc().strings("merges", {"a b"});
  EXPECT_TRUE(contains(GgufText(merged).integers("token_type", {1}).error(),
                       "token_type has 1 elements, expected 3"));
  EXPECT_TRUE(contains(GgufText(merged).integer("bos_token_id", 3).error(),
                       "bos_token_id is not in the vocabulary: got 3"));
  EXPECT_TRUE(contains(GgufText(merged).flag("add_eos_token", true).error(),
                       "add_eos_token is true but the token's id is missing"));
  EXPECT_TRUE(contains(GgufText()
                           .string("model", "gpt2")
                           .string("pre", "gpt-2")
                           .strings("tokens", {"a", "a"})
                           .error(),
                       "a token occurs twice: got 'a' with ids 0 and 1"));
  EXPECT_TRUE(contains(GgufText()
                           .string("model", "gpt2")
                           .string("pre", "gpt-2")
                           .strings("tokens", {"a", "\xC3"})
                           .error(),
                       "a token is not UTF-8: got id 1"));
}

TEST(TokenizerErrorsTest, GgufFilesOfOtherModelsMustBeConsistent) {
  const auto tokens = [](const char* model) {
    return GgufText().string("model", model).strings("tokens", {"a", "b", "ab"});
  };
  for (const char* model : {"llama", "t5"}) {
    EXPECT_TRUE(contains(tokens(model).error(), "tokenizer.ggml.scores")) << model;
    EXPECT_TRUE(contains(tokens(model).numbers("scores", {1, 2}).error(),
                         "tokenizer.ggml.scores has 2 elements, expected 3"))
        << model;
    EXPECT_TRUE(contains(tokens(model).numbers("scores", {1, NAN, 2}).error(),
                         "a score is not finite: got nan for the id 1"))
        << model;
    EXPECT_TRUE(contains(tokens(model).integer("unknown_token_id", 9).error(),
                         "unknown_token_id is not in the vocabulary: got 9"))
        << model;
  }
  EXPECT_TRUE(
      contains(tokens("bert").error(), "a special token is not in the vocabulary: got '[UNK]'"));
  EXPECT_TRUE(contains(tokens("bert").integer("unknown_token_id", 0).error(), "got '[CLS]'"));
  EXPECT_TRUE(contains(
      GgufText().string("model", "bert").strings("tokens", {"\u2581a", "a", "##a"}).error(),
      "a special token is not in the vocabulary"));
  EXPECT_TRUE(contains(tokens("t5").integers("precompiled_charsmap", {1, 2}).error(),
                       "a charsmap has 2 bytes"));
}

}  // namespace
}  // namespace spikesink
