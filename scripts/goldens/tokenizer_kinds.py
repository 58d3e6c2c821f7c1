"""Small tokenizers of all kinds except plain byte-level BPE, and published ones of these kinds; for tokenizer_ids.py.

Each function here returns a tokenizer that was trained on `training`, and the `tokenizer_config.json` beside it or None.
"""

import io
import json
import pathlib

import gguf
import sentencepiece
from sentencepiece import sentencepiece_model_pb2
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers.integrations.gguf import convert_gguf_tokenizer, get_gguf_tokenizer
from transformers.integrations.gguf.gguf_tokenizer_mapping import GGUF_PRE_TOKENIZER_SPLITS
from transformers.tokenization_utils_base import generate_merges

METASPACE = "\u2581"
CASED_LETTERS = (
    "A-Za-z\u00b5\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u01ba\u01bc-\u01bf\u01c4-\u0293\u0295-\u02af\u0370-\u0373\u0376\u0377"
    "\u037b-\u037d\u037f\u0386\u0388-\u038a\u038c\u038e-\u03a1\u03a3-\u03f5\u03f7-\u0481\u048a-\u052f\u0531-\u0556\u10a0-\u10c5"
    "\u13a0-\u13f5\u13f8-\u13fd\u1c90-\u1cba\u1cbd-\u1cbf\u1d00-\u1d2b\u1d6b-\u1d77\u1d79-\u1d9a\u1e00-\u1f15\u1f18-\u1f1d"
    "\u1f20-\u1f45\u1f48-\u1f4d\u1f50-\u1f57\u1f59\u1f5b\u1f5d\u1f5f-\u1f7d\u1f80-\u1fb4\u1fb6-\u1fbc\u1fbe\u1fc2-\u1fc4"
    "\u1fc6-\u1fcc\u1fd0-\u1fd3\u1fd6-\u1fdb\u1fe0-\u1fec\u1ff2-\u1ff4\u1ff6-\u1ffc\u2102\u2107\u210a-\u2113\u2115\u2119-\u211d"
    "\u2124\u2126\u2128\u212a-\u212d\u212f-\u2134\u2139\u213c-\u213f\u2145-\u2149\u214e\u2183\u2184\u2c00-\u2c7b\u2c7e-\u2ce4"
    "\u2ceb-\u2cee\u2cf2\u2cf3\ua640-\ua66d\ua680-\ua69b\ua722-\ua76f\ua771-\ua787\ua78b-\ua78e\uab70-\uabbf\ufb00-\ufb06"
    "\ufb13-\ufb17\uff21-\uff3a\uff41-\uff5a\U00010400-\U0001044f\U000104b0-\U000104d3\U000104d8-\U000104fb\U00010c80-\U00010cb2"
    "\U00010cc0-\U00010cf2\U000118a0-\U000118df\U0001e900-\U0001e943")
RULES = [  # of a SentencePiece normaliser: string, replacement
    ("\u00aa", "a"), ("\ufb01", "fi"), ("e\u0301", "\u00e9"), ("\r", " "), ("\t", " "), ("\u3000", " "), ("\u00a0", " "),
    ("\uff21", "A"), ("\u0301", ""), ("\u2026", "..."), ("\u1100\u1161", "\uac00"), ("\u00bd", "1/2"), ("\u200b", ""),
    ("\u0600", "#"), ("\uff10", "0"), ("\u2460", "1"), ("z\u0300", "\U0001f600"),
]


def train(model, trainer, training: str, specials: list[str], normalizer=None, pre_tokenizer=None, size: int = 400,
          **options) -> Tokenizer:
    """The same tokenizer in every run.

    A trainer numbers characters that have a prefix or a suffix at random, and of pairs that occur equally often merges those with the
    lowest numbers. So it is asked for the characters alone, and then given them, numbered, as special tokens.
    """
    def trained(size: int, specials: list[str]) -> Tokenizer:
        tokenizer = Tokenizer(model)
        if normalizer:
            tokenizer.normalizer = normalizer
        if pre_tokenizer:
            tokenizer.pre_tokenizer = pre_tokenizer
        tokenizer.train_from_iterator(training.splitlines(), trainer(vocab_size=size, special_tokens=specials, show_progress=False,
                                                                     **options))
        return tokenizer

    characters = sorted(set(trained(0, specials).get_vocab()) - set(specials), key=lambda token: (len(token), token))
    data = json.loads(trained(size, specials + characters).to_str())
    data["added_tokens"] = [token for token in data["added_tokens"] if token["content"] in specials]
    return Tokenizer.from_str(json.dumps(data))


