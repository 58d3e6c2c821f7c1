"""attention_sinks, sinks_anywhere, attention_locality, effective_sinks, kv_cache and self_attention, from whole attention patterns."""

import numpy

from claims import Given, number
from text_run import MOST_TOKENS, by_count, mean, token_entry

EPSILON, LEAST_QUERIES, LEAST_SHARE_OF_HEADS = 0.3, 8, 0.1
PAPER_LENGTH = 64
WINDOWS, LEAST_SHARE_OF_SEQUENCES = [1, 4, 16, 64], 0.5
MOST_PLACES = 200


def importance(trace, layer, head, key):
    """The mean of A[i, key] over the queries that may see the key."""
    return float(trace.layers[layer].pattern[head, key:, key].mean())


def head_entry(run, layer, head, key=0):
    values = [importance(trace, layer, head, key) for trace in run.traces]
    return {
        "layer": layer,
        "head": head,
        "key": key,
        "importance": mean(values),
        "share_of_sequences": mean([float(value > EPSILON) for value in values]),
    }


def paper_importances(run):
    """Eqs. 27 and 28, for each (layer, head): (importance, sequence, key) of each sequence of two tokens or more."""
    result = {}
    for layer, head in run.all_heads:
        result[layer, head] = []
        for sequence, trace in enumerate(run.traces):
            length = min(len(trace.ids), PAPER_LENGTH)
            if length < 2:
                continue
            alpha = trace.layers[layer].pattern[head, :length, : length // 2].sum(0) / length
            result[layer, head].append((float(alpha.max()), sequence, int(alpha.argmax())))
    return result


def paper(run):
    importances = paper_importances(run)
    sinks = [(sequence, key) for values in importances.values() for a, sequence, key in values if a > EPSILON]
    positions, tokens = {}, {}
    for sequence, key in sinks:
        positions[key] = positions.get(key, 0) + 1
        if key > 0:
            id = run.traces[sequence].ids[key]
            tokens[id] = tokens.get(id, 0) + 1
    return {
        "length": PAPER_LENGTH,
        "sequences": sum(len(trace.ids) >= 2 for trace in run.traces),
        "sinks": len(sinks),
        "positions": [
            {"position": key, "count": positions[key]} for key in by_count(sorted(positions), positions.get)[:MOST_TOKENS]
        ],
        "tokens_beyond_first": [
            token_entry(id) | {"count": tokens[id]} for id in by_count(sorted(tokens), tokens.get)[:MOST_TOKENS]
        ],
        "heads": [
            {
                "layer": layer,
                "head": head,
                "importance": mean([a for a, _, _ in values]),
                "share_of_sequences": mean([float(a > EPSILON) for a, _, _ in values]),
            }
            for (layer, head), values in importances.items()
        ],
    }


def ratios(run):
    """In percent, by each definition, for key 0."""
    values = numpy.array(
        [[importance(trace, layer, head, 0) for trace in run.traces] for layer, head in run.all_heads]
    )
    shares = [
        mean([float(a > EPSILON) for a in trace.layers[layer].pattern[head, :, 0]])
        for layer, head in run.all_heads
        for trace in run.traces
    ]
    by_layer = (values > EPSILON).reshape(run.model.n_layers, -1).mean(1)
    return {
        "paper": 100 * mean([float(a > EPSILON) for values in paper_importances(run).values() for a, _, _ in values]),
        "gu": 100 * float((values > EPSILON).mean()),
        "mean-first": 100 * float((values.mean(1) > EPSILON).mean()),
        "softpick": 100 * float(by_layer.mean()),
        "entry": 100 * mean(shares),
        "f-attn": 100 * float(values.mean()),
    }


def first_tokens(run):
    counts = {}
    for trace in run.traces:
        counts[trace.ids[0]] = counts.get(trace.ids[0], 0) + 1
    return [token_entry(id) | {"count": counts[id]} for id in by_count(sorted(counts), counts.get)[:MOST_TOKENS]]


def attention_sinks(run):
    heads = [head_entry(run, layer, head) for layer, head in run.all_heads]
    sink_heads = [head for head in heads if head["importance"] > EPSILON]
    key = {"key": 0, "sequences": len(run.traces), "tokens": first_tokens(run), "ratios": ratios(run)}
    words = ("paper", "importance", "gu", "mean-first", "softpick", "entry", "f-attn")
    return {
        "definition": "paper",
        "definitions": {word: Given() for word in words},
        "epsilon": EPSILON,
        "key": 0,
        "sequences": len(run.traces),
        "sink_ratio_percent": ratios(run)["paper"],
        "ratios": ratios(run),
        "heads": heads,
        "sink_heads": sink_heads,
        "keys": [key | {"sink_heads": len(sink_heads)}],
        "paper": paper(run),
    }


class Sinks:
    """Every key that a head sinks on, of sequences with a key that enough queries see."""

    def __init__(self, run):
        self.run = run
        self.keys = {}  # sequence -> keys that enough queries may see
        for sequence, trace in enumerate(run.traces):
            if len(trace.ids) >= LEAST_QUERIES:
                self.keys[sequence] = range(len(trace.ids) - LEAST_QUERIES + 1)
        self.triples = [  # (sequence, position, layer, head)
            (sequence, position, layer, head)
            for sequence, keys in self.keys.items()
            for position in keys
            for layer, head in run.all_heads
            if importance(run.traces[sequence], layer, head, position) > EPSILON
        ]

    def id_at(self, sequence, position):
        return self.run.traces[sequence].ids[position]

    def heads_at(self):
        """{(sequence, position): heads that sink there}"""
        counts = {}
        for sequence, position, _, _ in self.triples:
            counts[sequence, position] = counts.get((sequence, position), 0) + 1
        return counts

    def positions(self):
        entries = []
        for position in sorted({p for _, p, _, _ in self.triples}):
            here = [s for s, p, _, _ in self.triples if p == position]
            entries.append({"position": position, "count": len(here), "sequences": len(set(here))})
        return by_count(entries, lambda entry: entry["count"])[:MOST_PLACES]

    def tokens(self):
        heads_at = self.heads_at()
        kinds = {(p > 0, self.id_at(s, p)) for s, p in heads_at}
        entries = []
        for later, id in sorted(kinds):
            places = [(s, p) for s, p in heads_at if (p > 0, self.id_at(s, p)) == (later, id)]
            seen = [p for s, keys in self.keys.items() for p in keys if (p > 0, self.id_at(s, p)) == (later, id)]
            entry = {"at_start": not later, "count": sum(heads_at[place] for place in places)}
            entries.append(token_entry(id) | entry | {"places": len(places), "occurrences": len(seen)})
        return by_count(entries, lambda entry: entry["count"])[:MOST_TOKENS]

    def head(self, layer, head):
        places = [(s, p) for s, p, l, h in self.triples if (l, h) == (layer, head)]
        counts = {}
        for _, position in places:
            counts[position] = counts.get(position, 0) + 1
        position = min(counts, key=lambda p: (-counts[p], p), default=-1)
        return {
            "layer": layer,
            "head": head,
            "share_of_sequences": len({s for s, _ in places}) / len(self.keys),
            "position": position,
            "share_at_position": counts.get(position, 0) / len(self.keys),
            "sinks": len(places) / len(self.keys),
            "attention": self.attention(layer, head, places),
        }

    def attention(self, layer, head, places):
        """Of all that the queries of a sequence give, what its sinks receive; the mean of sequences."""
        received = 0.0
        for sequence, position in places:
            pattern = self.run.traces[sequence].layers[layer].pattern[head]
            received += float(pattern[:, position].sum()) / len(pattern)
        return received / len(self.keys)

    def places(self):
        heads_at = self.heads_at()
        order = sorted(heads_at, key=lambda place: (-heads_at[place], place))
        return [
            token_entry(self.id_at(s, p)) | {"sequence": s, "position": p, "heads": heads_at[s, p]} for s, p in order
        ]


def sinks_anywhere(run):
    sinks = Sinks(run)
    places = sinks.places()
    return {
        "definition": Given(),
        "options": {"epsilon": EPSILON, "least_queries": LEAST_QUERIES},
        "sequences": len(sinks.keys),
        "positions": sinks.positions(),
        "tokens": sinks.tokens(),
        "heads": [sinks.head(layer, head) for layer, head in run.all_heads] if sinks.keys else [],
        "place_count": len(places),
        "places": places[:MOST_PLACES],
    }


class Locality:
    """What one head gives to keys other than its sinks, and how far away they are."""

    def __init__(self, run, sinks, layer, head):
        self.run, self.sinks, self.layer, self.head = run, sinks, layer, head
        self.sinks_at = {(s, p) for s, p, l, h in sinks.triples if (l, h) == (layer, head)}
        self.share_of_sequences = len({s for s, _ in self.sinks_at}) / len(sinks.keys)
        self.is_sink_head = self.share_of_sequences >= LEAST_SHARE_OF_SEQUENCES

    def pairs(self, without):
        """(A, A if it were even, distance) of each query and each key that it sees and that is not left out."""
        for sequence in self.sinks.keys:
            pattern = self.run.traces[sequence].layers[self.layer].pattern[self.head]
            for query in range(len(pattern)):
                for key in range(query + 1):
                    if (sequence, key) not in self.sinks_at and key not in without:
                        yield pattern[query, key], 1 / (query + 1), query - key

    def entry(self, without):
        measured, even, distances = map(numpy.array, zip(*self.pairs(without)))
        queries = sum(len(self.run.traces[sequence].ids) for sequence in self.sinks.keys)
        return {
            "attention": float(measured.sum() / queries),
            "mean_distance": float((measured * distances).sum() / measured.sum()),
            "within": [float(measured[distances < window].sum() / measured.sum()) for window in WINDOWS],
            "even_mean_distance": float((even * distances).sum() / even.sum()),
            "even_within": [float(even[distances < window].sum() / even.sum()) for window in WINDOWS],
        }


def mean_locality(entries):
    """Field by field; unknown without heads."""
    def of(values, count):
        return [number(mean([value[i] for value in values])) for i in range(count)]

    lists = ("within", "even_within")
    numbers = ("attention", "mean_distance", "even_mean_distance")
    result = {field: number(mean([entry[field] for entry in entries])) for field in numbers}
    result |= {field: of([entry[field] for entry in entries], len(WINDOWS)) for field in lists}
    return result | {"heads": len(entries)}


def locality_comparison(localities, entries):
    groups = [
        [entry for locality, entry in zip(localities, entries) if locality.is_sink_head == wanted] for wanted in (True, False)
    ]
    near, far = ([entry["mean_distance"] for entry in group] for group in groups)
    pairs = [1.0 if a < b else 0.5 if a == b else 0.0 for a in near for b in far]
    return {"sink_heads": mean_locality(groups[0]), "other_heads": mean_locality(groups[1]), "area": number(mean(pairs))}


def attention_locality(run):
    sinks = Sinks(run)
    localities = [Locality(run, sinks, layer, head) for layer, head in run.all_heads] if sinks.keys else []
    key_sets = {"without_sinks": (), "without_common_sinks": (0,)}
    entries = {name: [locality.entry(without) for locality in localities] for name, without in key_sets.items()}

    def comparisons(first, last):
        return {name: locality_comparison(localities[first:last], entries[name][first:last]) for name in key_sets}

    heads = [
        {
            "layer": locality.layer,
            "head": locality.head,
            "share_of_sequences": locality.share_of_sequences,
            "sink_head": locality.is_sink_head,
        }
        | {name: entries[name][index] for name in key_sets}
        for index, locality in enumerate(localities)
    ]
    thresholds = {"epsilon": EPSILON, "least_queries": LEAST_QUERIES, "least_share_of_sequences": LEAST_SHARE_OF_SEQUENCES}
    width = run.model.heads
    return {
        "definition": Given(),
        "options": thresholds | {"windows": WINDOWS, "common_sinks": [0]},
        "sequences": len(sinks.keys),
        "all": comparisons(0, len(heads)),
        "layers": [{"layer": first // width} | comparisons(first, first + width) for first in range(0, len(heads), width)],
        "heads": heads,
    }


def effective_sinks(run):
    """Position 0 is the sink; the queries are all others."""
    heads = []
    for layer, head in run.all_heads:
        attention, products, squares = [], 0.0, 0.0
        for trace in run.traces:
            state = trace.layers[layer]
            pattern, values = state.pattern[head], state.v[:, head * state.v.shape[1] // run.model.heads]
            from_sink, output = numpy.outer(pattern[1:, 0], values[0]), pattern[1:] @ values
            attention += list(pattern[1:, 0])
            products += (from_sink * output).sum()
            squares += (output * output).sum()
        shares = {"attention": number(mean(attention)), "output_share": number(products / squares if squares else None)}
        heads.append({"layer": layer, "head": head} | shares)
    sequences = len(run.traces)
    return {
        "definition": Given(),
        "options": {"positions": [0]},
        "queries": len(run.tokens) - sequences,
        "sinks": sequences,
        "heads": heads,
    }


def kept_kinds(run, heads_at, least_heads):
    """Tokens of one kind, None for whatever stands first."""
    kinds = {}
    for sequence, position, id in run.tokens:
        kinds.setdefault(id if position else None, []).append((sequence, position))
    entries = []
    for id in sorted(kinds, key=lambda id: -1 if id is None else id):
        places = kinds[id]
        sinking = [place for place in places if place in heads_at]
        spiking = sum(place in run.spikes for place in places)
        heads = mean([heads_at[place] for place in sinking]) if sinking else 0.0
        if spiking == 0 and not (sinking and heads >= least_heads):
            continue
        entry = {"id": None} if id is None else token_entry(id)
        counts = {"occurrences": len(places), "spiking": spiking, "sinking": len(sinking), "heads": float(heads)}
        entries.append(entry | {"at_start": id is None} | counts)
    return by_count(entries, lambda entry: (entry["heads"] * entry["sinking"], entry["spiking"]))


def kv_cache(run):
    sinks = Sinks(run)
    heads_at = sinks.heads_at()
    heads = len(run.all_heads)
    least_heads = LEAST_SHARE_OF_HEADS * heads
    kept = run.spikes | {place for place, count in heads_at.items() if count >= least_heads}
    of_heads = [sinks.head(layer, head) for layer, head in run.all_heads] if sinks.keys else []
    return {
        "definition": Given(),
        "options": {"least_share_of_heads": LEAST_SHARE_OF_HEADS},
        "sequences": len(run.traces),
        "tokens": len(run.tokens),
        "heads": len(of_heads),
        "heads_with_sinks": sum(head["share_of_sequences"] > 0 for head in of_heads),
        "kept": len(kept),
        "kept_per_sequence": len(kept) / len(run.traces),
        "attention": float(sum(head["attention"] for head in of_heads) / heads),
        "keep": kept_kinds(run, heads_at, least_heads)[:MOST_TOKENS],
    }


def self_attention(run):
    """Of the tokens that are not the first of their sequence."""
    later = [(s, p, id) for s, p, id in run.tokens if p > 0]
    groups = {
        "spike": [(s, p) for s, p, _ in later if (s, p) in run.spikes],
        "ordinary": [(s, p) for s, p, _ in later if (s, p) not in run.spikes],
        "delimiter": [(s, p) for s, p, id in later if id in run.delimiters],
    }
    heads = []
    for layer, head in run.all_heads:
        entry = {"layer": layer, "head": head}
        for group, places in groups.items():
            kept = [float(run.traces[s].layers[layer].pattern[head, p, p]) for s, p in places]
            entry[group] = number(mean(kept))
        heads.append(entry)
    counts = {group: len(places) for group, places in groups.items()}
    return {"definition": Given(), "options": {"delimiters": run.delimiters}, "tokens": counts, "heads": heads}
