#!/usr/bin/env python3
"""spikesink-export-activations: the tensors of chosen hook points.

    tests/examples/export_activations_test.py FOLDER_OF_PROGRAMS REPOSITORY [arguments of unittest]
"""

import math
import sys
import unittest

from program_case import GOLDEN, ProgramTest, read_report
from report_case import VOCABULARY_SIZE, WIDTH
from tiny_models import read_safetensors


class ExportActivationsTest(ProgramTest):
    def test_every_point_of_the_golden_model(self):
        expected = read_safetensors(GOLDEN / "expected_float32.safetensors")
        count, length = expected["tokens"].shape
        tokens = expected["tokens"].values().tolist()
        given = self.tokens([tokens[row * length : (row + 1) * length] for row in range(count)])
        done, out = self.run_well(
            "export-activations", "--model", self.model, "--tokens", given, "--sequences", count, "--hooks", "**"
        )
        self.assertEqual(done.stderr, "")
        got = read_safetensors(out / "activations.safetensors")
        self.assertEqual(set(got), set(expected))
        for name, tensor in expected.items():
            self.assertEqual((got[name].dtype, got[name].shape), (tensor.dtype, tensor.shape), name)
            for a, b in zip(got[name].values(), tensor.values()):
                self.assertTrue(math.isclose(a, b, rel_tol=1e-4, abs_tol=1e-4), f"{name}: {a} is not {b}")
        listed = {entry["name"]: (entry["dtype"], entry["shape"]) for entry in read_report(out)["activations"]}
        self.assertEqual(listed, {name: (tensor.dtype, tensor.shape) for name, tensor in got.items()})

    def test_patterns_choose_points(self):
        cases = [
            ("one", ["hook_embed"], {"hook_embed"}),
            ("star", ["blocks.*.hook_attn_out"], {"blocks.0.hook_attn_out", "blocks.1.hook_attn_out"}),
            ("several", ["hook_embed", "blocks.1.mlp.hook_act"], {"hook_embed", "blocks.1.mlp.hook_act"}),
            ("overlapping", ["blocks.0.hook_mlp_out", "**.hook_mlp_out"], {f"blocks.{i}.hook_mlp_out" for i in range(2)}),
        ]

        def check(patterns, expected):
            command = ["--model", self.model, "--sequences", 2, "--length", 6, "--hooks", *patterns]
            _, out = self.run_well("export-activations", *command)
            tensors = read_safetensors(out / "activations.safetensors")
            self.assertEqual(set(tensors), expected | {"tokens"})
            for name, tensor in tensors.items():
                self.assertEqual(tensor.shape[:2], [2, 6], name)

        self.for_each(cases, check)

    def test_bfloat16_is_kept(self):
        command = ["--model", self.model, "--dtype", "bfloat16", "--sequences", 1, "--length", 5]
        _, out = self.run_well("export-activations", *command, "--hooks", "blocks.1.hook_resid_post", "unembed.hook_out")
        tensors = read_safetensors(out / "activations.safetensors")
        self.assertEqual(
            {name: (tensor.dtype, tensor.shape) for name, tensor in tensors.items()},
            {
                "tokens": ("I64", [1, 5]),
                "blocks.1.hook_resid_post": ("BF16", [1, 5, WIDTH]),
                "unembed.hook_out": ("BF16", [1, 5, VOCABULARY_SIZE]),
            },
        )

    def test_bad_hooks(self):
        command = ["--model", self.model]
        ragged = ["--tokens", self.tokens([[1, 2, 3], [4, 5]]), "--sequences", 2, "--hooks", "hook_embed"]
        cases = [
            ("missing", ["--hooks", "required"], []),
            ("without a pattern", "--hooks", ["--hooks"]),
            ("misspelt", ["blocks.0.hook_resid_pots", "blocks.0.hook_resid_post"], ["--hooks", "blocks.0.hook_resid_pots"]),
            ("a layer too far", "blocks.2.hook_attn_out", ["--hooks", "blocks.2.hook_attn_out"]),
            ("a star stops at a dot", "'*hook_scale'", ["--hooks", "*hook_scale"]),
            ("one of two", "hook_embedding", ["--hooks", "hook_embed", "hook_embedding"]),
            ("empty", "''", ["--hooks", ""]),
            ("sequences of two lengths", "one length", ragged),
        ]
        self.for_each(
            cases, lambda words, more: self.assert_refused(words, *command, *more, program="export-activations")
        )


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
