"""sink_geometry: every pair of a query and a key; sink_key_span: every key."""

import numpy

from claims import Given, Satisfies, digits, number
from sections_attention import EPSILON, head_entry
from sections_spikes import life_cycle
from text_run import deviation, mean, place_hash, token_entry

MOST_POINTS, LEAST_POINTS = 150, 4
SMALL = 1e-4  # the PCA's size where a descent begins
TOLERANCE = 1e-2  # TsneOptions::tolerance: the descent ends where n times the largest slope is below
NAN = float("nan")


def norm_of(vector):
    return float(numpy.linalg.norm(vector))


def eigenvalue_shares(vectors):
    """Of the sum of v v^T, the largest first."""
    values = numpy.linalg.eigvalsh(sum(numpy.outer(vector, vector) for vector in vectors))[::-1]
    return numpy.clip(values / values.sum(), 0, None)


def effective_rank(shares):
    """exp of their entropy."""
    return float(numpy.exp(-sum(share * numpy.log(share) for share in shares if share > 0)))


class HeadGeometry:
    """Queries that are no sinks, and keys of either kind, of one head. A sink is what stands at position 0."""

    def __init__(self, run, layer, head):
        self.run, self.layer, self.head = run, layer, head
        self.key_head = head * run.model.key_heads // run.model.heads
        self.others_at = [(s, p) for s, p, _ in run.tokens if p > 0]
        self.sinks_at = [(s, p) for s, p, _ in run.tokens if p == 0]
        queries = numpy.array([self.of(place).q[place[1], head] for place in self.others_at])
        self.sinks = self.keys(self.sinks_at, queries)
        self.others = self.keys(self.others_at, queries)
        self.logit_gap = self.gap()

    def of(self, place):
        return self.run.traces[place[0]].layers[self.layer]

    def keys(self, places, queries):
        keys = [self.of(place).k[place[1], self.key_head] for place in places]
        values = [self.of(place).v[place[1], self.key_head] for place in places]
        units = queries / numpy.linalg.norm(queries, axis=1, keepdims=True)
        shares = eigenvalue_shares(keys)
        return {
            "norm": mean([norm_of(key) for key in keys]),
            "value_norm": mean([norm_of(value) for value in values]),
            "effective_rank": effective_rank(shares),
            "first_direction": float(shares[0]),
            "first_two_directions": float(shares[:2].sum()),
            "squared_distance": mean([float(((queries - key) ** 2).sum(1).mean()) for key in keys]),
            "cosine": mean([float((units @ key).mean()) / norm_of(key) for key in keys]),
        }

    def gap(self):
        """A query's mean score of the sink less that of the other keys that it sees."""
        gaps = []
        for sequence, position in self.others_at:
            scores = self.of((sequence, position)).scores[self.head, position]
            gaps.append(float(scores[0] - scores[1 : position + 1].mean()))
        return mean(gaps)

    def margin(self, distance):
        if distance == "euclidean":
            return self.others["squared_distance"] - self.sinks["squared_distance"]
        return self.sinks["cosine"] - self.others["cosine"]

    def entry(self):
        return {
            "layer": self.layer,
            "head": self.head,
            "key_head": self.key_head,
            "logit_gap": number(self.logit_gap),
            "margin": number(self.margin("euclidean")),
            "named": self.margin("euclidean") > 0,
            "value_drain": self.sinks["value_norm"] / self.others["value_norm"],
            "sinks": self.sinks,
            "others": self.others,
        }


class KeySpan:
    """The rows of W_K at the spike channels, of one key head, and how much of the keys lies in their span."""

    def __init__(self, run, channels, layer, key_head):
        self.run, self.layer, self.key_head = run, layer, key_head
        weight = self.of_head("k", key_head) * run.model.of_layer(layer, "input_layernorm.weight")
        rows = weight[:, channels]  # [d_head, channels]
        self.rank = int(numpy.linalg.matrix_rank(rows))
        self.projector = rows @ numpy.linalg.pinv(rows)

    def of_head(self, name, head):
        width = self.run.model.d_head
        return self.run.model.of_layer(self.layer, f"self_attn.{name}_proj.weight")[head * width : (head + 1) * width]

    def vectors(self, name, head, of_sinks):
        """Before RoPE, without bias; a sink is what stands at position 0."""
        weight = self.of_head(name, head)
        places = [(s, p) for s, p, _ in self.run.tokens if (p == 0) == of_sinks]
        return [weight @ self.run.traces[s].layers[self.layer].attention_in[p] for s, p in places]

    def keys(self, of_sinks):
        keys = self.vectors("k", self.key_head, of_sinks)
        shares = [float((self.projector @ key) @ (self.projector @ key) / (key @ key)) for key in keys]
        rank = effective_rank(eigenvalue_shares(keys))
        return {"share": mean(shares), "share_deviation": deviation(shares), "effective_rank": rank}

    def entry(self):
        model = self.run.model
        group = model.heads // model.key_heads
        heads = range(self.key_head * group, (self.key_head + 1) * group)
        return {
            "layer": self.layer,
            "key_head": self.key_head,
            "rank": self.rank,
            "random_share": self.rank / model.d_head,
            "sinks": self.keys(True),
            "others": self.keys(False),
            "query_rank": mean([effective_rank(eigenvalue_shares(self.vectors("q", head, False))) for head in heads]),
        }


