#!/usr/bin/env python3
"""Invents a report.json of realistic shape, with hostile token text, for the test of the page.

sample_report.py > report.json
"""

import json
import math
import random
import sys

from sample_model import block_fields, significant
from sample_sections import Sections

HOSTILE = "</script><img src=x onerror=alert(1)>"
BIG_MODEL = {
    "layers": 80,
    "heads": 64,
    "length": 96,
    "width": 8192,
    "columns": 576,
    "sequences": 100,
    "channels": [(8191 - 200 * i, 0.9**i) for i in range(20)],
    "plateaus": ((6, 150, 1500.0),),
    "step_up": (6,),
    "step_down": (152,),
}
WORDS = [
    "The",
    " cat",
    HOSTILE,
    " sat",
    ".",
    "\n",
    " on",
    " <b>the</b> &amp;",
    "\tmat",
    "",
    " \u2028%{x}",
    " end",
]


def make_report(
    layers=6,
    heads=4,
    length=12,
    width=48,
    columns=48,
    sequences=8,
    channels=((17, 1.0), (5, 0.31), (40, 0.12)),
    plateaus=((3, 5, 930.0), (8, 11, 25700.0)),
    step_up=(3, 8),
    step_down=(6, 12),
    sink_of_layer=lambda layer: 0.0 if layer < 2 else 0.9,
    words=WORDS,
):
    """An invented report.

    `plateaus` are (first block, last block, magnitude) of the leading channel, `channels` are
    (channel, share of that magnitude), `words` the texts of the tokens: without them tokens are
    ids alone, as where there is no tokenizer.
    """
    rng = random.Random(7)
    channels = [(c, s) for c, s in channels if any(size * s > 100 for _, _, size in plateaus)]
    blocks = range(1, 2 * layers + 1)
    median = {b: 0.05 * (1 + b / 8) for b in range(0, 2 * layers + 1)}

    def noise(spread=0.05):
        return math.exp(rng.gauss(0, spread))

    def token(index):
        entry = {"id": 5 + 7 * index}
        return entry | {"text": words[index % len(words)]} if words else entry

    def level(block):
        return next((size for first, last, size in plateaus if first <= block <= last), 0.0)

    def stream(block, share):
        return significant(level(block) * share * noise(0.01) + 9 * median[block] * noise())

    def added(block, share):
        return significant(
            abs(level(block) - level(block - 1)) * share * noise(0.02)
            + 6 * median[block] * noise(0.3)
        )

    def peak(channel, magnitude):
        position = 0 if magnitude > 50 else rng.randrange(length)
        return {
            "channel": channel,
            "magnitude": significant(magnitude),
            "sequence": rng.randrange(sequences),
            "position": position,
        }

    def state(maxima, block):
        quiet = [c for c in range(width) if c not in dict(maxima)]
        others = [
            (c, 8 * median[block] * noise(0.2)) for c in rng.sample(quiet, min(3, len(quiet)))
        ]
        top = sorted([*maxima, *others], key=lambda pair: -pair[1])[:3]
        return {
            "top": [peak(*pair) for pair in top],
            "median": significant(median[block]),
            "not_finite": 0,
        }

    courses = [
        {
            "channel": c,
            "hidden_state": [stream(b, s) for b in range(0, 2 * layers + 1)],
            "output": [added(b, s) for b in blocks],
        }
        for c, s in channels
    ]
    life_blocks = [
        block_fields(b)
        | {
            "hidden_state": state(
                [(course["channel"], course["hidden_state"][b]) for course in courses], b
            ),
            "output": state(
                [(course["channel"], course["output"][b - 1]) for course in courses], b
            ),
        }
        for b in blocks
    ]

    def massive_channel(channel, share, block):
        mean = (-1 if channel % 2 else 1) * level(block) * share
        beyond_start = share == 1.0
        return {
            "channel": channel,
            "mean": significant(mean, 7),
            "count": sequences + 2 * beyond_start,
            "standard_deviation": significant(abs(mean) * 0.002),
            "largest": significant(abs(mean) * 1.004, 7),
            "mean_at_start": significant(mean, 7),
            "count_at_start": sequences,
            "mean_elsewhere": significant(mean * 0.98, 7) if beyond_start else None,
            "count_elsewhere": 2 * beyond_start,
        }

    def ratio(channel, share, reference):
        return {
            "channel": channel,
            "reference": reference,
            "mean": significant((-1 if (channel + reference) % 2 else 1) * share),
            "standard_deviation": 0.001,
            "count": sequences,
        }

    def massive_block(block):
        present = [(c, s) for c, s in channels if level(block) * s > 100]
        return block_fields(block) | {
            "token_count": sequences + 2,
            "channels": [massive_channel(c, s, block) for c, s in present],
            "tokens": [
                token(i) | {"at_start": i < sequences, "count": 1} for i in range(sequences + 2)
            ],
            "positions": [{"position": 0, "count": sequences}, {"position": 4, "count": 2}],
            "ratios": [ratio(c, s, channels[0][0]) for c, s in present[1:]],
        }

    def head_importance(layer, head):
        is_rest = rng.random() < 0.12
        importance = (
            0.25 * rng.random()
            if is_rest
            else sink_of_layer(layer) * (1 - 0.25 * rng.random() ** 2)
        )
        importance = significant(min(0.995, max(0.004, importance)), 4)
        share = min(1.0, max(0.0, significant((importance - 0.2) / 0.25, 3)))
        return {
            "layer": layer,
            "head": head,
            "key": 0,
            "importance": importance,
            "share_of_sequences": share,
        }

    head_list = [head_importance(layer, head) for layer in range(layers) for head in range(heads)]
    sink_heads = [head for head in head_list if head["importance"] > 0.3]
    gu = significant(
        100 * sum(head["share_of_sequences"] for head in head_list) / len(head_list), 4
    )

    edges = [i * width // columns for i in range(columns + 1)]
    spans = [[edges[i], edges[i + 1] - 1] for i in range(columns)]
    extreme = max(blocks, key=level)

    def cell(position, span):
        spike = max(
            (level(extreme) * s for c, s in channels if span[0] <= c <= span[1]), default=0.0
        )
        if position in (0, 4) and spike:
            return spike * (1.0 if position == 0 else 0.4)
        return 2 * median[extreme] * abs(rng.gauss(0, 1)) + 0.002

    picture = block_fields(extreme) | {
        "sequence": 3 % sequences,
        "tokens": [token(p) | {"position": p} for p in range(length)],
        "channels": spans,
        "magnitudes": [[significant(cell(p, span), 4) for span in spans] for p in range(length)],
    }

    def steps():
        for b in sorted({*step_up, *step_down} if channels else ()):
            before, after = (courses[0]["hidden_state"][i] for i in (b - 1, b))
            share = significant(abs(after - before) / max(size for _, _, size in plateaus))
            yield block_fields(b) | {
                "channel": channels[0][0],
                "before": before,
                "after": after,
                "share": share,
            }

    def episodes():
        for first, last, size in plateaus if channels else ():
            peak_of_run = {
                "channel": channels[0][0],
                "magnitude": size,
                "sequence": 0,
                "position": 0,
            }
            yield {"first": first, "last": last, "peak": peak_of_run}

    sections = Sections(
        rng,
        layers=layers,
        heads=heads,
        length=length,
        width=width,
        sequences=sequences,
        channels=channels,
        step_up=step_up,
        step_down=step_down,
        sink_of_layer=sink_of_layer,
        sink_heads=sink_heads,
        token=token,
        level=level,
    )

    return {
        "schema": {"name": "spikesink-report", "version": 1},
        "program": "anatomy",
        "versions": {"spikesink": "0.1.0", "libtorch": "2.15.0", "kernels": "AVX2"},
        "repeats_with": "the same program and files",
        "configuration": {
            "model": "models/tiny-sample.gguf",
            "text": "built-in passages",
            "sequences": sequences,
            "length": length,
            "bos": False,
            "dtype": "float32",
            "device": "cpu",
            "threads": 2,
            "seed": 0,
        },
        "model": {
            "model_type": "llama",
            "n_layers": layers,
            "d_model": width,
            "d_mlp": 8 * width // 3,
            "n_heads": heads,
            "n_key_value_heads": max(1, heads // 3),
            "d_head": width // heads,
            "d_vocabulary": 49152,
            "context": 8192,
            "norm_epsilon": 1e-05,
            "rope_theta": 10000.0,
            "attention_bias": False,
            "mlp_bias": False,
            "tied_embeddings": True,
        },
        "life_cycle": {
            "definition": "A spike channel exceeds least_magnitude and least_ratio medians of |h|.",
            "options": {
                "least_magnitude": 100.0,
                "least_ratio": 1000.0,
                "step_share": 0.25,
                "step_ratio": 100.0,
            },
            "embedding": state([], 0),
            "blocks": life_blocks,
            "step_up": list(step_up),
            "step_down": list(step_down),
            "spike_channels": [c for c, _ in channels],
            "courses": courses,
            "episodes": list(episodes()),
            "steps": list(steps()),
        },
        "massive_activations": {
            "definition": "|x| > least_magnitude and |x| >= least_ratio x the median of |h|.",
            "options": {"least_magnitude": 100.0, "least_ratio": 1000.0},
            "channels": [c for c, _ in channels],
            "blocks": [massive_block(b) for b in blocks if level(b) > 100],
        },
        "attention_sinks": {
            "definition": "paper",
            "definitions": {
                "paper": "share of (sequence, layer, head) with a sink at a key of the first half (eqs. 27 and 28)",
                "importance": "mean over queries i >= key of A[i, key], then over sequences",
                "gu": "share of (sequence, layer, head) with importance > epsilon (arXiv 2410.10781)",
                "mean-first": "share of (layer, head) whose mean importance is > epsilon",
            },
            "epsilon": 0.3,
            "key": 0,
            "sequences": sequences,
            "sink_ratio_percent": significant(gu + 2),
            "ratios": {
                "paper": significant(gu + 2),
                "gu": gu,
                "mean-first": significant(100 * len(sink_heads) / len(head_list), 4),
            },
            "heads": head_list,
            "sink_heads": sink_heads,
            "keys": [
                {
                    "key": 0,
                    "sequences": sequences,
                    "tokens": [token(0) | {"count": sequences}],
                    "ratios": {"gu": gu},
                    "sink_heads": len(sink_heads),
                }
            ],
            "paper": {
                "length": 64,
                "sequences": sequences,
                "sinks": 40,
                "positions": [{"position": 0, "count": 36}, {"position": 5, "count": 4}],
                "tokens_beyond_first": [token(1) | {"count": 4}],
                "heads": [
                    {key: head[key] for key in ("layer", "head", "importance", "share_of_sequences")}
                    for head in head_list
                ],
            },
        },
        "perplexity": {
            "definition": "exp of the mean cross-entropy of every token but the first",
            "mean_loss": 3.914,
            "perplexity": 50.1,
            "tokens": sequences * (length - 1),
        },
        "state_picture": picture,
        **sections.all(),
    }


if __name__ == "__main__":
    json.dump(make_report(), sys.stdout, separators=(",", ":"))
    print()
