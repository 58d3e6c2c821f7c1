#!/usr/bin/env python3
"""Texts and token ids made to do harm are read, or refused in one sentence.

    tests/hostile/text_test.py FOLDER_OF_PROGRAMS REPOSITORY [arguments of unittest]
"""

import os
import re
import sys
import unittest

from hostile_case import DEEP, ESCAPES, HostileTest
from tokenizer_case import TokenizerCase


class TextTest(TokenizerCase):
    def test_texts_that_are_read(self):
        words = b"the cat sat on the mat "
        cases = [
            ("not UTF-8", words * 10 + bytes(range(128, 256)) * 10),
            ("cut in a character", words * 10 + "é".encode()[:1]),
            ("NUL", words * 10 + bytes(1000)),
            ("control characters", words * 10 + ESCAPES.encode() * 100),
        ]

        def check(content):
            self.run_tiny(self.model, "--text", self.file(content), "--length", 16, "--only", "life_cycle")

        self.for_each(cases, check)

    def test_ten_megabytes_without_a_space(self):
        """What a word costs must not grow with its square, whatever the kind of tokenizer."""
        file = self.new_path(".txt")
        with file.open("wb") as stream:
            for _ in range(10_000):
                stream.write(b"a" * 1000)
        pairs = ["a" * 2**power for power in range(5)]
        merges = [f"{pair} {pair}" for pair in pairs[:-1]]
        ids = {"<unk>": 0} | {pair: 1 + number for number, pair in enumerate(pairs)}
        words = {"type": "WordPiece", "unk_token": "<unk>", "continuing_subword_prefix": "##"}
        cases = [
            ("BPE", {"type": "BPE", "vocab": ids, "merges": merges}),
            ("unigram", {"type": "Unigram", "unk_id": 0, "vocab": [[token, -id] for token, id in ids.items()]}),
            ("WordPiece", words | {"max_input_chars_per_word": 2**62, "vocab": ids | {"##a": 10, "##aa": 11}}),
        ]
        self.seconds_allowed, self.megabytes_allowed = 60, 1024

        def check(kind):
            model = self.model_with(self.plain(added_tokens=[], model=kind))
            self.run_tiny(model, "--text", file, "--only", "life_cycle")

        self.for_each(cases, check)

    def test_a_pipe_is_read(self):
        file = self.file("the cat sat on the mat " * 100)
        pipe = ["bash", "-c", f'exec "$0" "$@" --text <(cat {file})']
        done = self.start("anatomy", ["--model", self.model, "--threads", 1, "--only", "life_cycle"], pipe)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_paths_that_are_not_files(self):
        """A device that never ends is not read."""
        zeros = self.new_path(".txt")
        os.symlink("/dev/zero", zeros)
        cases = [
            ("a folder", "is a folder, expected a file", self.bare, "--text"),
            ("zeros", "not a file|special file|device", zeros, "--text"),
            ("ids of a folder", "is a folder, expected a file", self.bare, "--tokens"),
            ("ids of zeros", "not a file|special file|device", zeros, "--tokens"),
        ]

        def check(words, path, option):
            self.assert_refused([words, re.escape(str(path))], "--model", self.model, option, path)

        self.for_each(cases, check)


class TokensTest(HostileTest):
    def test_ids(self):
        kind = "is not a JSON array of arrays of token ids"
        cases = [
            ("deep arrays", kind, "[" * DEEP),
            ("deep and whole", kind, "[" * DEEP + "]" * DEEP),
            ("deep objects", kind, '{"a":' * DEEP),
            ("2^63", kind, f"[[{2**63}]]"),
            ("1e308", kind, "[[1e308]]"),
            ("NaN", kind, "[[NaN]]"),
            ("2^63 - 1", f"got ids from 1 to {2**63 - 1}, expected 0 to 60", f"[[1, {2**63 - 1}]]"),
            ("beyond the vocabulary", "got ids from 1 to 61, expected 0 to 60", "[[1, 61]]"),
            ("negative", "got ids from -1 to 1, expected 0 to 60", "[[1, -1]]"),
            ("an empty sequence", "sequence 1 is empty", "[[1], []]"),
            ("no sequences", "no sequences", "[]"),
            ("a million empty sequences", "sequence 0 is empty", "[" + "[]," * 999_999 + "[]]"),
        ]

        def check(words, content):
            file = self.file(content, ".json")
            self.assert_refused(words, "--model", self.model, "--tokens", file, "--quiet")

        self.for_each(cases, check)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
