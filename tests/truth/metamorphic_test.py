#!/usr/bin/env python3
"""What must not change a report, whatever its numbers are: the order of the sequences, how many stand in one batch, a text that is read twice.
And what must not change a token: those that follow it.

    tests/truth/metamorphic_test.py FOLDER_OF_PROGRAMS REPOSITORY [arguments of unittest]
"""

import re
import sys
import unittest
from pathlib import Path

sys.path.insert(1, str(Path(__file__).resolve().parents[1] / "examples"))

import numpy
from planted_model import SEQUENCES, write_planted_model
from program_case import ProgramTest
from tiny_models import read_safetensors

SECTIONS = (
    "life_cycle,massive_activations,attention_sinks,sinks_anywhere,attention_locality,effective_sinks,sink_key_span,spike_tokens,perplexity,kv_cache,"
    "quantisation"
)
# Where something stands first; the first of equals, if there are several.
PLACES = ("sequence", "position", "column", "index")
COUNTS = re.compile(
    r".*\.(count|count_at_start|count_elsewhere|token_count|place_count|tokens|sequences|occurrences|places|kept"
    r"|spiking|spiking_first|seen|seen_first|sinking|sink_keys|other_keys|queries)"
    r"|\.quantisation\.spike_tokens|\.attention_sinks\.paper\.sinks|\.effective_sinks\.sinks|\.self_attention\.tokens\.\w+"
)
RELATIVE = 1e-9  # sums in another order, in float64
APPROXIMATE = 0.008  # medians, as docs/report.md has it


def values_of(tree, path=""):
    """The leaves, with their paths."""
    if not isinstance(tree, (dict, list)):
        yield path, tree
        return
    for key, child in tree.items() if isinstance(tree, dict) else enumerate(tree):
        yield from values_of(child, f"{path}.{key}")


class MetamorphicTest(ProgramTest):
    def setUp(self):
        super().setUp()
        self.planted = write_planted_model(self.new_path("-planted"))

    def numbers_of(self, sequences):
        """The report's leaves by path, without places; lists that are sorted by size keep their order, as sizes do."""
        arguments = ["--model", self.planted, "--tokens", self.tokens(sequences), "--dtype", "float64", "--threads", 1]
        report = self.report("anatomy", *arguments, "--only", SECTIONS)
        return {path: value for path, value in values_of(report) if not self.is_apart(path)}

    def is_apart(self, path):
        return path.startswith((".configuration", ".versions")) or ".places." in path or path.rpartition(".")[2] in PLACES

    def assert_same(self, one, other, expected=lambda path, value: value):
        self.assertGreater(len(one), 1000)
        self.assertEqual(set(one), set(other))
        different = [
            f"{path}: {other[path]}, expected {expected(path, value)}"
            for path, value in one.items()
            if not self.agree(path, other[path], expected(path, value))
        ]
        self.assertEqual(different, [])

    def agree(self, path, value, wanted):
        if not isinstance(wanted, float) or not isinstance(value, (int, float)):
            return value == wanted
        relative = APPROXIMATE if path.endswith("median") else RELATIVE
        return abs(value - wanted) <= 1e-12 + relative * abs(wanted)

    def test_order_of_sequences(self):
        self.assert_same(self.numbers_of(SEQUENCES), self.numbers_of(SEQUENCES[::-1]))

    def test_batches(self):
        """Neighbours of one length are one batch; apart from each other each is its own."""
        row = SEQUENCES[0]
        one_length = [row, row[::-1], row[1:] + row[:1], row[2:] + row[:2]]
        short = row[:9]
        together = [*one_length, short, short, short, short]
        apart = [sequence for long in one_length for sequence in (long, short)]
        self.assert_same(self.numbers_of(together), self.numbers_of(apart))

    def test_a_text_that_is_read_twice(self):
        """Counts double; means, shares and maxima stay. Sample deviations do not: they divide by one less than there is."""

        def doubled(path, value):
            return 2 * value if COUNTS.fullmatch(path) else value

        once, twice = (
            {path: value for path, value in self.numbers_of(sequences).items() if "deviation" not in path}
            for sequences in (SEQUENCES, SEQUENCES * 2)
        )
        self.assert_same(once, twice, doubled)

    def states_of(self, sequence):
        """[tokens, values] at the points of the stream, the last norm's and the logits, by name."""
        command = ["--model", self.planted, "--tokens", self.tokens([sequence]), "--dtype", "float64", "--threads", 1]
        _, out = self.run_well("export-activations", *command, "--hooks", "blocks.*.hook_*", "ln_final.*", "unembed.*")
        tensors = read_safetensors(out / "activations.safetensors")
        del tensors["tokens"]
        return {name: numpy.frombuffer(tensor.data).reshape(len(sequence), -1) for name, tensor in tensors.items()}

    def test_padding(self):
        """A sequence that is filled up behind its end is the sequence, as far as it goes."""
        sequence = SEQUENCES[0]
        states, padded = self.states_of(sequence), self.states_of(sequence + [0] * 7)
        self.assertGreater(len(states), 10)
        self.assertEqual(set(states), set(padded))
        for name, expected in states.items():
            numpy.testing.assert_allclose(padded[name][: len(sequence)], expected, rtol=1e-9, atol=1e-9, err_msg=name)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
