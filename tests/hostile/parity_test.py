#!/usr/bin/env python3
"""References for spikesink-parity made to do harm are refused in one sentence.

    tests/hostile/parity_test.py FOLDER_OF_PROGRAMS REPOSITORY [arguments of unittest]
"""

import struct
import sys
import unittest

from hostile_case import ESCAPES, HostileTest
from tiny_models import Tensor, write_safetensors


class ReferenceTest(HostileTest):
    def test_references(self):
        def row(*ids):
            return Tensor("I64", [1, len(ids)], struct.pack(f"<{len(ids)}q", *ids))

        tokens = row(1, 2, 3)
        inside = "got ids from %d to %d, expected 0 to 60"
        point = "blocks.0.hook_resid_post"
        cases = [
            ("no ids", "has no tensor 'tokens'", {point: Tensor("F32", [1], bytes(4))}),
            ("ids of floats", "'tokens' of .* is .*, expected", {"tokens": Tensor("F32", [1, 3], bytes(12))}),
            ("flat ids", "'tokens' of .* is .*, expected", {"tokens": Tensor("I64", [3], tokens.data)}),
            ("no rows", "no sequences", {"tokens": Tensor("I64", [0, 3], b"")}),
            ("empty rows", "the sequences of 'tokens' are empty", {"tokens": Tensor("I64", [1, 0], b"")}),
            ("2^40 empty rows", "empty", {"tokens": Tensor("I64", [2**40, 0], b"")}),
            ("negative ids", inside % (-1, 3), {"tokens": row(1, -1, 3)}),
            ("huge ids", inside % (1, 2**62), {"tokens": row(1, 2**62, 3)}),
            ("a point without dimensions", point, {"tokens": tokens, point: Tensor("F32", [], bytes(4))}),
            ("a point of no rows", point, {"tokens": tokens, point: Tensor("F32", [0, 3, 32], b"")}),
            ("a point of many empty rows", point, {"tokens": tokens, point: Tensor("F32", [2**40, 3, 0], b"")}),
            ("a name of control characters", "is no hook point", {"tokens": tokens, ESCAPES: Tensor("F32", [0], b"")}),
        ]

        def check(words, tensors):
            file = self.new_path(".safetensors")
            write_safetensors(file, tensors)
            self.assert_refused(words, "--model", self.bare, "--reference", file, "--quiet", program="parity")

        self.for_each(cases, check)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
