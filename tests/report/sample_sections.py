"""The sections of an invented report that explain its spikes and sinks; sample_report.py has those that show them."""

import math

from sample_model import block_fields, significant
from sample_sinks import SinkSections


class Sections(SinkSections):
    def all(self):
        sections = {
            "spike_tokens": self.spike_tokens(),
            "self_attention": self.self_attention(),
            "first_norm": self.first_norm(),
            "state_norms": self.state_norms(),
            "gate_linearity": self.gate_linearity(),
            "quadratic_form": self.quadratic_form(),
            "sparse_constants": self.sparse_constants(),
            "sink_geometry": self.sink_geometry(),
            "sink_key_span": self.sink_key_span(),
            "sinks_anywhere": self.sinks_anywhere(),
            "attention_locality": self.attention_locality(),
            "effective_sinks": self.effective_sinks(),
            "quantisation": self.quantisation(),
            "kv_cache": self.kv_cache(),
        }
        of_spikes = {"vocabulary_probe": self.vocabulary_probe, "spike_cosines": self.spike_cosines}
        return sections | ({name: make() for name, make in of_spikes.items()} if self.channels else {})

    def spike_tokens(self):
        first = self.sequences if self.spikes else 0
        at_start = {"spiking": 1, "seen": 3, "spiking_first": 1, "seen_first": 1}
        elsewhere = {"spiking": 2, "seen": 40, "spiking_first": 0, "seen_first": 1}
        tokens = [self.token(i) | at_start | {"largest": 900.0 + i} for i in range(first)]
        positions = [{"position": 0, "spiking": first, "seen": self.sequences}] if first else []
        if self.away:
            tokens.insert(0, self.token(first) | elsewhere | {"largest": 812.5})
            positions.append({"position": 4, "spiking": self.away, "seen": self.sequences})
        return {
            "definition": "A spike token is massive in the hidden state after some block.",
            "tokens": self.sequences * self.length,
            "spiking": first + self.away,
            "states": [self.spike_state(block) for block in range(1, 2 * self.layers + 1)],
            "by_token": tokens,
            "by_position": positions,
        }

    def spike_state(self, block):
        present = [(c, s) for c, s in self.channels if self.level(block) * s > 100]
        count = self.sequences + self.away if present else 0
        statistics = {"count": count, "standard_deviation": 0.5}
        channels = [{"channel": c, "mean": self.level(block) * s} | statistics for c, s in present]
        pairs = [
            {"channel": c, "reference": self.channels[0][0], "mean": s, "standard_deviation": 0.001, "count": count}
            for c, s in present[1:]
        ]
        return block_fields(block) | {"tokens": count, "channels": channels, "pairs": pairs}

    def self_attention(self):
        def head(layer, number):
            ordinary = min(1.0, abs(self.near(0.2)))
            spike = min(1.0, ordinary + 0.4) if self.away else None
            delimiter = min(1.0, ordinary + 0.2)
            return {"layer": layer, "head": number, "spike": spike, "ordinary": ordinary, "delimiter": delimiter}

        ordinary = self.sequences * (self.length - 1) - self.away
        return {
            "definition": "Mean A[i, i] of the tokens that are not the first of their sequence.",
            "options": {"delimiters": [3, 7]},
            "tokens": {"spike": self.away, "ordinary": ordinary, "delimiter": 7},
            "heads": [head(*index) for index in self.every_head()],
        }

    def first_norm(self):
        def entry(index, groups, l2_norm, cosine):
            fields = {"groups": groups, "l2_norm": l2_norm, "l2_norm_percentile": 96.5}
            return self.token(index) | fields | {"cosine": cosine, "cosine_percentile": 97.5}

        def group(entries, l2_norm, cosine):
            known = {"l2_norm": l2_norm, "l2_norm_ratio": l2_norm / 4.5, "cosine": cosine}
            return {"entries": entries} | (known if entries else dict.fromkeys(known))

        away = ["spike"] if self.away else []
        return {
            "definition": "What the first norm makes of the vocabulary.",
            "norm": "blocks.0.ln1",
            "l2_norm_deciles": [significant(4 + 0.1 * i) for i in range(11)],
            "cosine_deciles": [significant(-0.1 + 0.03 * i) for i in range(11)],
            "groups": {"delimiter": group(2, 5.4, 0.19), "first": group(1, 3.6, 0.01), "spike": group(len(away), 5.4, 0.19)},
            "tokens": [
                entry(0, ["first"], 3.6, 0.01),
                entry(4, ["delimiter", *away], 5.4, 0.19),
                entry(5, ["delimiter"], 5.6, 0.2),
            ],
        }

    def gate_linearity(self):
        def group(tokens, cosine, ratio, output, most):
            if tokens == 0:
                return {
                    "tokens": 0,
                    "cosine": None,
                    "cosine_deviation": 0.0,
                    "ratio": None,
                    "ratio_deviation": 0.0,
                    "sample": [],
                }
            sample = [[self.near(cosine), self.near(ratio), output + i] for i in range(min(tokens, most))]
            return {
                "tokens": tokens,
                "cosine": cosine,
                "cosine_deviation": 0.02,
                "ratio": ratio,
                "ratio_deviation": 0.02,
                "sample": sample,
            }

        spike = self.sequences + self.away if self.spikes else 0
        ordinary = self.sequences * self.length - spike
        blocks = [
            block_fields(block)
            | {"spike": group(spike, 0.98, 0.97, 800.0, 200), "ordinary": group(ordinary, 0.5, 0.4, 2.0, 400)}
            for block in self.feed_forward_blocks()
        ]
        return {
            "definition": "Cosine and ratio of what the activation reads and gives.",
            "options": {"max_spike_samples": 200, "max_ordinary_samples": 400},
            "blocks": blocks,
        }

    def state_norms(self):
        def group(tokens, norm):
            mean = self.near(norm) if tokens else None
            return {"tokens": tokens, "mean": mean, "standard_deviation": 0.1 * norm if tokens else 0.0}

        spike = self.sequences + self.away if self.spikes else 0
        ordinary = self.sequences * self.length - spike
        blocks = [
            block_fields(block) | {"spike": group(spike, 900.0), "ordinary": group(ordinary, 30.0)}
            for block in range(1, 2 * self.layers + 1)
        ]
        return {"definition": "||h||_2 of the tokens' hidden states after each block.", "blocks": blocks}

    def quadratic_form(self):
        steps = [b for b in (*self.step_up, *self.step_down) if b % 2 == 0] if self.spikes else []
        leading = self.channels[:3]
        blocks = [self.form_of_block(block, leading if block in steps else []) for block in self.feed_forward_blocks()]
        places = [{"block": b, "channel": c} for b in sorted(steps) for c, _ in leading]
        cosines = [[1.0 if i == j else 0.9 for j in range(len(places))] for i in range(len(places))]
        predicted = [c for c, _ in leading] if steps else []
        up, down = ([b for b in side if b in steps] for side in (self.step_up, self.step_down))

        def agreement(both, measured=()):
            return {"both": both, "predicted_alone": [], "measured_alone": list(measured)}

        def fit(block, channel):
            good = {"r_squared": 0.98, "slope": 1.01, "largest_measured": 880.5, "largest_predicted": 871.25}
            return block_fields(block) | {"channel": channel, "tokens": 96, "leading": good, "open": good, "full": good}

        def step(block, channel):
            sign = 1 if block in up else -1
            return block_fields(block) | {
                "channel": channel,
                "up": sign > 0,
                "eigenvalue": 12.5 * sign,
                "max_added": 12.5 * self.width,
            }

        return {
            "definition": "Output channel k of a gated feed-forward is h^T U_k h.",
            "options": {"outlier_deviations": 4.5, "least_dominance": 0.70710678},
            "blocks": blocks,
            "triggers": {"places": places, "cosines": cosines},
            "prediction": {
                "rule": "Of the outlier channels, those count whose leading eigenvalue dominates.",
                "spike_channels": predicted,
                "step_up": up,
                "step_down": down,
                "steps": [step(place["block"], place["channel"]) for place in places],
            },
            "fit": {
                "definition": "Predicted against measured output of a channel over all tokens.",
                "channels": [fit(place["block"], place["channel"]) for place in places],
            },
            "comparison": {
                "definition": "The prediction beside what the text showed.",
                "spike_channels": agreement(predicted, [c for c, _ in self.channels if c not in predicted]),
                "step_up": agreement(up),
                "step_down": agreement(down),
            },
        }

    def form_of_block(self, block, outliers):
        norms = [significant(2 * math.exp(self.rng.gauss(0, 0.1)), 4) for _ in range(self.width)]
        for channel, share in outliers:
            norms[channel] = significant(40 + 20 * share, 4)
        order = sorted(range(self.width), key=lambda channel: -norms[channel])

        def form(channel, leading):
            entry = {"channel": channel, "frobenius_norm": norms[channel], "leading_eigenvalue": None}
            if leading is None:
                return entry
            weight = {"row": channel, "column": 3, "weight": -1.5, "share": 0.75}
            weight |= {"gate_up_cosine": 0.8, "gate_up_percentile": 100.0}
            spectrum = [significant(leading / (1 + i) ** 2, 4) for i in range(min(32, self.width))]
            return entry | {
                "leading_eigenvalue": leading,
                "dominance": 0.95,
                "max_added": significant(abs(leading) * self.width, 4),
                "spectrum": spectrum,
                "super_weights": [weight],
            }

        channels = [c for c, _ in outliers]
        listed = [form(c, 0.9 * norms[c] if c in channels else None) for c in order[:10]]
        controls = [form(order[len(order) // 2], 0.4)] if outliers else []
        others = {"units": 4 * self.width - 1, "low": 0.01, "median": 0.05, "high": 0.3, "largest": 0.6}
        return block_fields(block) | {
            "gated": True,
            "normed_before": True,
            "normed_after": False,
            "has_biases": False,
            "median_norm": 2.0,
            "outlier_norm": 18.0,
            "stream_median": 0.5,
            "channels": listed,
            "controls": controls,
            "norms": norms,
        } | ({"other_units": others} if outliers else {})

    def vocabulary_probe(self):
        block = self.step_up[0]

        def probe(position, vocabulary, spiking, bins, exceptions):
            rows = [
                self.token(i) | {"magnitude": 10.0 + i, "channel": 1, "cosine": 0.1, "spikes": False}
                for i in range(exceptions)
            ]
            course = [
                {
                    "block": b,
                    "layer": max(b - 1, 0) // 2,
                    "kind": "embedding" if b == 0 else block_fields(b)["kind"],
                    "state": {"mean": significant(0.05 * b + 0.01), "standard_deviation": 0.01},
                    "output": {"mean": 0.02 * b if b else None, "standard_deviation": 0.01 if b else 0.0},
                }
                for b in range(block)
            ]
            return block_fields(block) | {
                "position": position,
                "vocabulary": vocabulary,
                "spiking": spiking,
                "percent": 100 * spiking / vocabulary,
                "spike": 930.0,
                "definition": "Every vocabulary entry as the first token.",
                "options": {"least_share": 0.5, "least_magnitude": 100.0},
                "magnitudes": [{"from": low, "to": 2 * low, "count": count} for low, count in bins],
                "exception_count": exceptions,
                "exceptions": rows,
                "course": course,
            }

        later = probe(4, 4096, 0, [(8.0, 4000), (16.0, 96)], 0)
        return probe(0, 49152, 49140, [(8.0, 5), (256.0, 7), (512.0, 49140)], 12) | {"later": later}

    def sparse_constants(self):
        spike = self.sequences + self.away if self.spikes else 0
        bound = math.sqrt(self.width)

        def group(tokens, cosine, largest, top):
            if tokens == 0:
                return {"tokens": 0} | dict.fromkeys(("cosine", "distance", "participation", "top_share", "largest"))
            sums = {"distance": 0.5, "participation": significant(1 / top), "top_share": top}
            return {"tokens": tokens, "cosine": cosine, "largest": significant(largest)} | sums

        def norm(block):
            massive = self.level(block) > 100
            top = 0.99 if massive else 0.3
            cosine = 0.995 if massive else 0.1
            large = max(self.level(block), 2.0)
            ordinary = self.sequences * self.length - spike
            return {
                "name": f"blocks.{block // 2}.ln{1 + block % 2}" if block < 2 * self.layers else "ln_final",
                "after_block": block,
                "before": {"spike": group(spike, cosine, large, top), "ordinary": group(ordinary, 0.2, 3.0, 0.2)},
                "after": {
                    "spike": group(spike, cosine, 0.99 * bound, top),
                    "ordinary": group(ordinary, 0.2, 0.3 * bound, 0.2),
                },
            }

        norms = [norm(block) for block in range(2 * self.layers + 1)]
        return {
            "definition": "Of the tokens' vectors before a norm and after it.",
            "d_model": self.width,
            "top": 3,
            "norms": norms,
        }

    def spike_cosines(self):
        spike = min(64, self.sequences + self.away)

        def cosines(count, cosine):
            matrix = [[1.0 if i == j else cosine for j in range(count)] for i in range(count)]
            quantiles = ("minimum", "percentile_5", "median", "percentile_95", "maximum")
            return {"matrix": matrix} | dict.fromkeys(quantiles, cosine if count > 1 else None)

        def group(first, before, after):
            tokens = [self.token(first + i) | {"sequence": i, "position": first} for i in range(spike)]
            points = {"before": before, "after": after, "normalized": after}
            return {"tokens": tokens} | {point: cosines(spike, cosine) for point, cosine in points.items()}

        block = self.step_up[0]
        return block_fields(block) | {
            "definition": "Cosine of every two tokens of a sample.",
            "options": {"max_tokens": 64},
            "norm": {"name": f"blocks.{block // 2}.ln{1 + block % 2}", "after_block": block},
            "spike": group(0, 0.25, 0.995),
            "ordinary": group(1, 0.2, 0.21),
        }
