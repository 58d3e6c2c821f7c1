"""What the sections are recomputed from: a model, its traces of the sequences, and words about them."""

from dataclasses import dataclass
from functools import cached_property

import numpy

from tiny_forward import TinyLlama, Trace
from tiny_models import VOCABULARY

SPECIAL_TOKENS = 3  # the first entries of the tokenizer
LEAST_MAGNITUDE, LEAST_RATIO = 100.0, 1000.0  # of a massive value (arXiv 2402.17762)
MOST_TOKENS = 200  # rows of a table of tokens
DELIMITERS = (".", ",")  # of the tokenizer's entries those that are punctuation alone


@dataclass
class TextRun:
    """A model, what it computes of each sequence, and what follows for more than one section."""

    model: TinyLlama
    traces: list[Trace]

    @property
    def blocks(self):
        return range(1, 2 * self.model.n_layers + 1)

    @property
    def all_heads(self):
        return [(layer, head) for layer in range(self.model.n_layers) for head in range(self.model.heads)]

    @property
    def tokens(self):
        """(sequence, position, id) of the whole text, in order."""
        return [(s, p, id) for s, trace in enumerate(self.traces) for p, id in enumerate(trace.ids)]

    @cached_property
    def massive(self):
        """For each block the massive values after it: {(sequence, position): {channel: value}}."""
        return {block: massive_values([trace.states[block] for trace in self.traces]) for block in self.blocks}

    @cached_property
    def spikes(self):
        """The (sequence, position) that are massive after some block."""
        return {place for block in self.blocks for place in self.massive[block]}

    @property
    def delimiters(self):
        """The ids of the text that the tokenizer gives a text of punctuation alone."""
        return sorted({id for _, _, id in self.tokens if token_entry(id).get("text") in DELIMITERS})

    def first_batch(self):
        """The sequences before the first one of another length."""
        lengths = [len(trace.ids) for trace in self.traces]
        return [trace for index, trace in enumerate(self.traces) if set(lengths[: index + 1]) == {lengths[0]}]


def quantile(values, percent):
    """An element; of two the lower one."""
    ordered = numpy.sort(numpy.ravel(values))
    return float(ordered[(len(ordered) - 1) * percent // 100])


def lower_median(values):
    """The lower middle element."""
    return quantile(values, 50)


def percentile(value, values):
    """How many percent of the values are smaller, by more than rounding."""
    return 100 * float(numpy.mean(numpy.ravel(values) < value - 1e-6 * abs(value)))


def massive_values(states):
    """Of one state of all sequences, which the scan reads as float32: deviations of ratios show it."""
    found = {}
    for sequence, state in enumerate(states):
        state = state.astype(numpy.float32).astype(float)
        least = LEAST_RATIO * lower_median(numpy.abs(state))
        for position, row in enumerate(state):
            values = {c: x for c, x in enumerate(row) if abs(x) > LEAST_MAGNITUDE and abs(x) >= least}
            if values:
                found[sequence, position] = values
    return found


def block_entry(block):
    kind = "attention" if block % 2 else "feed_forward"
    return {"block": block, "layer": (block - 1) // 2, "kind": kind}


def token_entry(id):
    """As a table of tokens tells it; ids beyond the tokenizer have no text."""
    if id >= len(VOCABULARY):
        return {"id": id}
    text = VOCABULARY[id].replace("Ġ", " ")
    return {"id": id, "text": text} | ({"special": True} if id < SPECIAL_TOKENS else {})


def by_count(items, key):
    """The largest first, equals in their order."""
    return sorted(items, key=key, reverse=True)


def mean(values):
    return sum(values) / len(values) if len(values) else float("nan")


def deviation(values):
    """Of a sample; 0 for fewer than two."""
    if len(values) < 2:
        return 0.0
    middle = mean(values)
    return (sum((x - middle) ** 2 for x in values) / (len(values) - 1)) ** 0.5


def cosine(a, b):
    return float(a @ b / (numpy.linalg.norm(a) * numpy.linalg.norm(b)))


def place_hash(place):
    """SplitMix64's finaliser of sequence and position: the smallest ones are a sample."""
    mask = (1 << 64) - 1

    def mixed(x):
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9 & mask
        x = (x ^ (x >> 27)) * 0x94D049BB133111EB & mask
        return x ^ (x >> 31)

    return mixed((mixed(place[0] + 1) + place[1]) & mask)
