#!/usr/bin/env python3
"""Makes sample_report.json, an invented report of realistic shape for the tests of the report page.

    tests/report/sample_report.py > tests/report/sample_report.json
"""

import json
import math
import random
import sys

HOSTILE = "</script><img src=x onerror=alert(1)>"
WORDS = ["The", " cat", HOSTILE, " sat", ".", "\n", " on", " <b>the</b> &amp;", "\tmat", ".", " \u2028%{x}", " end"]


def significant(value, digits=5):
    return float(f"{value:.{digits}g}")


def block_place(block):
    return {"block": block, "layer": (block - 1) // 2, "kind": "attention" if block % 2 else "feed_forward"}


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
    model="models/tiny-sample",
):
    """`plateaus`: (first block, last block, magnitude) of the leading channel; `channels`: (channel, share of it)."""
    rng = random.Random(7)
    noise = lambda spread=0.05: math.exp(rng.gauss(0, spread))
    blocks = range(1, 2 * layers + 1)
    median = {b: 0.05 * (1 + b / 8) for b in range(0, 2 * layers + 1)}

    def level(block):
        return next((size for first, last, size in plateaus if first <= block <= last), 0.0)

    def stream(block, share):
        return significant(level(block) * share * noise(0.01) + 9 * median[block] * noise())

    def added(block, share):
        return significant(abs(level(block) - level(block - 1)) * share * noise(0.02) + 6 * median[block] * noise(0.3))

    def state(magnitudes, block):
        others = [(rng.randrange(width), 8 * median[block] * noise(0.2)) for _ in range(3)]
        ranked = sorted([*magnitudes, *others], key=lambda pair: -pair[1])[:3]
        top = [
            {"channel": c, "magnitude": significant(m), "sequence": rng.randrange(sequences), "position": 0 if m > 50 else rng.randrange(length)}
            for c, m in ranked
        ]
        return {"top": top, "median": significant(median[block]), "not_finite": 0}

    courses = [
        {"channel": c, "hidden_state": [stream(b, s) for b in range(0, 2 * layers + 1)], "output": [added(b, s) for b in blocks]}
        for c, s in channels
    ]
    life_blocks = [
        block_place(b)
        | {
            "hidden_state": state([(course["channel"], course["hidden_state"][b]) for course in courses], b),
            "output": state([(course["channel"], course["output"][b - 1]) for course in courses], b),
        }
        for b in blocks
    ]

    def massive_channel(channel, share, block):
        mean = (-1 if channel % 2 else 1) * level(block) * share
        return {
            "channel": channel,
            "mean": significant(mean, 7),
            "count": sequences + 2,
            "standard_deviation": significant(abs(mean) * 0.002),
            "largest": significant(abs(mean) * 1.004, 7),
            "mean_at_start": significant(mean, 7),
            "count_at_start": sequences,
            "mean_elsewhere": significant(mean * 0.98, 7) if share == 1.0 else None,
            "count_elsewhere": 2 if share == 1.0 else 0,
        }

    def massive_block(block):
        present = [(c, s) for c, s in channels if level(block) * s > 100]
        leading = channels[0][0]
        return block_place(block) | {
            "token_count": sequences + 2,
            "channels": [massive_channel(c, s, block) for c, s in present],
            "tokens": [
                {"id": 5 + 7 * i, "text": word, "at_start": i < len(words) - 2, "count": 1 + (i == 0)} for i, word in enumerate(words)
            ],
            "positions": [{"position": 0, "count": sequences}, {"position": 4, "count": 2}],
            "ratios": [
                {"channel": c, "reference": leading, "mean": significant((-1 if (c + leading) % 2 else 1) * s), "standard_deviation": 0.001, "count": sequences}
                for c, s in present[1:]
            ],
        }

    head_list = []
    for layer in range(layers):
        for head in range(heads):
            importance = min(0.995, max(0.004, sink_of_layer(layer) * (1 - 0.25 * rng.random() ** 2) if rng.random() > 0.12 else 0.25 * rng.random()))
            share = 1.0 if importance > 0.45 else 0.0 if importance < 0.2 else significant((importance - 0.2) / 0.25, 3)
            head_list.append({"layer": layer, "head": head, "key": 0, "importance": significant(importance, 4), "share_of_sequences": share})
    gu = significant(100 * sum(h["share_of_sequences"] for h in head_list) / len(head_list), 4)
    sink_heads = [h for h in head_list if h["importance"] > 0.3]

    edges = [round(i * width / columns) for i in range(columns + 1)]
    spans = [[edges[i], edges[i + 1] - 1] for i in range(columns)]
    peak = max(blocks, key=level)

    def cell(position, span):
        spike = max((level(peak) * s for c, s in channels if span[0] <= c <= span[1]), default=0.0)
        if position == 0:
            return spike or median[peak] * noise(0.5)
        if position == 4:
            return spike * 0.4 or median[peak] * noise(0.5)
        return 2 * median[peak] * abs(rng.gauss(0, 1)) + 0.002

    picture = block_place(peak) | {
        "sequence": 3 % sequences,
        "tokens": [{"position": p, "id": 5 + 7 * p, "text": words[p % len(words)]} for p in range(length)],
        "channels": spans,
        "magnitudes": [[significant(cell(p, span), 3) for span in spans] for p in range(length)],
    }

    return {
        "schema": {"name": "spikesink-report", "version": 1},
        "program": "anatomy",
        "created": "2026-01-01T00:00:00Z",
        "versions": {"spikesink": "0.1.0", "libtorch": "2.15.0"},
        "configuration": {
            "model": model,
            "text": "sample.txt",
            "sequences": sequences,
            "length": length,
            "bos": "auto",
            "bos_added": False,
            "dtype": "float32",
            "device": "cpu",
            "threads": 2,
            "seed": 0,
        },
        "model": {
            "model_type": "llama",
            "n_layers": layers,
            "d_model": width,
            "n_heads": heads,
            "n_key_value_heads": max(1, heads // 3),
            "d_head": width // heads,
            "d_mlp": 8 * width // 3,
            "d_vocabulary": 49152,
            "context": 8192,
            "tied_embeddings": True,
        },
        "life_cycle": {
            "definition": "A spike is a channel whose largest |h| over all tokens exceeds least_magnitude and is at least "
            "least_ratio medians of its hidden state.",
            "options": {"least_magnitude": 100, "least_ratio": 1000, "step_share": 0.25, "step_ratio": 100},
            "embedding": state([], 0),
            "blocks": life_blocks,
            "step_up": list(step_up),
            "step_down": list(step_down),
            "spike_channels": [c for c, _ in channels],
            "courses": courses,
        },
        "massive_activations": {
            "definition": "Sun et al. 2024: |x| > 100 and |x| >= 1000 x the median |h| of the hidden state of its sequence.",
            "channels": [c for c, _ in channels],
            "blocks": [massive_block(b) for b in blocks if level(b) > 100],
        },
        "attention_sinks": {
            "definition": "gu",
            "epsilon": 0.3,
            "key": 0,
            "sequences": sequences,
            "sink_ratio_percent": gu,
            "ratios": {"gu": gu, "mean-first": significant(100 * len(sink_heads) / len(head_list), 4)},
            "heads": head_list,
            "sink_heads": sink_heads,
        },
        "perplexity": {
            "definition": "exp of the mean cross-entropy of every token given all before it in its sequence",
            "mean_loss": 3.914,
            "perplexity": 50.1,
            "tokens": sequences * (length - 1),
        },
        "state_picture": picture,
    }


if __name__ == "__main__":
    json.dump(make_report(), sys.stdout, ensure_ascii=True, separators=(",", ":"))
    sys.stdout.write("\n")
