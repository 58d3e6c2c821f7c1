#!/usr/bin/env python3
"""Writes tests/goldens/text/train_bpe.json: tokenizers that `tokenizers` trains on texts of the repository and on a few strings.

Each case has the texts (or the file with the text), the options, and the resulting `tokenizer.json`.
Needs `pip install tokenizers` (0.23.3). Every run writes the same bytes.
"""

import json
import pathlib

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

ROOT = pathlib.Path(__file__).resolve().parents[2]
OUT = ROOT / "tests" / "goldens" / "text" / "train_bpe.json"

RUNS = [  # of one letter, of one sign, of white space; pairs that occur equally often; contractions; marks and emoji
    "aaaa aaa aaaaa aaaaaaa aaaaaaaa", "= == ==== ======== == =", "abab baba ababab bababa abba", "xy yx xy yx zx xz zx xz",
    "\n\n\n    if\n        if\n    \t\t\tif  \r\n\r\n", "don't can't won't we'll they'll 'll 't",
    "caf\u00e9 cafe\u0301 caf\u00e9 \u4f60\u597d\u4f60\u597d \U0001f44d\U0001f3fd \U0001f44d\U0001f3fd 1234 123 12", "", "ends with a ", "b",
]


def case(source: dict, vocabulary: int, min_frequency: int, special_tokens: list[str]) -> dict:
    texts = source["texts"] if "texts" in source else [(ROOT / source["file"]).read_bytes().decode()]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=vocabulary, min_frequency=min_frequency, special_tokens=special_tokens,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    return source | {"vocabulary": vocabulary, "min_frequency": min_frequency, "special_tokens": special_tokens,
                     "tokenizer": json.loads(tokenizer.to_str())}


def main() -> None:
    cases = [
        case({"file": "examples/data/passages.txt"}, 600, 2, ["<|endoftext|>"]),
        case({"file": "tests/goldens/text/hard_unicode.txt"}, 320, 1, []),
        case({"texts": RUNS}, 1000, 2, ["<s>", "</s>", "ab", "a"]),  # two special tokens occur in the text; the pairs run out
    ]
    OUT.write_text(json.dumps(cases, ensure_ascii=False, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