def sink_key_span(run):
    channels = life_cycle(run)["spike_channels"]
    counts = {"sink_keys": len(run.traces), "other_keys": len(run.tokens) - len(run.traces)}
    spans = [
        KeySpan(run, channels, layer, key_head)
        for layer in range(run.model.n_layers if channels else 0)
        for key_head in range(run.model.key_heads)
    ]
    return {
        "definition": Given(),
        "options": {"channels": channels, "positions": [0]},
        "heads": [span.entry() for span in spans],
    } | (counts if channels else dict.fromkeys(counts, 0))


def area(high, low):
    """How often one of `high` exceeds one of `low`."""
    return mean([1.0 if a > b else 0.5 if a == b else 0.0 for a in high for b in low])


def agreement(geometries, is_sink, distance):
    named = [geometry.margin(distance) > 0 for geometry in geometries]
    both = sum(a and b for a, b in zip(named, is_sink))

    def area_of(value):
        groups = [[value(g) for g, sink in zip(geometries, is_sink) if sink == wanted] for wanted in (True, False)]
        return number(area(*groups))

    return {
        "heads": len(geometries),
        "named": sum(named),
        "measured": sum(is_sink),
        "both": both,
        "precision": number(both / sum(named) if any(named) else NAN),
        "recall": number(both / sum(is_sink) if any(is_sink) else NAN),
        "base_rate": sum(is_sink) / len(is_sink),
        "area_by_margin": area_of(lambda geometry: geometry.margin(distance)),
        "area_by_logit_gap": area_of(lambda geometry: geometry.logit_gap),
    }


