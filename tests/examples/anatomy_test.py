#!/usr/bin/env python3
"""What people can rely on in the reports of spikesink-anatomy.

    tests/examples/anatomy_test.py FOLDER_OF_PROGRAMS REPOSITORY [arguments of unittest]
"""

import itertools
import json
import math
import re
import statistics
import sys
import unittest

from program_case import GOLDEN, GOLDENS, read_report
from report_case import HEADS, VOCABULARY_SIZE, WIDTH, ReportTest
from tiny_models import read_safetensors


class AnatomyTest(ReportTest):
    def test_anatomy_makes_the_sections_that_are_asked_for(self):
        always = {"schema", "program", "versions", "repeats_with", "configuration", "model"}
        # The model has no spike, so there is no vocabulary to probe.
        sections = {
            "life_cycle", "spike_tokens", "self_attention", "first_norm", "gate_linearity", "quadratic_form", "sparse_constants", "state_norms",
            "sink_geometry", "sink_key_span", "attention_sinks", "sinks_anywhere", "attention_locality", "effective_sinks", "quantisation", "kv_cache", "massive_activations",
            "perplexity", "state_picture",
        }
        command = ["--model", self.model, "--sequences", 4, "--length", 16]
        self.assertEqual(self.report("anatomy", *command).keys(), always | sections)
        chosen = self.report("anatomy", *command, "--only", "life_cycle,sink_geometry", "--only", "gate_linearity")
        self.assertEqual(chosen.keys(), always | {"life_cycle", "sink_geometry", "gate_linearity"})
        left = self.report("anatomy", *command, "--skip", "spike_tokens,state_picture")
        self.assertEqual(left.keys(), always | sections - {"spike_tokens", "self_attention", "first_norm", "state_picture"})
        self.assert_refused(["--only", "nonsense", "life-cycle"], *command, "--only", "nonsense")
        self.assert_refused(["--skip", "--only"], *command, "--only", "perplexity", "--skip", "life_cycle")

    def test_streamed_weights_give_the_same_report(self):
        for model in self.model, self.model_with_spikes():
            command = ["--model", model, "--sequences", 70, "--threads", 1]
            whole = self.report("anatomy", *command, "--by-layer", "no")
            by_layer = self.report("anatomy", *command, "--memory", "20KB")
            self.assertFalse(whole["configuration"].pop("by_layer"))
            self.assertTrue(by_layer["configuration"].pop("by_layer"))
            self.assertEqual(by_layer, whole)
        done, _ = self.run_well("anatomy", *command, "--by-layer", "yes", "--only", "life_cycle")
        self.assertIn("layer by layer", done.stdout)
        self.assert_refused(["--memory", "apples"], *command, "--memory", "3 apples")

    def test_section_names_may_have_hyphens(self):
        report = self.report("anatomy", "--model", self.model, "--only", "life-cycle,sinks")
        self.assertIn("life_cycle", report)
        self.assertIn("attention_sinks", report)
        self.assertNotIn("perplexity", report)

    def test_given_ids_need_no_token(self):
        unknown = VOCABULARY_SIZE - 1  # the embedding has a row for it, the tokenizer no token
        report = self.report("anatomy", "--model", self.model, "--tokens", self.tokens([[1, unknown, 3, 4, 5, 6, 7, 8, 9]]))
        self.assertIn("self_attention", report)

    def test_anatomy_of_the_built_in_text(self):
        done, out = self.run_well("anatomy", "--model", self.model, "--threads", 1, "--seed", 7)
        self.assertEqual(done.stderr, "")
        self.assertIn(str(out / "report.html"), done.stdout)
        report = read_report(out)
        self.check_life_cycle(report["life_cycle"])
        self.check_attention_sinks(report["attention_sinks"])
        self.check_perplexity(report["perplexity"], 100 * 63)
        self.assertEqual(report["massive_activations"]["blocks"], [])
        expected = {
            "model": str(self.model),
            "sequences": 100,
            "length": 64,
            "bos": True,
            "dtype": "float32",
            "device": "cpu",
            "threads": 1,
            "seed": 7,
        }
        self.assertLessEqual(expected.items(), report["configuration"].items())
        page = (out / "report.html").read_text(encoding="utf-8")
        data = re.search(r'<script type="application/json" id="report">(.*?)</script>', page, re.DOTALL)
        drawn = json.loads(data[1])  # in fewer digits
        self.assertEqual(drawn.keys(), report.keys())
        self.assertEqual(drawn["configuration"], report["configuration"])
        self.assertAlmostEqual(drawn["perplexity"]["mean_loss"], report["perplexity"]["mean_loss"], places=4)
        self.assertNotRegex(page, r"<(script|link|img)[^>]*(src|href)=\"?(http|//)")

    def test_numbers_are_those_of_transformers(self):
        seen = read_safetensors(GOLDEN / "expected_float32.safetensors")
        count, length = seen["tokens"].shape
        tokens = seen["tokens"].values().tolist()
        sequences = [tokens[row * length : (row + 1) * length] for row in range(count)]
        report = self.report("anatomy", "--model", self.bare, "--tokens", self.tokens(sequences))

        logits = seen["unembed.hook_out"].values()
        losses = []
        for place in range(count * length):
            if place % length == length - 1:
                continue
            scores = logits[place * VOCABULARY_SIZE : (place + 1) * VOCABULARY_SIZE]
            losses.append(math.log(sum(map(math.exp, scores))) - scores[tokens[place + 1]])
        self.assertAlmostEqual(report["perplexity"]["mean_loss"], statistics.mean(losses), places=4)
        self.check_perplexity(report["perplexity"], len(losses))

        for block in report["life_cycle"]["blocks"]:
            state = "hook_resid_mid" if block["kind"] == "attention" else "hook_resid_post"
            values = list(map(abs, seen[f"blocks.{block['layer']}.{state}"].values()))
            peak = max(range(len(values)), key=values.__getitem__)
            token, channel = divmod(peak, WIDTH)
            sequence, position = divmod(token, length)
            top = block["hidden_state"]["top"][0]
            self.assertEqual((top["sequence"], top["position"], top["channel"]), (sequence, position, channel))
            self.assertAlmostEqual(top["magnitude"], values[peak], places=4)
            median = statistics.median_low(values)
            self.assertAlmostEqual(block["hidden_state"]["median"], median, delta=0.01 * median)

        for head in report["attention_sinks"]["heads"]:
            pattern = seen[f"blocks.{head['layer']}.attn.hook_pattern"].values()
            begins = [(row * HEADS + head["head"]) * length * length for row in range(count)]
            importance = statistics.mean(pattern[begin + query * length] for begin in begins for query in range(length))
            self.assertAlmostEqual(head["importance"], importance, places=4)

    def test_spikes_are_found(self):
        tokens = self.tokens([[1, 4, 5, 1], [7, 8, 9], [1, 4, 9, 9]])
        report = self.report("anatomy", "--model", self.model_with_spikes(), "--tokens", tokens)
        self.assertEqual(report["life_cycle"]["spike_channels"], [5, 9])
        self.assertEqual(report["life_cycle"]["step_up"], [])
        self.check_perplexity(report["perplexity"], 3 + 2 + 3)
        blocks = report["massive_activations"]["blocks"]
        self.assertEqual([block["block"] for block in blocks], [1, 2, 3, 4])
        for block in blocks:
            top = block["channels"]
            self.assertEqual([(channel["channel"], channel["count"]) for channel in top], [(5, 3), (9, 3)])
            self.assertAlmostEqual(top[0]["mean"], 3000, delta=100)
            self.assertAlmostEqual(top[1]["mean"], -2000, delta=100)
            self.assertEqual({token["id"] for token in block["tokens"]}, {1})

    def test_learned_sinks(self):
        model = GOLDENS / "models/gpt_oss/clamped"
        done, out = self.run_well("anatomy", "--model", model, "--tokens", self.tokens([[1, 2, 3, 4]]))
        self.assertRegex(done.stdout, r"learned sinks +take \d+\.\d % of the attention")
        report = read_report(out)
        learned, sizes = report["attention_sinks"]["learned"], report["model"]
        places = [(head["layer"], head["head"]) for head in learned]
        self.assertEqual(places, list(itertools.product(range(sizes["n_layers"]), range(sizes["n_heads"]))))
        for head in learned:
            self.assertGreater(head["mass"], 0)
            self.assertLess(head["mass"], 1)

    def test_an_older_report_is_replaced(self):
        _, out = self.run_well("anatomy", "--model", self.model, "--sequences", 2)
        self.run_well("anatomy", "--model", self.model, "--sequences", 3, out=out)
        self.assertEqual(read_report(out)["configuration"]["sequences"], 3)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
