"""Invents a report.json of models trained from scratch, of realistic shape."""

import math
import random
import statistics

from sample_model import significant

# Name, where its loss, sink ratio and spike end, and what the paper reports of it.
ROWS = (
    ("baseline", 2.836, 64.1, 31.1, (10.1, 46.0, 3818.0)),
    ("table5/sandwich", 2.838, 66.1, 16.3, (9.8, 44.7, 520.0)),
    ("table7/conditional-head", 2.836, 0.5, 16.2, (10.1, 6.4, 186.0)),
    ("mine", 2.861, 41.0, 73.4, None),
)
PAPER = ("perplexity", "sink_ratio_percent", "spike")
MEASURED = ("loss", *PAPER, "gu_sink_ratio_percent", "massive_channels")


def make_run(rng, row, seed, steps, layers):
    name, loss, sinks, spike, _ = row
    onset = steps * rng.uniform(0.1, 0.3)
    loss, sinks, spike = loss + rng.gauss(0, 0.01), sinks * rng.uniform(0.9, 1.1), spike * rng.uniform(0.85, 1.15)

    def course(step):
        """Of the loss, and from 0 to 1 how far spikes and sinks have come."""
        risen = 1 / (1 + math.exp(-8 * (step - onset) / (steps / 4)))
        return loss + 1.4 * math.exp(-12 * step / steps), risen

    def validation(step):
        now, risen = course(step)
        by_layer = [(layer + 1) / layers for layer in range(layers)]
        return {
            "step": step,
            "loss": significant(now),
            "perplexity": significant(math.exp(now)),
            "sink_ratio_percent": significant(sinks * risen),
            "gu_sink_ratio_percent": significant(0.9 * sinks * risen),
            "spike": significant(2 + (spike - 2) * risen),
            "massive_channels": 2 if spike * risen > 1000 else 0,
            "sink_ratios_percent": [significant(min(100, 1.5 * share * sinks * risen)) for share in by_layer],
            "spikes": [significant(2 + (spike - 2) * risen * share) for share in by_layer],
            "kurtosis": [significant(3 + 40 * risen * share) for share in by_layer],
        }

    points = sorted({1, *range(steps // 250 or 1, steps + 1, steps // 250 or 1), steps})
    every = max(1, steps // 20)
    return {
        "row": name,
        "seed": seed,
        "steps": steps,
        "steps_done": steps,
        "parameters": 170000,
        "tokens": 4096 * steps,
        "curve": [{"step": step, "loss": significant(course(step)[0] + rng.gauss(0, 0.02))} for step in points],
        "validation": [validation(step) for step in sorted({*range(every, steps + 1, every), steps})],
    }


def make_row(row, runs):
    name, *_, paper = row
    last = [run["validation"][-1] for run in runs]

    def over_seeds(field):
        values = [state[field] for state in last]
        return {"mean": significant(statistics.fmean(values)), "low": min(values), "high": max(values)}

    return {"row": name, "runs": len(runs)} | {
        **{field: over_seeds(field) if runs else None for field in MEASURED},
        "paper": dict(zip(PAPER, paper)) if paper else None,
    }


def make_training(rows=ROWS, seeds=1, steps=1000, layers=3):
    """A whole report; each of `rows` as ROWS has them, with so many seeds."""
    rng = random.Random(11)
    runs = [[make_run(rng, row, seed, steps, layers) for seed in range(seeds)] for row in rows]
    return {
        "schema": {"name": "spikesink-report", "version": 1},
        "program": "ablation-table" if len(rows) * seeds > 1 else "train",
        "versions": {"spikesink": "0.1.0", "libtorch": "2.15.0", "kernels": "AVX2"},
        "repeats_with": "the same program and files",
        "configuration": {"scale": "nano", "dtype": "float32", "device": "cpu", "threads": 1},
        "training": {
            "definition": "gu",
            "epsilon": 0.3,
            "rows": [make_row(row, some) for row, some in zip(rows, runs)],
            "runs": [run for some in runs for run in some],
        },
    }
