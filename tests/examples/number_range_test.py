#!/usr/bin/env python3
"""What the programs report of numbers that a dtype cannot represent.

    tests/examples/number_range_test.py FOLDER_OF_PROGRAMS REPOSITORY [arguments of unittest]
"""

import sys
import unittest

from program_case import GOLDEN, read_report
from report_case import EMBEDDING, WIDTH, ReportTest
from tiny_models import read_safetensors


class NumberRangeTest(ReportTest):
    def test_overflow_is_reported_and_counted(self):
        weights = read_safetensors(GOLDEN / "model.safetensors")
        names = [f"model.layers.0.mlp.{part}_proj.weight" for part in ("up", "down")]
        model = self.copy_model(tensors={name: weights[name].changed(lambda x: x * 1e30) for name in names})
        done, out = self.run_well("anatomy", "--model", model, "--sequences", 2)
        self.assertIn("NOT FINITE", done.stdout)
        self.assertNotIn("-nan", done.stdout)
        counts = [block["hidden_state"]["not_finite"] for block in read_report(out)["life_cycle"]["blocks"]]
        self.assertEqual(counts[0], 0)
        self.assertGreater(min(counts[1:]), 0)
        self.assertNotRegex((out / "report.json").read_text(), r"[:\[,]\s*-?(nan|NaN|inf|Infinity)\b")
        self.run_well("quickstart", "--model", model, "--sequences", 2)

    def model_beyond_float16(self):
        """The feed-forward of its first layer adds more than 65,504."""
        weights = read_safetensors(GOLDEN / "model.safetensors")
        names = [f"model.layers.0.mlp.{part}_proj.weight" for part in ("up", "down")]
        return self.copy_model(tensors={name: weights[name].changed(lambda x: x * 1e3) for name in names})

    def test_float16_reports_where_it_overflows(self):
        command = ["--model", self.model_beyond_float16(), "--sequences", 2]
        done, out = self.run_well("anatomy", *command, "--dtype", "float16")
        place = r"blocks\.0\.hook_mlp_out, \[\d+, \d+\] of sequence 0:"
        self.assertRegex(done.stdout, rf"NOT FINITE +at \d+ hook points; first at {place}")
        report = read_report(out)
        self.assertEqual(report["configuration"]["dtype"], "float16")
        first = report["not_finite"]["points"][0]
        self.assertEqual((first["point"], first["sequence"]), ("blocks.0.hook_mlp_out", 0))
        self.assertEqual(len(first["index"]), 2)
        output = report["life_cycle"]["blocks"][1]["output"]
        self.assertEqual(first["nan"] + first["infinite"], output["not_finite"])

    def test_float32_reports_what_would_overflow_in_float16(self):
        done, out = self.run_well("anatomy", "--model", self.model_beyond_float16(), "--sequences", 2)
        self.assertRegex(done.stdout, r"float16 +would overflow: \d{5,} in channel \d+ at block 2\n")
        self.assertNotIn("NOT FINITE", done.stdout)
        self.assertNotIn("not_finite", read_report(out))

    def test_float16_of_a_healthy_model(self):
        done, out = self.run_well("anatomy", "--model", self.model, "--sequences", 2, "--dtype", "float16")
        self.assertNotRegex(done.stdout, "NOT FINITE|float16 +would")
        self.assertNotIn("not_finite", read_report(out))

    def test_infinite_values_are_not_massive_activations(self):
        """Token 1 carries 3000 in channel 5; the last block adds infinities to channel 9 alone."""
        weights = read_safetensors(GOLDEN / "model.safetensors")
        up, down = (f"model.layers.1.mlp.{part}_proj.weight" for part in ("up", "down"))
        width = weights[down].shape[1]  # of the hidden layer, whose number 3 goes into channel 9
        tensors = {
            EMBEDDING: weights[EMBEDDING].with_values({WIDTH + 5: 3000.0}),
            up: weights[up].with_values({3 * WIDTH + c: 1e30 for c in range(WIDTH)}),
            down: weights[down].with_values({c * width + 3: 1e30 if c == 9 else 0.0 for c in range(WIDTH)}),
        }
        report = self.report("anatomy", "--model", self.copy_model(tensors=tensors), "--tokens", self.tokens([[1, 2, 3]]))
        self.assertEqual(report["life_cycle"]["blocks"][-1]["hidden_state"]["not_finite"], 3)
        self.assertEqual(report["life_cycle"]["spike_channels"], [5])
        self.assertEqual(report["massive_activations"]["channels"], [5])

    def test_dtypes(self):
        tokens = self.tokens([list(range(40))])

        def loss(dtype):
            report = self.report("anatomy", "--model", self.model, "--tokens", tokens, "--dtype", dtype)
            self.assertEqual(report["configuration"]["dtype"], dtype)
            return report["perplexity"]["mean_loss"]

        exact = loss("float64")
        for dtype, delta in [("float32", 1e-5), ("float16", 0.02), ("bfloat16", 0.1)]:
            rounded = loss(dtype)
            self.assertNotEqual(rounded, exact, dtype)
            self.assertAlmostEqual(rounded, exact, delta=delta, msg=dtype)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
