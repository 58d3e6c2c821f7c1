#!/usr/bin/env python3
"""Files for spikesink-interventions made to do harm are refused in one sentence.

    tests/hostile/interventions_test.py FOLDER_OF_PROGRAMS REPOSITORY [arguments of unittest]
"""

import sys
import unittest

from hostile_case import DEEP, HostileTest


class InterventionsFileTest(HostileTest):
    def test_plans(self):
        cases = [
            ("deep arrays", "nested deeper than 16 levels", "[" * DEEP),
            ("deep and whole", "nested deeper than 16 levels", "[" * DEEP + "]" * DEEP),
            ("deep objects", "nested deeper than 16 levels", '[{"parts":' * DEEP),
            ("not JSON", "is not JSON", "[{]"),
        ]

        def check(words, content):
            tokens, file = self.tokens([[1, 2, 3]]), self.file(content, ".json")
            arguments = ["--model", self.bare, "--tokens", tokens, "--file", file]
            self.assert_refused(words, *arguments, program="interventions")

        self.for_each(cases, check)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
