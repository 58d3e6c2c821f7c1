#!/usr/bin/env python3
"""A tokenizer made to do harm is refused in one sentence, within bounds of time and memory; what it names is shown as text.

    tests/hostile/tokenizer_test.py FOLDER_OF_PROGRAMS REPOSITORY [arguments of unittest]
"""

import json
import os
import re
import sys
import unittest

from hostile_case import ESCAPES, SCRIPT, EMBEDDING, NESTED_ARRAYS, NESTED_OBJECTS, text
from tokenizer_case import TokenizerCase
from program_case import GOLDEN, read_report
from tiny_models import VOCABULARY, read_safetensors


def added_token(content):
    return {"id": 60, "content": content, "normalized": False, "special": False}


class TokenizerTest(TokenizerCase):
    def test_files_that_are_refused(self):
        token = {"content": "new", "special": False}
        wide, left = "out of range: got %d, expected 0 to 2147483647", "left token is not in the vocabulary"
        joined = "joined token is not in the vocabulary: got 'zz'"
        steps = "the %s has too many steps: got 65, expected at most 64"
        spelling = {"type": "ByteLevel", "add_prefix_space": False, "use_regex": False}

        def added(id):
            return self.good | {"added_tokens": [token | {"id": id}]}

        cases = [
            ("deep arrays", "nested deeper than 32 levels", NESTED_ARRAYS),
            ("deep objects", "nested deeper than 32 levels", NESTED_OBJECTS),
            ("deep normalizers", "nested deeper than 32 levels", b'{"normalizer":' + NESTED_OBJECTS),
            ("not an object", "got a JSON array, expected an object", b"[]"),
            ("negative id", "the id of 't' is out of range: got -1, expected 0 to", self.with_ids(t=-1)),
            ("id of 2^40", wide % 2**40, self.with_ids(t=2**40)),
            ("id of 2^63", f"an id is of the wrong kind: got {2**63}", self.with_ids(t=2**63)),
            ("fractional id", "an id is of the wrong kind: got 1.5", self.with_ids(t=1.5)),
            ("an id twice", "two tokens have one id: got 5 for '[ct]' and for '[ct]'", self.with_ids(t=5)),
            ("id beyond the model", "got id 61 .*expected ids below 61", self.with_ids(t=61)),
            ("id of 2^31 - 1", "got id 2147483647 .*expected ids below 61", self.with_ids(t=2**31 - 1)),
            ("no tokens", "unk_token is not in the vocabulary: got '<unk>'", self.with_model(vocab={})),
            ("a merge of an unknown token", f"{left}: got 'zz'", self.with_model(merges=["zz a"])),
            ("a merge into an unknown token", joined, self.with_model(merges=["z z"])),
            ("a merge of one token", "a merge is not two tokens: got 'z'", self.with_model(merges=["z"])),
            ("a merge of control characters", left, self.with_model(merges=[f"{ESCAPES} z"])),
            ("added id of -1", "out of range: got -1", added(-1)),
            ("added id of 2^40", wide % 2**40, added(2**40)),
            ("added id of 2^63", "id is of the wrong kind", added(2**63)),
            ("added id of another token", "two tokens have one id: got 5", added(5)),
            ("a type of control characters", "got type .*, expected BPE", self.with_model(type=ESCAPES)),
            ("a type of a megabyte", "got type .*", self.with_model(type="x" * 2**20)),
            ("a key of control characters", "is not understood", self.good | {ESCAPES: 1}),
            ("a long token", "a token is too long: got 20000 bytes, expected at most", self.with_ids(**{"t" * 20_000: 60})),
            ("a long prefix", "continuing_subword_prefix is too long", self.with_model(continuing_subword_prefix="#" * 20_000)),
            ("a long added token", "a token is too long", self.good | {"added_tokens": [added_token("t" * 20_000)]}),
            ("a long pattern", "a pattern is too long: got 80000 bytes", self.splitting(r"\w" * 40_000)),
            ("many normalizers", steps % "normalizer", self.with_steps("normalizer", "normalizers", {"type": "NFC"})),
            ("many decoders", steps % "decoder", self.with_steps("decoder", "decoders", {"type": "Fuse"})),
            ("many pre-tokenizers", steps % "pre-tokenizer", self.with_steps("pre_tokenizer", "pretokenizers", spelling)),
        ]
        self.for_each(cases, self.check)

    def test_no_tokens(self):
        model = self.model_with(self.plain(added_tokens=[], model={"type": "BPE", "vocab": {}, "merges": []}))
        self.assert_refused("too short: got 0 tokens, expected", "--model", model)

    def test_paths_that_are_not_files(self):
        special, loop = "not a file: got a special file, expected", "Too many levels of symbolic links|is missing"
        kinds = [
            ("zeros", special, lambda path: os.symlink("/dev/zero", path)),
            ("a pipe", special, os.mkfifo),
            ("a loop", loop, lambda path: os.symlink(path.name, path)),
        ]
        names = ["tokenizer.json", "tokenizer_config.json"]
        cases = [(f"{name} of {what}", words, name, make) for name in names for what, words, make in kinds]

        def check(words, name, make):
            model = self.copy_model()
            (model / name).unlink(missing_ok=True)
            make(model / name)
            self.assert_refused([words, re.escape(str(model))], "--model", model)

        self.for_each(cases, check)

    def test_ten_million_merges(self):
        """Of 170 MB; the memory it takes is a small multiple of that."""
        model = self.copy_model()
        file = model / "tokenizer.json"
        letters = "abcdefgh"
        lefts = [first + second * 5 for first in letters for second in letters]
        tokens = lefts + [left + right for left in lefts for right in lefts]
        vocabulary = {token: 61 + number for number, token in enumerate(tokens)}
        head = json.dumps(self.with_model(vocab=self.good["model"]["vocab"] | vocabulary)).encode()
        begin, end = head.split(b'"merges": []')
        merges = ",".join(f'"{left} {right}"' for left in lefts for right in lefts).encode()
        with file.open("wb") as stream:
            stream.write(begin + b'"merges":[' + merges)
            for _ in range(10_000_000 // len(lefts) ** 2):
                stream.write(b"," + merges)
            stream.write(b"]" + end)
        self.seconds_allowed, self.megabytes_allowed = 60, 256 + 8 * (file.stat().st_size >> 20)
        done = self.start("anatomy", ["--model", model, "--out", self.new_path("-out"), "--only", "perplexity"])
        if done.returncode != 0:
            self.assert_one_sentence(done, ["merges", re.escape(str(file))])

    def test_patterns_that_try_every_way(self):
        """PCRE2 counts the steps of a search."""
        letters = self.file("a" * 100_000 + "!\n")
        crosses = self.file("x" * 100_000 + "!y")  # without any y PCRE2 does not begin
        limit = r"a pattern cannot be searched for: .*(limit|too many)"
        cases = [
            ("(a+)+$", letters, r"(a+)+$"),
            ("(a|a)*$", letters, r"(a|a)*$"),
            ("(a|aa)+$", letters, r"(a|aa)+$"),
            ("(x+x+)+y", crosses, r"(x+x+)+y"),
            ("(x+x+)+[yz]", crosses, r"(x+x+)+[yz]"),
        ]

        def check(text, pattern):
            model = self.model_with(self.splitting(pattern))
            self.assert_refused([limit, re.escape(pattern)], "--model", model, "--text", text)

        self.for_each(cases, check)

    def test_texts_that_steps_make_grow(self):
        """Manyfold by each of them, or a little for each of many pieces."""
        replace = {"type": "Replace", "pattern": {"String": "a"}, "content": "a" * 100}
        spelling = {"type": "ByteLevel", "add_prefix_space": False, "use_regex": False}
        prepend, some = ({"type": "Prepend", "prepend": "a" * count} for count in (1_000_000, 10_000))
        forms = [{"id": 61 + n, "content": f"<{n}>", "normalized": True, "special": False} for n in range(10_000)]
        pieces, words = self.file("<s>a" * 1000), self.file("é and a word " * 1000)
        cut = self.splitting("é")["pre_tokenizer"]
        cutting = self.good | {"pre_tokenizer": {"type": "Sequence", "pretokenizers": [cut, *[spelling] * 17]}}
        grows = "the %s makes a text too long: got [0-9]+ bytes"
        cases = [
            ("normalizers", grows % "normalizer", self.with_steps("normalizer", "normalizers", replace, 8), words),
            ("pre-tokenizers", grows % "pre-tokenizer", self.with_steps("pre_tokenizer", "pretokenizers", spelling, 34), words),
            ("pieces of a word", grows % "pre-tokenizer", cutting, words),
            ("pieces of a text", grows % "normalizer", self.good | {"normalizer": prepend}, pieces),
            ("added tokens", grows % "normalizer", self.good | {"normalizer": some, "added_tokens": forms}, words),
        ]

        def check(words, tokenizer, file):
            self.assert_refused(words, "--model", self.model_with(tokenizer), "--text", file)

        self.for_each(cases, check)

    def test_a_run_of_spaces_is_looked_at_once(self):
        """Not from each of its places, by a token that takes the spaces around it."""
        token = {"id": 60, "content": " ", "lstrip": True, "rstrip": True, "normalized": False, "special": False}
        model = self.model_with(self.good | {"added_tokens": [*self.good["added_tokens"], token]})
        self.run_tiny(model, "--text", self.file(" " * 1_000_000), "--only", "life_cycle")

    def test_a_vocabulary_of_markup_and_control_characters(self):
        """The page shows it as text, and a terminal gets none of it."""
        hostile = [
            SCRIPT,
            "</script><script>alert(2)</script>",
            '"><img src=hostile onerror=alert(3)>',
            "<!--",
            ESCAPES,
            "\0",
            "\x9b2J",
            "\r\nreport forged",
            "\u2028\u2029",
            "\u202e",
        ]
        vocabulary = {token: id for id, token in enumerate(VOCABULARY[:3] + hostile)}
        tokenizer = self.plain(model=self.good["model"] | {"vocab": vocabulary, "merges": []})
        width = 32
        embedding = read_safetensors(GOLDEN / "model.safetensors")[EMBEDDING]
        spikes = embedding.with_values({id * width + 5: 3000.0 for id in vocabulary.values()})
        model = self.copy_model(tensors={EMBEDDING: spikes})
        (model / "tokenizer.json").write_text(json.dumps(tokenizer))
        ids = [list(vocabulary.values())] + [[id] * 4 for id in vocabulary.values()]
        _, out = self.run_tiny(model, "--tokens", self.tokens(ids))
        told = json.dumps(read_report(out), ensure_ascii=False)
        for token in hostile:
            self.assertIn(json.dumps(token, ensure_ascii=False)[1:-1], told)
        page = (out / "report.html").read_text(encoding="utf-8")
        self.assertNotRegex(page, r"(?i)<script>\s*alert|<img src=hostile")
        self.assertNotIn("\x1b", page)

    def test_a_note_about_a_tokenizer_is_text(self):
        """With ids that are given a tokenizer that is refused is but a note on the terminal."""
        model = self.model_with(self.with_model(type=f"{ESCAPES}\nforged"))
        told, _ = self.run_tiny(model, "--tokens", self.tokens([[1, 2, 3]]), "--only", "life_cycle")
        self.assertIn("tokens are shown without their text", told)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