def template(before: list[tuple[str, int]], after: list[tuple[str, int]]):
    single = " ".join([token for token, _ in before] + ["$A"] + [token for token, _ in after])
    return processors.TemplateProcessing(single=single, special_tokens=before + after)


def word_piece(training: str):
    """As BERT."""
    specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer = train(models.WordPiece(unk_token="[UNK]"), trainers.WordPieceTrainer, training, specials,
                      normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer(), size=500)
    tokenizer.post_processor = template([("[CLS]", 2)], [("[SEP]", 3)])
    tokenizer.decoder = decoders.WordPiece()
    return tokenizer, {"cls_token": "[CLS]", "sep_token": "[SEP]", "do_lower_case": True}


def word_piece_features(training: str):
    """Cased, another prefix, short words, contiguous punctuation, `BertProcessing`, added tokens of all kinds."""
    normalizer = normalizers.Sequence([
        normalizers.BertNormalizer(clean_text=True, handle_chinese_chars=False, strip_accents=True, lowercase=False),
        normalizers.NFKC(), normalizers.Strip(), normalizers.Replace(Regex(r"\s{2,}"), " ")])
    pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Whitespace(), pre_tokenizers.Punctuation("contiguous"),
                                             pre_tokenizers.Digits(individual_digits=False)])
    tokenizer = train(models.WordPiece(unk_token="<unk>"), trainers.WordPieceTrainer, training, ["<unk>", "<cls>", "<sep>"],
                      normalizer, pre_tokenizer, continuing_subword_prefix="@@")
    data = json.loads(tokenizer.to_str())
    data["model"].update(continuing_subword_prefix="@@", max_input_chars_per_word=9)
    tokenizer = Tokenizer.from_str(json.dumps(data))
    tokenizer.post_processor = processors.BertProcessing(("<sep>", 2), ("<cls>", 1))
    tokenizer.decoder = decoders.WordPiece(prefix="@@", cleanup=False)
    tokenizer.add_special_tokens([AddedToken("[BOTH]", lstrip=True, rstrip=True), AddedToken("[MASK]", lstrip=True)])
    tokenizer.add_tokens([AddedToken("word", single_word=True), AddedToken("caf\u00e9 noir", normalized=True),
                          AddedToken("\uff21\uff22", normalized=True)])
    return tokenizer, None


def sentencepiece_model(training: str, **options) -> sentencepiece_model_pb2.ModelProto:
    rules = pathlib.Path("/tmp/spikesink_rules.tsv")
    rules.write_text("".join("\t".join(" ".join(f"{ord(c):X}" for c in side) for side in rule) + "\n" for rule in RULES))
    out = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(training.splitlines()), model_writer=out, normalization_rule_tsv=str(rules),
        hard_vocab_limit=False, minloglevel=2, num_threads=1, **options)
    model = sentencepiece_model_pb2.ModelProto()
    model.ParseFromString(out.getvalue())
    return model


def of_unigram_proto(model, byte_fallback: bool = False) -> Tokenizer:
    scored = [(piece.piece, piece.score) for piece in model.pieces]
    tokenizer = Tokenizer(models.Unigram(scored, unk_id=model.trainer_spec.unk_id, byte_fallback=byte_fallback))
    tokenizer.normalizer = normalizers.Precompiled(model.normalizer_spec.precompiled_charsmap)
    return tokenizer


def unigram(training: str):
    """As T5."""
    tokenizer = of_unigram_proto(sentencepiece_model(training, model_type="unigram", vocab_size=400))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.post_processor = template([], [("</s>", 2)])
    tokenizer.add_special_tokens([AddedToken(token, normalized=False) for token in ("<unk>", "<s>", "</s>")])
    return tokenizer, None


def unigram_with_spaces(model) -> Tokenizer:
    """As SentencePiece where spaces are neither joined nor cut off."""
    tokenizer = of_unigram_proto(model)
    tokenizer.normalizer = normalizers.Sequence([
        tokenizer.normalizer, normalizers.Prepend(METASPACE), normalizers.Replace(" ", METASPACE)])
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.add_special_tokens([AddedToken(token, normalized=False) for token in ("<unk>", "<s>", "</s>")])
    return tokenizer


def unigram_features(training: str):
    """Byte fallback, accents stripped, spaces joined, a prefix only at the beginning of the text, no splitting."""
    model = sentencepiece_model(training, model_type="unigram", vocab_size=600, byte_fallback=True)
    tokenizer = of_unigram_proto(model, byte_fallback=True)
    tokenizer.normalizer = normalizers.Sequence([
        normalizers.NFKD(), normalizers.StripAccents(), normalizers.Lowercase(),
        normalizers.Strip(left=False, right=True), normalizers.Replace(Regex(" {2,}"), METASPACE)])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    tokenizer.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Metaspace(prepend_scheme="first")])
    tokenizer.add_special_tokens([AddedToken("<s>", normalized=False), AddedToken("[RIGHT]", rstrip=True)])
    return tokenizer, {"bos_token": "<s>", "cls_token": "</s>"}