class Picture:
    """Some vectors of one head, of the sequences of the first batch."""

    def __init__(self, run, layer, head, role):
        self.entries = {"layer": layer, "head": head, "role": role}
        batch = run.first_batch()
        places = sorted(((s, p) for s, trace in enumerate(batch) for p in range(len(trace.ids))), key=place_hash)
        others = [(s, p) for s, p in places if p > 0][:MOST_POINTS]
        sinks = [(s, p) for s, p in places if p == 0][:MOST_POINTS]
        key_head = head * run.model.key_heads // run.model.heads
        self.points, vectors = [], []
        for kind, chosen in (("query", others), ("key", others), ("sink key", sinks)):
            for s, p in chosen:
                traced = batch[s].layers[layer]
                vectors.append(traced.q[p, head] if kind == "query" else traced.k[p, key_head])
                self.points.append(token_entry(batch[s].ids[p]) | {"kind": kind, "sequence": s, "position": p})
        self.vectors = numpy.array(vectors)

    def pca(self):
        """Coordinates along the two directions of largest variance, whose largest components are positive."""
        centred = self.vectors - self.vectors.mean(0)
        _, _, directions = numpy.linalg.svd(centred)
        directions = [d * numpy.sign(d[numpy.abs(d).argmax()]) for d in directions[:2]]
        return numpy.stack([centred @ direction for direction in directions], axis=1)

    def likenesses(self, count):
        """P of t-SNE: symmetric, each row's entropy that of `count` neighbours."""
        squares = ((self.vectors[:, None] - self.vectors[None]) ** 2).sum(2)
        rows = numpy.array([self.likeness_row(i, row, count) for i, row in enumerate(squares)])
        return (rows + rows.T) / (2 * len(rows))

    @staticmethod
    def likeness_row(self_index, squares, count):
        """By bisection of the logarithm of how fast likeness falls with distance."""
        others = numpy.arange(len(squares)) != self_index
        above = numpy.where(others, squares - squares[others].min(), numpy.inf)
        low, high = -30.0, 30.0
        for _ in range(60):
            middle = (low + high) / 2
            row = numpy.exp(-numpy.exp(middle) * above)
            row /= row.sum()
            entropy = -(row[row > 0] * numpy.log(row[row > 0])).sum()
            low, high = (middle, high) if entropy > numpy.log(count) else (low, middle)
        return row

    def descent(self, layout, likenesses):
        """KL(P || Q), which t-SNE makes small, its gradient [n, 2] and its Hessian [n, 2, n, 2]."""
        count = len(layout)
        apart = layout[:, None] - layout[None]
        kernel = 1 / (1 + (apart**2).sum(2))
        numpy.fill_diagonal(kernel, 0)
        q, there = kernel / kernel.sum(), likenesses > 0
        divergence = (likenesses[there] * numpy.log(likenesses[there] / q[there])).sum()
        gradient = 4 * (((likenesses - q) * kernel)[:, :, None] * apart).sum(1)

        # Of each pair's term with the sum of the kernels held, then of that sum.
        along = (2 * likenesses - 4 * q) * kernel**2
        pairs = ((likenesses - q) * kernel)[:, :, None, None] * numpy.eye(2)
        pairs = pairs - along[:, :, None, None] * apart[:, :, :, None] * apart[:, :, None, :]
        hessian = -4 * pairs.transpose(0, 2, 1, 3)
        hessian[range(count), :, range(count)] += 4 * pairs.sum(1)
        pushes = ((q * kernel)[:, :, None] * apart).sum(1)
        hessian -= 16 * pushes[:, :, None, None] * pushes
        return float(divergence), gradient, hessian

    def problem_of_tsne(self, got):
        """A layout has no unique truth: it must be centred and a place where the descent ends, below its start."""
        layout = numpy.array(got, dtype=float)
        if layout.shape != (len(self.points), 2) or not numpy.isfinite(layout).all():
            return f"got shape {layout.shape}, expected {len(self.points)} finite pairs"
        if numpy.abs(layout.mean(0)).max() > 1e-3 * numpy.abs(layout).max():
            return f"got the middle {layout.mean(0)}, expected zeros"
        likenesses = self.likenesses(min(30, (len(layout) - 1) / 3))
        divergence, gradient, hessian = self.descent(layout, likenesses)
        start, _, _ = self.descent(self.pca() * (SMALL / numpy.abs(self.vectors).max()), likenesses)
        # What four digits add to the slope, to first order: half a unit of the last one in each coordinate.
        halves = 0.5 * 10.0 ** (numpy.floor(numpy.log10(numpy.maximum(numpy.abs(layout), 1e-300))) - 3)
        rounded = numpy.tensordot(numpy.abs(hessian), halves)
        excess = numpy.abs(gradient) - rounded
        # P here and there differ by less than a hundredth: float32 vectors, and an entropy met to 1e-5.
        if excess.max() < 1.01 * TOLERANCE / len(layout) and divergence < start:
            return ""
        return f"got the divergence {divergence} and a slope of {excess.max()} beyond rounding; at the start it is {start}"

    def entry(self):
        scale = numpy.abs(self.vectors).max()
        pca = [[digits(value, 1e-6 * scale) for value in row] for row in self.pca()]
        # Too few points for neighbourhoods are given as their PCA.
        tsne = pca if len(self.points) < LEAST_POINTS else Satisfies(self.problem_of_tsne)
        return self.entries | {"points": self.points, "tsne": tsne, "pca": pca}


def pictures(run):
    heads = [head_entry(run, layer, head) for layer, head in run.all_heads]
    ordered = sorted(heads, key=lambda head: head["importance"])
    chosen = ((ordered[-1], "sink head"), (ordered[0], "control"))
    return [Picture(run, head["layer"], head["head"], role).entry() for head, role in chosen]


def sink_geometry(run):
    geometries = [HeadGeometry(run, layer, head) for layer, head in run.all_heads]
    is_sink = [head_entry(run, layer, head)["importance"] > EPSILON for layer, head in run.all_heads]
    return {
        "definition": Given(),
        "options": {"positions": [0], "before_rope": False},
        "sink_keys": len(run.traces),
        "other_keys": len(run.tokens) - len(run.traces),
        "heads": [geometry.entry() for geometry in geometries],
        "agreement": {distance: agreement(geometries, is_sink, distance) for distance in ("euclidean", "cosine")},
        "pictures": pictures(run),
    }
