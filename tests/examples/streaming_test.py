#!/usr/bin/env python3
"""spikesink-streaming: text longer than the key-value cache.

    tests/examples/streaming_test.py FOLDER_OF_PROGRAMS REPOSITORY [arguments of unittest]
"""

import sys
import unittest

from program_case import ProgramTest


class StreamingTest(ProgramTest):
    def test_streaming(self):
        tokens = self.tokens([[7, 6, 5, 4, 3, 2, 1, 0], [1, 2, 3, 4, 5, 6, 7, 8]] * 4)
        options = ["--read", 60, "--cache", 16, "--step", 4]
        report = self.report("streaming", "--model", self.model, "--tokens", tokens, *options)
        rows = {row["name"]: row for row in report["streams"]}
        self.assertEqual(list(rows), ["window only", "sinks + window", "spike-aware"])
        for row in rows.values():
            self.assertEqual((row["tokens"], row["capacity"]), (59, 16))
            self.assertEqual(sum(part["last"] - part["first"] + 1 for part in row["by_position"]), 59)
            self.assertEqual(row["perplexity_before"], rows["window only"]["perplexity_before"])
        self.assertEqual((rows["sinks + window"]["first"], report["configuration"]["read"]), (4, 60))
        done = self.start("streaming", ["--model", self.model, "--tokens", tokens, "--cache", 8, "--step", 9])
        self.assert_one_sentence(done, ["step", "9"])


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