def sentencepiece_bpe(model, **options) -> models.BPE:
    vocabulary = {piece.piece: id for id, piece in enumerate(model.pieces)}
    merges = generate_merges(vocabulary, {piece.piece: piece.score for piece in model.pieces})
    return models.BPE(vocab=vocabulary, merges=merges, **options)


def llama(training: str):
    """As Llama 2: byte fallback, the prefix as a normaliser."""
    model = sentencepiece_model(training, model_type="bpe", vocab_size=600, byte_fallback=True)
    tokenizer = Tokenizer(sentencepiece_bpe(model, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend(METASPACE), normalizers.Replace(" ", METASPACE)])
    tokenizer.decoder = decoders.Sequence([
        decoders.Replace(METASPACE, " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    tokenizer.post_processor = template([("<s>", 1)], [])
    tokenizer.add_special_tokens([AddedToken(token, normalized=False) for token in ("<unk>", "<s>", "</s>")])
    return tokenizer, {"add_bos_token": True, "add_eos_token": False, "bos_token": {"content": "<s>"}, "eos_token": "</s>"}


def mistral(training: str):
    """As Mistral, but with unknown tokens that are not joined."""
    model = sentencepiece_model(training, model_type="bpe", vocab_size=400)
    tokenizer = Tokenizer(sentencepiece_bpe(model, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="first")
    tokenizer.post_processor = template([("<s>", 1)], [])
    tokenizer.add_special_tokens(["<s>", AddedToken("[LEFT]", lstrip=True)])
    return tokenizer, None


def openai_gpt(training: str):
    """A suffix for the last token of a word."""
    tokenizer = train(models.BPE(unk_token="<unk>", fuse_unk=True, end_of_word_suffix="</w>"), trainers.BpeTrainer, training,
                      ["<unk>"], normalizers.BertNormalizer(lowercase=True), pre_tokenizers.BertPreTokenizer(),
                      end_of_word_suffix="</w>")
    tokenizer.decoder = decoders.BPEDecoder("</w>")
    return tokenizer, None


def clip(training: str):
    """Byte-level, with a suffix, white space joined and lower case."""
    pattern = r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(pattern), "removed", invert=True), byte_level])
    normalizer = normalizers.Sequence([
        normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()])
    tokenizer = train(models.BPE(unk_token="<|endoftext|>", end_of_word_suffix="</w>"), trainers.BpeTrainer, training,
                      ["<|startoftext|>", "<|endoftext|>"], normalizer, pre_tokenizer, size=700, end_of_word_suffix="</w>",
                      initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.post_processor = processors.RobertaProcessing(("<|endoftext|>", 1), ("<|startoftext|>", 0))
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer, None


def prefixed_bpe(training: str):
    """A prefix for all tokens but a word's first, bytes for some characters; text cut at a letter."""
    pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.CharDelimiterSplit("x"), pre_tokenizers.Punctuation("merged_with_next")])
    tokenizer = train(models.BPE(unk_token="<unk>", continuing_subword_prefix="##"), trainers.BpeTrainer, training, ["<unk>"],
                      normalizers.NFD(), pre_tokenizer, size=300, continuing_subword_prefix="##")
    data = json.loads(tokenizer.to_str())
    data["model"].update(byte_fallback=True, fuse_unk=True)
    for byte in (0x23, 0xC3, 0xA9, 0xCC, 0x81, 0x7A):
        data["model"]["vocab"][f"<0x{byte:02X}>"] = len(data["model"]["vocab"])
    return Tokenizer.from_str(json.dumps(data)), None


