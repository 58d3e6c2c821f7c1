#!/usr/bin/env python3
"""Writes tests/goldens/text/llama_cpp.json: llama.cpp's ids of the texts of tricky.json, with the SentencePiece vocabularies of gguf/.

Also checks the patterns that `tokenizer.ggml.pre` names (tokenizer_kinds.named_pre_tokenizers) against llama.cpp's: with a vocabulary
whose merges cross words, so that another split gives other ids. It prints where they differ and writes no golden of that.

Needs the files of tokenizer_ids.py, and `pip install xllamacpp tokenizers gguf` (2026.10.11549, 0.23.3, 0.19.0): its module has
llama.cpp's functions.
"""

import ctypes
import importlib.util
import json
import pathlib
import tempfile
import unicodedata

import gguf
import tokenizer_kinds
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "tests" / "goldens" / "text"
VOCABULARIES = ("llama", "phi3", "phi3_named")
NFC = ("mpt", "olmo", "command-r", "qwen2", "qwen35", "deepseek-r1-qwen")  # llama.cpp does not normalise


class ModelParams(ctypes.Structure):
    """llama_model_params: `vocab_only` is the first flag behind the pointers. Longer than needed, which its callee ignores."""
    _fields_ = [("pointers", ctypes.c_ubyte * 72), ("flags", ctypes.c_ubyte * 120)]


LogCallback = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)
QUIET = LogCallback(lambda level, text, data: None)


def load_llama_cpp() -> ctypes.CDLL:
    package = pathlib.Path(importlib.util.find_spec("xllamacpp").origin).parent
    library = ctypes.CDLL(str(package / "xllamacpp.abi3.so"), mode=ctypes.RTLD_GLOBAL)
    library.llama_model_default_params.restype = ModelParams
    library.llama_model_load_from_file.argtypes = [ctypes.c_char_p, ModelParams]
    library.llama_model_load_from_file.restype = ctypes.c_void_p
    library.llama_model_get_vocab.argtypes = [ctypes.c_void_p]
    library.llama_model_get_vocab.restype = ctypes.c_void_p
    library.llama_tokenize.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int32, ctypes.POINTER(ctypes.c_int32),
                                       ctypes.c_int32, ctypes.c_bool, ctypes.c_bool]
    library.llama_log_set.argtypes = [LogCallback, ctypes.c_void_p]
    library.llama_log_set(QUIET, None)
    library.llama_backend_init()
    return library


class Vocabulary:
    def __init__(self, library: ctypes.CDLL, path: pathlib.Path):
        params = library.llama_model_default_params()
        params.flags[0] = 1
        model = library.llama_model_load_from_file(str(path).encode(), params)
        assert model, path
        self.library, self.vocabulary = library, library.llama_model_get_vocab(model)

    def encode(self, text: str) -> list[int]:
        data = text.encode()
        ids = (ctypes.c_int32 * (4 * len(data) + 8))()
        count = self.library.llama_tokenize(self.vocabulary, data, len(data), ids, len(ids), False, True)
        assert count >= 0
        return list(ids[:count])


def write_ids(library: ctypes.CDLL, texts: list[str]) -> None:
    ids = {}
    for name in VOCABULARIES:
        vocabulary = Vocabulary(library, FOLDER / "gguf" / f"{name}.gguf")
        ids[name] = [vocabulary.encode(text) for text in texts]
    (FOLDER / "llama_cpp.json").write_text(json.dumps(ids, separators=(",", ":")) + "\n")


def crossing_words(texts: list[str]) -> Tokenizer:
    """Trained on texts that are not split."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    trainer = trainers.BpeTrainer(vocab_size=6000, min_frequency=1, show_progress=False, max_token_length=24,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def write_vocabulary(path: pathlib.Path, tokenizer: Tokenizer, pre: str) -> None:
    model = json.loads(tokenizer.to_str())["model"]
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(pre)
    writer.add_token_list(sorted(model["vocab"], key=model["vocab"].get))
    writer.add_token_types([gguf.TokenType.NORMAL] * len(model["vocab"]))
    writer.add_token_merges([" ".join(merge) for merge in model["merges"]])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()


def check_patterns(library: ctypes.CDLL, texts: list[str]) -> None:
    tokenizer = crossing_words(texts)
    for name, pre_tokenizer in tokenizer_kinds.named_pre_tokenizers().items():
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "vocabulary.gguf"
            write_vocabulary(path, tokenizer, name)
            vocabulary = Vocabulary(library, path)
            data = json.loads(tokenizer.to_str())
            data["model"]["ignore_merges"] = name in tokenizer_kinds.WHOLE_WORDS
            split = Tokenizer.from_str(json.dumps(data))
            split.pre_tokenizer = pre_tokenizer
            forms = [unicodedata.normalize("NFC", text) if name in NFC else text for text in texts]
            differ = [text for text in forms if split.encode(text).ids != vocabulary.encode(text)]
        print(f"{name}: {len(texts)} texts, {len(differ)} differ", *map(ascii, differ[:5]))


def main() -> None:
    texts = json.loads((FOLDER / "tricky.json").read_text())
    library = load_llama_cpp()
    write_ids(library, texts)
    lines = (FOLDER / "hard_unicode.txt").read_bytes().decode().split("\n")
    words = [word for line in lines for word in line.split(" ")]
    # llama.cpp takes these names for special tokens, whatever their type.
    check_patterns(library, [text for text in texts + lines + words if text and "<|" not in text and "</s>" not in text])


if __name__ == "__main__":
    main()
