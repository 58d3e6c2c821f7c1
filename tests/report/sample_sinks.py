"""The sections of an invented report that explain its sinks, and those about quantisation and the cache."""

import math

from sample_model import Model, significant


class SinkSections(Model):
    def sink_geometry(self):
        def keys(norm, rank):
            shares = {"first_direction": 0.9, "first_two_directions": 0.95}
            return {
                "norm": norm,
                "value_norm": 1.5,
                "effective_rank": rank,
                "squared_distance": 12.5,
                "cosine": 0.25,
            } | shares

        def head(layer, number):
            return {
                "layer": layer,
                "head": number,
                "key_head": 0,
                "logit_gap": self.near(6.0 * self.sink_of_layer(layer)),
                "margin": self.near(3.0),
                "named": self.sink_of_layer(layer) > 0.3,
                "value_drain": abs(self.near(0.25)),
                "sinks": keys(2.0, 1.2),
                "others": keys(5.0, 6.5),
            }

        def picture(role, layer):
            kinds = ["query"] * 9 + ["key"] * 9 + ["sink key"] * 4
            points = [
                self.token(i) | {"kind": kind, "sequence": 0, "position": i % self.length}
                for i, kind in enumerate(kinds)
            ]
            layout = [[self.near(i % 3, 0.2), self.near(i % 5, 0.2)] for i in range(len(points))]
            return {
                "layer": layer,
                "head": 0,
                "role": role,
                "points": points,
                "tsne": layout,
                "pca": [[2 * x, y] for x, y in layout],
            }

        heads = [head(*index) for index in self.every_head()]
        measured = len(self.sink_heads)
        rule = {
            "heads": len(heads),
            "named": sum(head["named"] for head in heads),
            "measured": measured,
            "both": measured,
            "precision": 0.9 if measured else 0.0,
            "recall": 1.0 if measured else None,
            "base_rate": measured / len(heads),
            "area_by_margin": 0.75,
            "area_by_logit_gap": 0.95,
        }
        return {
            "definition": "Of queries and keys as they enter the dot product.",
            "options": {"positions": [0], "before_rope": False},
            "sink_keys": self.sequences,
            "other_keys": self.sequences * (self.length - 1),
            "heads": heads,
            "agreement": {"euclidean": rule, "cosine": rule},
            "pictures": [picture("sink head", self.layers - 1), picture("control", 0)],
        }

    def sink_key_span(self):
        channels = [channel for channel, _ in self.channels]

        def keys(share, rank):
            return {"share": share, "share_deviation": 0.01, "effective_rank": rank}

        def head(layer):
            return {
                "layer": layer,
                "key_head": 0,
                "rank": min(len(channels), 4),
                "random_share": 0.125,
                "sinks": keys(self.near(0.97), 1.1),
                "others": keys(self.near(0.2), 6.5),
                "query_rank": 7.5,
            }

        return {
            "definition": "The share of keys in the span of the rows of W_K at the spike channels.",
            "options": {"channels": channels, "positions": [0]},
            "sink_keys": self.sequences,
            "other_keys": self.sequences * (self.length - 1),
            "heads": [head(layer) for layer in range(self.layers)] if channels else [],
        }

    def attention_locality(self):
        windows = [1, 4, 16, 64]

        def keys(attention, distance):
            return {
                "attention": attention,
                "mean_distance": significant(distance),
                "within": [significant(1 - math.exp(-window / distance)) for window in windows],
                "even_mean_distance": self.length / 3,
                "even_within": [min(1.0, 2 * window / self.length) for window in windows],
            }

        def head(layer, number):
            is_sink = self.sink_of_layer(layer) > 0.5
            return {
                "layer": layer,
                "head": number,
                "share_of_sequences": 1.0 if is_sink else 0.0,
                "sink_head": is_sink,
                "without_sinks": keys(0.2 if is_sink else 1.0, 1.5 if is_sink else 4.0 + 0.1 * number),
                "without_common_sinks": keys(0.2 if is_sink else 0.9, 1.5 if is_sink else 3.0 + 0.1 * number),
            }

        heads = [head(*index) for index in self.every_head()]

        def mean(chosen, key_set):
            def of(field):
                values = [entry[key_set][field] for entry in chosen]
                if not values:
                    return [None] * len(windows) if "within" in field else None
                if "within" in field:
                    return [significant(sum(column) / len(values)) for column in zip(*values)]
                return significant(sum(values) / len(values))

            fields = ("attention", "mean_distance", "within", "even_mean_distance", "even_within")
            return {field: of(field) for field in fields} | {"heads": len(chosen)}

        def comparison(heads, key_set):
            sinks, others = ([entry for entry in heads if entry["sink_head"] == wanted] for wanted in (True, False))
            area = 1.0 if sinks and others else None
            return {"sink_heads": mean(sinks, key_set), "other_heads": mean(others, key_set), "area": area}

        def comparisons(heads):
            return {key_set: comparison(heads, key_set) for key_set in ("without_sinks", "without_common_sinks")}

        of_layers = [[entry for entry in heads if entry["layer"] == layer] for layer in range(self.layers)]
        thresholds = {"epsilon": 0.3, "least_queries": 8, "least_share_of_sequences": 0.5}
        return {
            "definition": "How far attention to keys other than sinks reaches.",
            "options": thresholds | {"windows": windows, "common_sinks": [0]},
            "sequences": self.sequences,
            "all": comparisons(heads),
            "layers": [{"layer": layer} | comparisons(chosen) for layer, chosen in enumerate(of_layers)],
            "heads": heads,
        }

    def effective_sinks(self):
        def head(layer, number):
            attention = self.sink_of_layer(layer)
            return {
                "layer": layer,
                "head": number,
                "attention": attention,
                "output_share": significant(0.05 * attention),
            }

        return {
            "definition": "The share of each head's output that comes from the sinks.",
            "options": {"positions": [0]},
            "queries": self.sequences * (self.length - 1),
            "sinks": self.sequences,
            "heads": [head(*index) for index in self.every_head()],
        }

    def sinks_anywhere(self):
        sinks = len(self.sink_heads)
        definition = {
            "definition": "A key is a sink of a head in a sequence when its importance exceeds epsilon.",
            "options": {"epsilon": 0.3, "least_queries": 8},
            "sequences": self.sequences,
        }
        nothing = {"share_of_sequences": 0.0, "position": -1, "share_at_position": 0.0, "sinks": 0.0}
        everything = {"share_of_sequences": 1.0, "position": 0, "share_at_position": 1.0, "sinks": 1.25}
        measured = {(head["layer"], head["head"]) for head in self.sink_heads}
        heads = [
            {"layer": layer, "head": head} | (everything if (layer, head) in measured else nothing)
            for layer, head in self.every_head()
        ]
        if sinks == 0:
            return definition | {"positions": [], "tokens": [], "heads": heads, "place_count": 0, "places": []}
        count = sinks * self.sequences
        positions = [{"position": 0, "count": count, "sequences": self.sequences}]
        tokens = [
            self.token(0) | {"at_start": True, "count": count, "places": self.sequences, "occurrences": self.sequences}
        ]
        places = [
            self.token(0) | {"sequence": i, "position": 0, "heads": sinks} for i in range(min(self.sequences, 200))
        ]
        if self.length > 4:
            positions.append({"position": 4, "count": 3, "sequences": 1})
            tokens.append(self.token(2) | {"at_start": False, "count": 3, "places": 1, "occurrences": 6})
        return definition | {
            "positions": positions,
            "tokens": tokens,
            "heads": heads,
            "place_count": len(places),
            "places": places,
        }

    def quantisation(self):
        def entry(name, layer, reads, error):
            spike = self.spikes and reads == "feed_forward_output"
            kept = {"plain": error, "spike_tokens": error / 4, "channels": error / 3, "both": error / 40}
            errors = {
                "per_tensor": {key: significant(value) for key, value in kept.items()},
                "per_token": {key: significant(value / 10) for key, value in kept.items()},
                "per_channel": {key: significant(value / 20) for key, value in kept.items()},
            }
            channels = [{"channel": self.channels[0][0], "share_of_sequences": 0.98, "largest": 812.1}] if spike else []
            return {
                "name": name,
                "layer": layer,
                "reads": reads,
                "width": self.width,
                "largest": {"spike": 812.1 if self.spikes else None, "ordinary": 14.2},
                "errors": errors,
                "channels": channels,
            }

        inputs = []
        for layer in range(self.layers):
            inputs += [
                entry(f"blocks.{layer}.ln1.hook_normalized", layer, "attention", 0.02),
                entry(f"blocks.{layer}.attn.hook_z", layer, "attention_output", 0.01),
                entry(f"blocks.{layer}.ln2.hook_normalized", layer, "feed_forward", 0.04),
                entry(
                    f"blocks.{layer}.mlp.hook_post",
                    layer,
                    "feed_forward_output",
                    0.4 if layer == self.layers - 1 else 0.03,
                ),
            ]
        inputs.append(entry("ln_final.hook_normalized", None, "unembedding", 0.015))
        keep = [
            {
                "name": f"blocks.{self.layers - 1}.mlp.hook_post",
                "layer": self.layers - 1,
                "reads": "feed_forward_output",
                "gain": 6.8,
            }
            | {"channels": [channel for channel, _ in self.channels[:1]], "spike_tokens": True}
        ]
        return {
            "definition": "What rounding the inputs of linear maps costs ordinary tokens.",
            "options": {"bits": 8, "outlier_ratio": 20.0},
            "spike_tokens": self.sequences + self.away if self.spikes else 0,
            "tokens": self.sequences * self.length,
            "inputs": inputs,
            "keep": keep if self.spikes else [],
        }

    def kv_cache(self):
        sinks = len(self.sink_heads)
        kept = self.sequences + self.away if sinks else 0
        keep = [
            {"id": None, "at_start": True, "occurrences": self.sequences}
            | {"spiking": self.sequences if self.spikes else 0, "sinking": self.sequences, "heads": float(sinks)}
        ]
        if self.away:
            away = {
                "at_start": False,
                "occurrences": 40,
                "spiking": self.away,
                "sinking": 1,
                "heads": 2.5,
            }
            keep.append(self.token(2) | away)
        return {
            "definition": "Places that a key/value cache must not evict.",
            "options": {"least_share_of_heads": 0.1},
            "sequences": self.sequences,
            "tokens": self.sequences * self.length,
            "heads": self.layers * self.heads,
            "heads_with_sinks": sinks,
            "kept": kept,
            "kept_per_sequence": kept / self.sequences,
            "attention": 0.61 if sinks else None,
            "keep": keep if sinks else [],
        }