def falcon(training: str):
    """Steps that follow the spelling of bytes."""
    pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Punctuation("contiguous"), pre_tokenizers.ByteLevel(add_prefix_space=False),
        pre_tokenizers.Digits(individual_digits=False), pre_tokenizers.Split(Regex("[0-9][0-9][0-9]"), "isolated")])
    tokenizer = train(models.BPE(), trainers.BpeTrainer, training, ["<|endoftext|>"], None, pre_tokenizer, size=440,
                      initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer, None


KINDS = (word_piece, word_piece_features, unigram, unigram_features, llama, mistral, openai_gpt, clip, prefixed_bpe, falcon)


def write_gguf(path: pathlib.Path, model: str, architecture: str, tokens: list[str], types: list[int], scores=None,
               charsmap: bytes = b"", **values) -> None:
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_tokenizer_model(model)
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    if scores:
        writer.add_token_scores(scores)
    if charsmap:
        writer.add_precompiled_charsmap(charsmap)
    if name := values.pop("name", None):
        writer.add_name(name)
    for name, value in values.items():
        (writer.add_bool if isinstance(value, bool) else writer.add_uint32)(f"tokenizer.ggml.{name}", value)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def write_proto_gguf(path: pathlib.Path, model: str, architecture: str, proto, **values) -> None:
    """SentencePiece numbers the types of tokens as GGUF files do."""
    write_gguf(path, model, architecture, [piece.piece for piece in proto.pieces], [piece.type for piece in proto.pieces],
               [piece.score for piece in proto.pieces], proto.normalizer_spec.precompiled_charsmap, unknown_token_id=0,
               bos_token_id=1, eos_token_id=2, **values)


def write_ggufs(folder: pathlib.Path, training: str) -> dict[str, Tokenizer]:
    """Writes a GGUF file of each kind. Returns the tokenizers that transformers reads from them or, if it cannot read a file completely,
    the tokenizer from which the file was made.

    Of a SentencePiece file llama.cpp and the models' own tokenizer.json put a space before every text, as transformers does for Phi-3 alone.
    """
    folder.mkdir(parents=True, exist_ok=True)
    bert, _ = word_piece(training)
    tokens = sorted(bert.get_vocab(), key=bert.token_to_id)
    spelled = [t if t[0] == "[" and t[-1] == "]" and len(t) > 2 else t[2:] if t.startswith("##") else METASPACE + t for t in tokens]
    write_gguf(folder / "bert.gguf", "bert", "bert", spelled, [3 if t.startswith("[") and len(t) > 2 else 1 for t in spelled],
               unknown_token_id=1, cls_token_id=2, seperator_token_id=3)

    write_proto_gguf(folder / "t5.gguf", "t5", "t5", sentencepiece_model(training, model_type="unigram", vocab_size=400))
    spaces = sentencepiece_model(training, model_type="unigram", vocab_size=400, remove_extra_whitespaces=False)
    write_proto_gguf(folder / "t5_spaces.gguf", "t5", "t5", spaces, add_space_prefix=True, remove_extra_whitespaces=False)
    proto = sentencepiece_model(training, model_type="bpe", vocab_size=600, byte_fallback=True,
                                user_defined_symbols=["<think>", "\n\n"])
    write_proto_gguf(folder / "llama.gguf", "llama", "llama", proto)
    write_proto_gguf(folder / "phi3.gguf", "llama", "phi3", proto, add_eos_token=True)
    # Under this name, most special tokens include the white space after them.
    named = sentencepiece_model(training, model_type="bpe", vocab_size=600, byte_fallback=True,
                                control_symbols=["<|endoftext|>", "<|im_start|>", "<|im_end|>"], user_defined_symbols=["<think>"])
    write_proto_gguf(folder / "phi3_named.gguf", "llama", "phi3", named, name="Phi-3 mini")
    # Gemma's own names, without which transformers would add them; two spaces are written as such.
    proto = sentencepiece_model(training, model_type="bpe", vocab_size=600, byte_fallback=True, bos_piece="<bos>", eos_piece="<eos>",
                                pad_id=3, control_symbols=["<mask>"], user_defined_symbols=["\u2581\u2581", "\n\n"])
    for piece in proto.pieces:
        piece.piece = piece.piece.replace("\u2581\u2581", "  ")
    write_proto_gguf(folder / "gemma3.gguf", "llama", "gemma3", proto, add_space_prefix=False)
    read = {"bert": bert, "t5": unigram(training)[0], "t5_spaces": unigram_with_spaces(spaces)}
    for name in ("llama", "phi3", "gemma3"):
        architecture, parts, _ = get_gguf_tokenizer(str(folder / f"{name}.gguf"))
        read[name] = convert_gguf_tokenizer("phi3" if name == "llama" else architecture, parts)[0]
    return read


# With these, llama.cpp looks up a word before it merges.
WHOLE_WORDS = ("llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "lfm2", "pixtral", "tekken", "glm4", "glm5", "midm-2.0",
               "jina-v5-nano", "minicpm5", "granite-embed-multi-97m")


def patterns_of_llama_cpp() -> dict[str, list[str]]:
    """Patterns by the names in `tokenizer.ggml.pre`, each for the pieces of the one before: src/llama-vocab.cpp of llama.cpp. Where it
    states the pattern of the model's own tokenizer.json beside one that it can run, this is the former."""
    contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|"
    llama3, qwen2, gpt4o = (GGUF_PRE_TOKENIZER_SPLITS[name] for name in ("llama3", "qwen2", "gpt-4o"))
    gpt2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
    han = "[\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff]+"
    kana = "[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+"
    words = r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"""
    deepseek3 = [r"\p{N}{1,3}", kana, words + r"| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"]
    bloom = " ?[^(\\s|.,!?\u2026\u3002\uff0c\u3001\u0964\u06d4\u060c)]+"
    bailing = r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+"
    result = {
        "minicpm5": [r"\p{N}{1,3}", llama3.replace(r"\p{N}{1,3}", r"\p{N}+")], "glm5": [llama3],
        "ufakzeka": [qwen2.replace(contractions, "")], "laguna": [r"[^\n]+|[\n]+", qwen2],
        "seed-coder": [contractions + r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1}| ?[^\s\p{L}\p{N}\r\n]+|\s*[\r\n]+|\s+(?!\S)|\s+"],
        "granite-embed-multi-97m": [gpt4o],
        "deepseek-llm": [r"[\r\n]", rf"\s?[{CASED_LETTERS}]+", "\\s?[!-/:-~\uff01-\uff0f\uff1a-\uff5e\u2018-\u201f\u3000-\u3002]+", r"\s+$",
                         han, r"\p{N}+"],
        "deepseek-coder": [r"[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", han, r"\p{N}"],
        "spark2_5": [*deepseek3[:2], words + r"| ?[\p{P}\p{S}]+|[\r\n]|\s+(?!\S)|\s+", r"\p{N}"], "viking": [bloom, r"\p{N}"]}
    result |= dict.fromkeys(("hunyuan", "solar-open", "grok-2"), [qwen2])
    result |= dict.fromkeys(("deepseek-v3", "hunyuan-dense", "joyai-llm", "hy_v4"), deepseek3)
    result |= dict.fromkeys(("bailingmoe", "bailingmoe2", "llada-moe"), [bailing])
    result |= dict.fromkeys(("jina-es", "jina-de", "jina-v2-es", "jina-v2-de", "gigachat", "a.x-4.0", "mellum", "modern-bert", "exaone4",
                             "jais", "trillion", "granite-docling"), [gpt2])
    result |= dict.fromkeys(("exaone", "minerva-7b", "mellum2"), [r"\p{N}", gpt2])
    return result | dict.fromkeys(("poro-chat", "bloom", "gpt3-finnish"), [bloom])


def named_pre_tokenizers() -> dict[str, pre_tokenizers.PreTokenizer]:
    """Those that GGUF files name: by the patterns that transformers knows, as the families' tokenizer.json have them, or else as llama.cpp."""
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False)
    spelling = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    digits = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), byte_level])

    def split_by(patterns: list[str]):
        return pre_tokenizers.Sequence([*(pre_tokenizers.Split(Regex(pattern), "isolated") for pattern in patterns), spelling])

    def split(name: str):
        return split_by([GGUF_PRE_TOKENIZER_SPLITS[name]])

    known = ("llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "lfm2", "pixtral", "dbrx", "smaug-bpe", "qwen2", "qwen35",
             "tekken", "gpt-4o", "llama4", "midm-2.0", "jina-v5-nano", "deepseek-r1-qwen", "kormo", "f2llmv2", "megrez", "kanana2", "talkie",
             "minimax-m2")
    result = {name: split(name) for name in known} | {"glm4": split("llama3"), "chatglm-bpe": split("llama3"), "stablelm2": split("qwen2")}
    result |= dict.fromkeys(("gpt-2", "phi-2", "roberta-bpe", "mpt", "olmo"), byte_level)
    result |= dict.fromkeys(("smollm", "starcoder", "refact", "codeshell", "command-r"), digits)
    result["falcon"] = pre_tokenizers.Sequence([
        pre_tokenizers.Punctuation("contiguous"), byte_level, pre_tokenizers.Split(Regex("[0-9][0-9][0-9]"), "isolated")])
    result |= {name: split_by(patterns) for name, patterns in patterns_of_llama_cpp().items()}
    return result


def real_unigram(path: pathlib.Path) -> Tokenizer:
    """A SentencePiece model, as transformers converts it."""
    model = sentencepiece_model_pb2.ModelProto()
    model.ParseFromString(path.read_bytes())
    tokenizer = of_unigram_proto(model)
    tokenizer.normalizer = normalizers.Sequence([tokenizer.normalizer, normalizers.Replace(Regex(" {2,}"), METASPACE)])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    return tokenizer
