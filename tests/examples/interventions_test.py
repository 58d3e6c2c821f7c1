#!/usr/bin/env python3
"""spikesink-interventions: its table, and the interventions of a file.

    tests/examples/interventions_test.py FOLDER_OF_PROGRAMS REPOSITORY [arguments of unittest]
"""

import json
import sys
import unittest

from program_case import ProgramTest, read_report
from report_case import CONTEXT, LAYERS, VOCABULARY_SIZE


class InterventionsTest(ProgramTest):
    def test_interventions_are_reported_side_by_side(self):
        tokens = self.tokens([[7, 6, 5, 4, 3, 2, 1, 0], [1, 2, 3, 4, 5, 6, 7, 8], [9, 8, 7]])
        done, out = self.run_well("interventions", "--model", self.model, "--tokens", tokens)
        self.assertIn("left out: spikes/zero (the text shows no massive channels)", done.stdout)
        self.assertIn("norms/pre ([fit_norms] placement: got pre, which is what the model has)", done.stdout)
        rows = {row["name"]: row for row in read_report(out)["interventions"]}
        self.assertEqual(list(rows)[:2], ["clean", "sinks/mask"])
        self.assertEqual((rows["clean"]["norms"], len(rows["norms/post"]["norms"])), ([], 4 * LAYERS))
        for row in rows.values():
            low, high = row["interval"]
            self.assertTrue(low <= row["perplexity"] <= high, row)
            self.assertEqual(row["tokens"], 7 + 7 + 2)
            self.assertGreater(row["spike"], 0)
        self.assertEqual(rows["clean"]["kl"], 0)
        self.assertGreater(rows["sinks/mask"]["kl"], 0)
        chosen = ["--run", "sinks/mask,sinks/cap-0.3"]
        report = self.report("interventions", "--model", self.model, "--tokens", tokens, *chosen)
        self.assertEqual([row["name"] for row in report["interventions"]], ["clean", "sinks/mask", "sinks/cap-0.3"])
        self.assertEqual(report["interventions"][1], rows["sinks/mask"])
        by_layer = self.report("interventions", "--model", self.model, "--tokens", tokens, "--by-layer", "yes")
        self.assertEqual([row["name"] for row in by_layer["interventions"]], list(rows))
        for row in by_layer["interventions"]:
            self.assertAlmostEqual(row["perplexity"] / rows[row["name"]]["perplexity"], 1, places=4)
        done = self.start("interventions", ["--model", self.model, "--tokens", tokens, "--run", "sinks/nothing"])
        self.assert_one_sentence(done, ["--run", "sinks/nothing"])

    def test_interventions_of_a_file(self):
        tokens = self.tokens([[7, 6, 5, 4, 3, 2, 1, 0], [1, 2, 3, 4, 5, 6, 7, 8]])
        file = self.folder / "mine.json"

        def ran(entries):
            file.write_text(json.dumps(entries), encoding="utf-8")
            return ["--model", self.model, "--tokens", tokens, "--file", file]

        channels = {"change": "channels", "to": {"set": 3}, "channels": [4, 9], "layers": [0], "tokens": [0, -1]}
        heads = {"change": "heads", "to": {"scale": 0}, "heads": [[1, 2]]}
        norms = {"change": "norms", "to": "sandwich", "blocks": [2]}
        sinks = {"change": "sinks", "to": {"logit": 0.5}}
        mine = [
            {"name": "all at once", "parts": [channels, heads, norms, sinks, {"change": "prefix", "tokens": [5]}]},
            {"name": "alone", "parts": [sinks]},
        ]
        rows = self.report("interventions", *ran(mine))["interventions"]
        self.assertEqual([row["name"] for row in rows], ["clean", "all at once", "alone"])
        self.assertEqual([row["tokens"] for row in rows], [14] * 3)
        self.assertEqual([norm["site"] for norm in rows[1]["norms"]], ["output"])
        self.assertGreater(len({row["perplexity"] for row in rows}), 2)
        (row,) = self.report("interventions", *ran(mine), "--run", "alone")["interventions"][1:]
        self.assertEqual(row, rows[2])
        place = "mine.json[0].parts[0]"
        cases = [
            ("no list", {}, ["mine.json", "a list"]),
            ("key", [mine[1] | {"prts": 1}], ["prts", "mine.json[0]"]),
            ("kind", [{"name": "a", "parts": [{"change": "chanels"}]}], [place, "chanels", "prefix"]),
            ("value", [{"name": "a", "parts": [sinks | {"to": "msk"}]}], [f"{place}.to", "msk", "drop-value"]),
            ("number", [{"name": "a", "parts": [sinks | {"to": {"cap": "x"}}]}], [f"{place}.to.cap", "a number"]),
            ("channel", [{"name": "a", "parts": [channels | {"channels": [99]}]}], ["channel", "99"]),
            ("twice", [mine[1], mine[1]], ["alone", "a name of its own"]),
            ("nothing there", [{"name": "a", "parts": [{"change": "channels", "to": {"set": 0}}]}], ["no massive"]),
            ("no part", [{"name": "a"}], ["parts or a protocol"]),
        ]
        for name, entries, words in cases:
            with self.subTest(name):
                done = self.start("interventions", ran(entries))
                self.assert_one_sentence(done, words)

    def test_a_prefix_needs_room(self):
        tokens = self.tokens([[index % VOCABULARY_SIZE for index in range(CONTEXT)]])
        done, out = self.run_well("interventions", "--model", self.model, "--tokens", tokens)
        self.assertIn("sinks/prefix-register (with the prefix a sequence has 65 tokens", done.stdout)
        names = [row["name"] for row in read_report(out)["interventions"]]
        self.assertIn("sinks/mask", names)
        self.assertNotIn("sinks/prefix-register", names)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
