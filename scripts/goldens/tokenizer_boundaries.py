#!/usr/bin/env python3
"""Writes tests/goldens/text/boundaries.json: what transformers puts before and after a text, by tokenizer class, template and flags.

Needs `pip install tokenizers transformers` (0.23.3, 5.24.0). Every run writes the same bytes.
"""

import itertools
import json
import pathlib
import tempfile

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import AutoTokenizer

FILE = pathlib.Path(__file__).resolve().parents[2] / "tests" / "goldens" / "text" / "boundaries.json"
CLASSES = ("PreTrainedTokenizerFast", "TokenizersBackend", "LlamaTokenizer", "LlamaTokenizerFast", "GemmaTokenizer", "CohereTokenizerFast",
           "GPT2Tokenizer", "Qwen2Tokenizer", "GPTNeoXTokenizerFast", "CodeLlamaTokenizer")
TEMPLATES = (None, "ByteLevel", "$A", "<s> $A", "<s> $A </s>")
FLAGS = ({}, {"add_bos_token": True}, {"add_bos_token": False}, {"add_eos_token": True})
TOKENS = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<unk>"}


def post_processor(template: str | None):
    if template is None:
        return None
    if template == "ByteLevel":
        return processors.ByteLevel(trim_offsets=False)
    return processors.TemplateProcessing(single=template, special_tokens=[("<s>", 1), ("</s>", 2)])


def made(template: str | None, metaspace: bool) -> dict:
    """A class that builds its own steps builds these."""
    tokens = ("<unk>", "<s>", "</s>", "a", "b", "ab", "\u2581", "\u2581ab")
    tokenizer = Tokenizer(models.BPE(vocab={token: id for id, token in enumerate(tokens)}, merges=[("a", "b"), ("\u2581", "ab")]))
    if metaspace:
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    else:
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in tokens[:3]])
    if processor := post_processor(template):
        tokenizer.post_processor = processor
    return json.loads(tokenizer.to_str())


def ids_of(tokenizer: dict, config: dict) -> list[int]:
    with tempfile.TemporaryDirectory() as folder:
        for name, data in (("tokenizer.json", tokenizer), ("tokenizer_config.json", config)):
            (pathlib.Path(folder) / name).write_text(json.dumps(data))
        return AutoTokenizer.from_pretrained(folder)("ab")["input_ids"]


def main() -> None:
    tokenizers, cases = [], []
    for metaspace, template in itertools.product((False, True), TEMPLATES):
        for name, flags in itertools.product(CLASSES, FLAGS):
            if metaspace == ("Llama" in name):
                tokenizer, config = made(template, metaspace), TOKENS | flags | {"tokenizer_class": name}
                cases.append({"tokenizer": len(tokenizers), "config": config, "ids": ids_of(tokenizer, config)})
        tokenizers.append(made(template, metaspace))
    FILE.write_text(json.dumps({"tokenizers": tokenizers, "cases": cases}, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
