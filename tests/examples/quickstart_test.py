#!/usr/bin/env python3
"""spikesink-quickstart: it finds the massive channels and clamps them.

    tests/examples/quickstart_test.py FOLDER_OF_PROGRAMS REPOSITORY [arguments of unittest]
"""

import sys
import unittest

from program_case import read_report
from report_case import ReportTest


class QuickstartTest(ReportTest):
    def test_quickstart_clamps_the_spikes(self):
        tokens = self.tokens([[1, 4, 5, 1], [7, 8, 9, 1]])
        done, out = self.run_well("quickstart", "--model", self.model_with_spikes(), "--tokens", tokens, "--limit", 8)
        self.assertEqual(done.stderr, "")
        self.assertIn("massive channels 5, 9", done.stdout)
        self.assertIn("clamped to 8", done.stdout)
        report = read_report(out)
        self.assertEqual(report["massive_activations"]["channels"], [5, 9])
        self.check_attention_sinks(report["attention_sinks"])
        self.check_perplexity(report["perplexity"], 6)

    def test_quickstart_without_spikes(self):
        done, out = self.run_well("quickstart", "--model", self.model, "--sequences", 2)
        self.assertIn("none", done.stdout)
        self.assertEqual(read_report(out)["massive_activations"]["blocks"], [])

    def test_limit(self):
        for limit in ["-1", "abc", "nan"]:
            with self.subTest(limit):
                self.assert_refused(["--limit", limit], "--model", self.model, "--limit", limit, program="quickstart")


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
