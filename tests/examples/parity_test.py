#!/usr/bin/env python3
"""spikesink-parity: a comparison with the tensors of a file.

    tests/examples/parity_test.py FOLDER_OF_PROGRAMS REPOSITORY [arguments of unittest]
"""

import sys
import unittest

from program_case import GOLDEN, ProgramTest, read_report
from report_case import VOCABULARY_SIZE, WIDTH
from tiny_models import Tensor, read_safetensors, write_safetensors

TEXT = "the cat sat on the mat, and the dog looked at it. " * 20


class ParityTest(ProgramTest):
    EXPECTED = GOLDEN / "expected_float32.safetensors"

    def reference(self, **changes):
        """The golden tensors with these in place of their own; None takes one out."""
        tensors = read_safetensors(self.EXPECTED) | changes
        path = self.new_path(".safetensors")
        write_safetensors(path, {name: tensor for name, tensor in tensors.items() if tensor is not None})
        return path

    def differs(self, words, *arguments):
        """The points of the report."""
        out = self.new_path("-out")
        done = self.start("parity", ["--out", out, *arguments])
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"\Aspikesink-parity: [^\n]+\n\Z")
        self.assertNotIn("verdict", done.stdout)
        for word in words:
            self.assertIn(word, done.stderr)
        return read_report(out)["parity"]["points"]

    def assert_reference_refused(self, words, reference, *more):
        self.assert_refused(words, "--model", self.bare, "--reference", reference, *more, program="parity")

    def test_agrees_with_transformers(self):
        done, out = self.run_well("parity", "--model", self.bare, "--reference", self.EXPECTED)
        self.assertRegex(done.stdout, r"verdict +equal\n\Z")
        report = read_report(out)
        self.assertEqual(report["program"], "parity")
        self.assertEqual(report["configuration"]["reference"], str(self.EXPECTED))
        self.assertFalse({"text", "tokens"} & set(report["configuration"]))
        self.assertEqual(report["parity"]["options"], {"absolute": 1e-4, "relative": 1e-3})
        expected = read_safetensors(self.EXPECTED)
        points = {point["point"]: point for point in report["parity"]["points"]}
        self.assertEqual(set(points), set(expected) - {"tokens"})
        for name, point in points.items():
            self.assertEqual(point["shape"], expected[name].shape)
            self.assertEqual(point["outside"], 0)
            self.assertLessEqual(point["error"], 1)
            self.assertEqual(len(point["worst"]), len(point["shape"]))

    def test_float64_agrees_closely(self):
        limits = ["--absolute", 1e-10, "--relative", 1e-10]
        exact = ["--reference", GOLDEN / "expected_float64.safetensors", *limits]
        report = self.report("parity", "--model", self.bare, *exact, "--dtype", "float64")
        self.assertEqual(report["configuration"]["dtype"], "float64")
        self.differs(["--dtype float64"], "--model", self.bare, *exact)

    def test_what_was_exported_is_the_same(self):
        command = ["--model", self.model, "--sequences", 3, "--length", 7, "--hooks", "**"]
        _, out = self.run_well("export-activations", *command)
        reference = out / "activations.safetensors"
        limits = ["--absolute", 0, "--relative", 0]
        done, _ = self.run_well("parity", "--model", self.model, "--reference", reference, *limits, "--quiet")
        self.assertEqual((done.stdout, done.stderr), ("", ""))

    def test_a_changed_value_is_named(self):
        name = "blocks.0.hook_attn_out"
        wrong = read_safetensors(self.EXPECTED)[name].with_values({WIDTH + 3: 9.0})
        reference = self.reference(**{name: wrong})
        words = ["1 of ", " hook points differ", f"the first of them {name}: 1 value, by"]
        points = self.differs(words, "--model", self.bare, "--reference", reference)
        point = next(point for point in points if point["point"] == name)
        self.assertEqual((point["outside"], point["worst"], point["expected"]), (1, [0, 1, 3], 9.0))
        self.assertAlmostEqual(point["largest_difference"], abs(9 - point["got"]))

    def test_another_model_differs_where_it_is_another(self):
        name = "model.layers.1.mlp.up_proj.weight"
        weight = read_safetensors(GOLDEN / "model.safetensors")[name]
        model = self.copy_model(tensors={name: weight.with_values({0: 5.0})})
        words = ["the first of them blocks.1.mlp.hook_pre_linear"]
        self.differs(words, "--model", model, "--reference", self.EXPECTED)

    def test_bad_references(self):
        tensors = read_safetensors(self.EXPECTED)
        tokens, embedded = tensors["tokens"], tensors["hook_embed"]
        count, length = tokens.shape
        flat = Tensor("I64", [count * length], tokens.data)
        floats = Tensor("F64", tokens.shape, tokens.data)
        beyond = tokens.with_values({2: VOCABULARY_SIZE})
        one = Tensor("F32", [1, length, WIDTH], embedded.data[: len(embedded.data) // count])
        three = Tensor("F32", [3, length, WIDTH], one.data * 3)
        alone = self.new_path(".safetensors")
        write_safetensors(alone, {"tokens": tokens})
        cases = [
            ("missing", "missing.safetensors", self.folder / "missing.safetensors"),
            ("another kind of file", "header", self.file("text of no kind")),
            ("no tokens", ["no tensor 'tokens'", "[sequences, length] of int64"], self.reference(tokens=None)),
            ("flat tokens", ["'tokens'", f"[{count * length}]"], self.reference(tokens=flat)),
            ("tokens of another dtype", ["'tokens'", "double"], self.reference(tokens=floats)),
            ("past the vocabulary", ["vocabulary", "61"], self.reference(tokens=beyond)),
            ("nothing to compare", "no tensor named after a hook point", alone),
            ("unknown name", ["'hook_embedding'", "nearest", "hook_embed"], self.reference(hook_embedding=embedded)),
            ("too few rows", ["hook_embed", "[1, 11, 32]"], self.reference(hook_embed=one)),
            ("too many rows", ["hook_embed", "3 rows, expected 2"], self.reference(hook_embed=three)),
            ("a number", ["hook_embed", "[]"], self.reference(hook_embed=Tensor("F32", [], bytes(4)))),
        ]
        self.for_each(cases, self.assert_reference_refused)

    def test_bad_options(self):
        self.assert_refused(["--reference", "required"], "--model", self.bare, program="parity")
        self.assert_refused(["--model", "required"], "--reference", self.EXPECTED, program="parity")
        cases = [
            ("text", ["--reference", "--text"], ["--text", self.file(TEXT)]),
            ("tokens", ["--reference", "--tokens"], ["--tokens", self.tokens([[1, 2]])]),
            ("length", ["--reference", "--length"], ["--length", 3]),
            ("negative", ["absolute", "-1"], ["--absolute", -1]),
            ("not a number", ["relative", "nan"], ["--relative", "nan"]),
        ]
        self.for_each(cases, lambda words, more: self.assert_reference_refused(words, self.EXPECTED, *more))


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
