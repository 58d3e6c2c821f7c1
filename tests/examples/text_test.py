#!/usr/bin/env python3
"""Which tokens a model sees: --text, --tokens and the tokenizer.

    tests/examples/text_test.py FOLDER_OF_PROGRAMS REPOSITORY [arguments of unittest]
"""

import json
import sys
import unittest

from program_case import GOLDENS, ProgramTest, read_report
from report_case import VOCABULARY_SIZE
from tiny_models import ids_of, read_safetensors

TEXT = "the cat sat on the mat, and the dog looked at it. " * 20


class TextTest(ProgramTest):
    def test_tokens_are_used_as_given(self):
        sequences = [[5, 4, 3, 2, 1], [1], [60, 0], [9, 8, 7, 6, 5, 4]]
        tokens = self.tokens(sequences)
        cases = [
            ("all", [], 4 + 0 + 1 + 5, 4, 6),
            ("two sequences", ["--sequences", 2], 4 + 0, 2, 5),
            ("cut", ["--length", 3], 2 + 0 + 1 + 2, 4, 3),
        ]

        def check(arguments, predicted, count, longest):
            report = self.report("anatomy", "--model", self.model, "--tokens", tokens, *arguments)
            self.assertEqual(report["perplexity"]["tokens"], predicted)
            configuration = report["configuration"]
            self.assertEqual((configuration["sequences"], configuration["length"]), (count, longest))
            self.assertEqual((configuration["tokens"], configuration["bos"]), (str(tokens), False))
            self.assertNotIn("text", configuration)

        self.for_each(cases, check)

    def test_text_becomes_windows(self):
        """--sequences, --length and --bos decide which ids the model sees."""
        text = self.file(TEXT)
        ids = ids_of(TEXT)
        no_template = self.copy_model(adds_bos=False)
        cases = [
            ("auto, tokenizer with BOS", self.model, ["--bos", "auto"], True),
            ("yes", self.model, ["--bos", "yes"], True),
            ("no", self.model, ["--bos", "no"], False),
            ("auto, tokenizer without BOS", no_template, [], False),
        ]

        def check(model, arguments, bos):
            command = ["--model", model, "--text", text, "--sequences", 3, "--length", 10, "--hooks", "hook_embed"]
            _, out = self.run_well("export-activations", *command, *arguments)
            windows = [ids[start : start + 10] for start in (0, 10, 20)]
            expected = [[1] + window[:-1] for window in windows] if bos else windows
            seen = read_safetensors(out / "activations.safetensors")["tokens"]
            self.assertEqual((seen.shape, seen.values().tolist()), ([3, 10], sum(expected, [])))
            configuration = read_report(out)["configuration"]
            self.assertEqual((configuration["bos"], configuration["text"]), (bos, str(text)))
            self.assertEqual((configuration["sequences"], configuration["length"]), (3, 10))

        self.for_each(cases, check)

    def test_fewer_windows_than_asked_for(self):
        report = self.report("anatomy", "--model", self.model, "--text", self.file(TEXT), "--length", 64)
        self.assertEqual(report["configuration"]["sequences"], len(TEXT) // 64)

    def test_a_short_context_shortens_the_windows(self):
        model = self.copy_model(config={"max_position_embeddings": 16})
        self.assertEqual(self.report("anatomy", "--model", model)["configuration"]["length"], 16)

    def test_a_folder_without_tokenizer_needs_tokens(self):
        done, _ = self.run_well("anatomy", "--model", self.bare, "--tokens", self.tokens([[1, 2, 3]]))
        self.assertLessEqual(done.stderr.count("\n"), 1)
        self.assert_refused("tokenizer.json", "--model", self.bare)


class BadTextTest(ProgramTest):
    def test_bad_text(self):
        cases = [
            ("empty", "too short: got 0 tokens", self.file("")),
            ("shorter than one window", ["too short: got 7 tokens", "64"], self.file("the cat")),
            ("missing", ["cannot read", "missing.txt"], self.folder / "missing.txt"),
            ("a folder", ["is a folder", str(self.bare)], self.bare),
        ]
        self.for_each(cases, lambda words, text: self.assert_refused(words, "--model", self.model, "--text", text))

    def test_bad_tokens(self):
        kind = ["--tokens", "JSON array of arrays of token ids"]
        huge = 2**63
        cases = [
            ("not JSON", kind, "[[1, 2"),
            ("an empty file", kind, ""),
            ("not UTF-8", kind, b'[["\xff"]]'),
            ("a number", kind, "3"),
            ("an object", kind, '{"tokens": [[1, 2]]}'),
            ("one array", kind, "[1, 2, 3]"),
            ("an array and a number", kind, "[[1, 2], 3]"),
            ("fractions", kind, "[[1.5, 2]]"),
            ("text", kind, '[["the", "cat"]]'),
            ("booleans", kind, "[[true, false]]"),
            ("nulls", kind, "[[null]]"),
            ("past 64 bits", kind, f"[[{huge}, 1]]"),
            ("far past 64 bits", kind, f"[[{huge ** 3}, 1]]"),
            ("nested too deep", kind, "[" * 100_000),
            ("no sequences", "no sequences", "[]"),
            ("an empty sequence", "sequence 1 is empty", "[[1, 2], [], [3]]"),
            ("past the vocabulary", ["vocabulary", "61", "60"], "[[1, 2], [60, 61]]"),
            ("negative", ["vocabulary", "-1"], "[[1, 2, -1]]"),
            ("the bad id comes late", ["vocabulary", "61"], json.dumps([[1] * 60] * 90 + [[1, 61]])),
            ("longer than the context", ["context", "65", "64"], json.dumps([[1, 2], [3] * 65])),
        ]

        def check(words, content):
            self.assert_refused(words, "--model", self.model, "--tokens", self.file(content, ".json"))

        self.for_each(cases, check)

    def test_bad_tokens_files(self):
        missing = self.folder / "missing.json"
        self.assert_refused(["cannot read", "missing.json"], "--model", self.model, "--tokens", missing)
        self.assert_refused("is a folder", "--model", self.model, "--tokens", self.bare)

    def test_one_sentence_also_without_a_tokenizer(self):
        tokens = self.file("[[1, 61]]", ".json")
        self.assert_refused("vocabulary", "--model", self.bare, "--tokens", tokens)

    def test_bad_tokenizers(self):
        unfit = ["the tokenizer does not fit the model", "expected ids below 61"]
        beyond = json.loads((self.model / "tokenizer.json").read_text())
        beyond["model"]["vocab"]["t"] = VOCABULARY_SIZE
        cases = [
            ("of another model", unfit, (GOLDENS / "text/smollm/tokenizer.json").read_bytes()),
            ("one id too far", [*unfit, "id 61 ('t')"], json.dumps(beyond).encode()),
            ("not JSON", ["not JSON", "tokenizer.json"], b"{"),
            ("empty", ["is empty", "tokenizer.json"], b""),
            ("of another kind", ["WordLevel", "BPE"], b'{"model": {"type": "WordLevel", "vocab": {}}}'),
        ]

        def check(words, content):
            model = self.copy_model()
            (model / "tokenizer.json").write_bytes(content)
            self.assert_refused(words, "--model", model)

        self.for_each(cases, check)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
