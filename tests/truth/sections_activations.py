"""perplexity, gate_linearity, state_norms, sparse_constants, spike_cosines and quantisation, token by token."""

import math

import numpy

from claims import Given, digits, number
from sections_spikes import LifeCycle
from text_run import block_entry, by_count, cosine, deviation, lower_median, mean, place_hash, token_entry

SPIKE_POINTS, ORDINARY_POINTS = 200, 400  # of a sample
COMPARED = 64  # spike tokens
TOP_SHARE = 3  # channels
BITS, OUTLIER_RATIO, LEAST_GAIN = 8, 20.0, 1.5
LEAST_SHARE = 0.1  # of the sequences, of a channel that is listed
SCALES = ("per_tensor", "per_token", "per_channel")


def perplexity(run):
    losses = []
    for trace in run.traces:
        for position, target in enumerate(trace.ids[1:]):
            row = trace.logits[position]
            losses.append(float(numpy.log(numpy.exp(row - row.max()).sum()) + row.max() - row[target]))
    loss = mean(losses)
    return {"definition": Given(), "mean_loss": loss, "perplexity": math.exp(loss), "tokens": len(losses)}


def gate_group(run, layer, spike, most):
    points = {}  # place -> (cosine, ratio, largest output)
    for s, p, _ in run.tokens:
        if ((s, p) in run.spikes) == spike:
            read, given = run.traces[s].layers[layer].gate[p], run.traces[s].layers[layer].activated[p]
            ratio = float(numpy.linalg.norm(given) / numpy.linalg.norm(read))
            points[s, p] = cosine(read, given), ratio, float(numpy.abs(run.traces[s].outputs[2 * layer + 1][p]).max())
    sample = sorted(sorted(points, key=place_hash)[:most])
    cosines, ratios = ([point[index] for point in points.values()] for index in (0, 1))
    return {
        "tokens": len(points),
        "cosine": number(mean(cosines)),
        "cosine_deviation": deviation(cosines),
        "ratio": number(mean(ratios)),
        "ratio_deviation": deviation(ratios),
        "sample": [[digits(value) for value in points[place]] for place in sample],
    }


def gate_linearity(run):
    blocks = []
    for layer in range(run.model.n_layers):
        groups = {
            "spike": gate_group(run, layer, True, SPIKE_POINTS),
            "ordinary": gate_group(run, layer, False, ORDINARY_POINTS),
        }
        blocks.append(block_entry(2 * layer + 2) | groups)
    options = {"max_spike_samples": SPIKE_POINTS, "max_ordinary_samples": ORDINARY_POINTS}
    return {"definition": Given(), "options": options, "blocks": blocks}


def norm_group(norms):
    return {"tokens": len(norms), "mean": number(mean(norms)), "standard_deviation": deviation(norms)}


def state_norms(run):
    blocks = []
    for block in range(1, 2 * run.model.n_layers + 1):
        norms = {"spike": [], "ordinary": []}
        for s, p, _ in run.tokens:
            length = float(numpy.linalg.norm(run.traces[s].states[block][p]))
            if math.isfinite(length):
                norms["spike" if (s, p) in run.spikes else "ordinary"].append(length)
        blocks.append(block_entry(block) | {group: norm_group(lengths) for group, lengths in norms.items()})
    return {"definition": Given(), "blocks": blocks}


def vector_summary(vectors):
    if not vectors:
        fields = ("cosine", "distance", "participation", "top_share", "largest")
        return {"tokens": 0} | dict.fromkeys(fields)
    units = numpy.array([x / numpy.linalg.norm(x) for x in vectors])
    cosines = (units @ units.T)[numpy.triu_indices(len(units), 1)]  # of each two
    middle = sum(vectors) / len(vectors)
    away = mean([float(((x - middle) ** 2).sum()) for x in vectors])
    shares = [float(numpy.sort(x**2)[-TOP_SHARE:].sum() / (x**2).sum()) for x in vectors]
    return {
        "tokens": len(vectors),
        "cosine": number(float(mean(cosines))),
        "distance": math.sqrt(away / mean([float((x**2).sum()) for x in vectors])),
        "participation": mean([float((x**2).sum() ** 2 / (x**4).sum()) for x in vectors]),
        "top_share": mean(shares),
        "largest": float(max(numpy.abs(x).max() for x in vectors)),
    }


def vector_groups(run, array_of):
    groups = {"spike": [], "ordinary": []}
    for s, p, _ in run.tokens:
        groups["spike" if (s, p) in run.spikes else "ordinary"].append(array_of(run.traces[s])[p])
    return {group: vector_summary(vectors) for group, vectors in groups.items()}


def stream_norms(run):
    """(name, block after which it reads the stream, what it gives without its scale)."""
    norms = []
    for layer in range(run.model.n_layers):
        norms.append((f"blocks.{layer}.ln1", 2 * layer, lambda t, l=layer: t.layers[l].attention_normed))
        norms.append((f"blocks.{layer}.ln2", 2 * layer + 1, lambda t, l=layer: t.layers[l].mlp_normed))
    return norms + [("ln_final", 2 * run.model.n_layers, lambda trace: trace.final_normed)]


def sparse_constants(run):
    norms = []
    for name, block, normed in stream_norms(run):
        before = vector_groups(run, lambda trace, block=block: trace.states[block])
        after = vector_groups(run, normed)
        norms.append({"name": name, "after_block": block, "before": before, "after": after})
    return {"definition": Given(), "d_model": run.model.d_model, "top": TOP_SHARE, "norms": norms}


def pairwise_cosines(vectors):
    matrix = [[cosine(a, b) for b in vectors] for a in vectors]
    pairs = [row[column] for index, row in enumerate(matrix) for column in range(index)]
    shares = {"minimum": 0, "percentile_5": 5, "median": 50, "percentile_95": 95, "maximum": 100}
    quantiles = {name: float(numpy.percentile(pairs, share)) if pairs else None for name, share in shares.items()}
    return {"matrix": [[digits(value) for value in row] for row in matrix]} | quantiles


def cosines_of(run, places, arrays):
    """Of the tokens at `places`; `arrays` are the points of the stream, by name, each of a trace."""
    tokens = [token_entry(run.traces[s].ids[p]) | {"sequence": s, "position": p} for s, p in places]
    points = {name: pairwise_cosines([array_of(run.traces[s])[p] for s, p in places]) for name, array_of in arrays.items()}
    return {"tokens": tokens} | points


def spike_cosines(run):
    """Around the block that makes the largest spike; none without one."""
    block = LifeCycle(run).birth()
    if block is None:
        return None
    name, after_block, normed = next(norm for norm in stream_norms(run) if norm[1] == block)
    arrays = {"before": lambda t: t.states[block - 1], "after": lambda t: t.states[block], "normalized": normed}
    spikes = sorted(sorted(run.spikes, key=place_hash)[:COMPARED])
    others = [(s, p) for s, p, _ in run.tokens if (s, p) not in run.spikes]
    others = sorted(sorted(others, key=place_hash)[: len(spikes)])
    return block_entry(block) | {
        "definition": Given(),
        "options": {"max_tokens": COMPARED},
        "norm": {"name": name, "after_block": after_block},
        "spike": cosines_of(run, spikes, arrays),
        "ordinary": cosines_of(run, others, arrays),
    }


class LinearInput:
    """One tensor that linear maps read, of all sequences."""

    def __init__(self, run, name, layer, reads, array_of):
        self.place = {"name": name, "layer": layer, "reads": reads}
        self.arrays = [array_of(trace) for trace in run.traces]
        self.is_spike = [
            numpy.array([(s, p) in run.spikes for p in range(len(trace.ids))]) for s, trace in enumerate(run.traces)
        ]
        self.outliers = [self.outlier_channels(array) for array in self.arrays]
        nothing = [numpy.zeros_like(outliers) for outliers in self.outliers]
        self.errors = {
            scale: {
                "plain": number(self.error(scale, False, nothing)),
                "spike_tokens": number(self.error(scale, True, nothing)),
                "channels": number(self.error(scale, False, self.outliers)),
                "both": number(self.error(scale, True, self.outliers)),
            }
            for scale in SCALES
        }
        self.channels = self.listed_channels()

    @staticmethod
    def outlier_channels(array):
        maxima = numpy.abs(array).max(0)
        median = lower_median(maxima)
        return (maxima >= OUTLIER_RATIO * median) & (median > 0)

    def error(self, scale, keeps_tokens, kept_channels):
        """The mean over ordinary tokens of ||x - Q(x)|| / ||x||; of each sequence its own channels may be kept."""
        errors = []
        for array, is_spike, kept in zip(self.arrays, self.is_spike, kept_channels):
            seen = numpy.where(kept, 0, numpy.abs(array))  # what scales look at
            by_token = seen.max(1, keepdims=True)
            seen = numpy.where((is_spike & keeps_tokens)[:, None], 0, seen)
            largest = {"per_tensor": seen.max(), "per_token": by_token, "per_channel": seen.max(0)}[scale]
            lost = numpy.where(kept, 0, array - self.rounded(array, largest / (2 ** (BITS - 1) - 1)))
            shares = numpy.linalg.norm(lost, axis=1) / numpy.linalg.norm(array, axis=1)
            errors += shares[~is_spike].tolist()
        return mean(errors)

    @staticmethod
    def rounded(array, steps):
        """To the nearest multiple of a step; a step of zero leaves nothing."""
        steps = numpy.broadcast_to(steps, array.shape)
        return numpy.where(steps > 0, steps * numpy.round(array / numpy.where(steps > 0, steps, 1)), 0)

    def listed_channels(self):
        entries = []
        for channel in range(self.arrays[0].shape[1]):
            share = mean([float(outliers[channel]) for outliers in self.outliers])
            largest = float(max(numpy.abs(array[:, channel]).max() for array in self.arrays))
            entries.append({"channel": channel, "share_of_sequences": share, "largest": largest})
        kept = [entry for entry in entries if entry["share_of_sequences"] >= LEAST_SHARE]
        return by_count(kept, lambda entry: (entry["share_of_sequences"], entry["largest"]))

    def largest(self, spike):
        rows = [array[mask if spike else ~mask] for array, mask in zip(self.arrays, self.is_spike)]
        return number(max((float(numpy.abs(row).max()) for row in rows if row.size), default=None))

    def entry(self):
        return self.place | {
            "width": self.arrays[0].shape[1],
            "largest": {"spike": self.largest(True), "ordinary": self.largest(False)},
            "errors": self.errors,
            "channels": self.channels,
        }

    def worth_keeping(self):
        """What makes the error of a scale a tensor `LEAST_GAIN` times smaller; None where nothing does."""
        errors = self.errors["per_tensor"]
        tokens = errors["plain"] / errors["spike_tokens"] >= LEAST_GAIN
        so_far = errors["spike_tokens" if tokens else "plain"]
        further = errors["both" if tokens else "channels"]
        channels = [entry["channel"] for entry in self.channels if entry["share_of_sequences"] >= 0.5]
        channels = channels if so_far / further >= LEAST_GAIN else []
        if not tokens and not channels:
            return None
        gain = errors["plain"] / (further if channels else so_far)
        return self.place | {"gain": gain, "spike_tokens": tokens, "channels": channels}


def linear_inputs(run):
    inputs = []
    for layer in range(run.model.n_layers):
        for point, reads, field in (
            ("attn.hook_in", "attention", "attention_in"),
            ("attn.hook_z", "attention_output", "z"),
            ("mlp.hook_in", "feed_forward", "mlp_in"),
            ("mlp.hook_post", "feed_forward_output", "post"),
        ):
            name = f"blocks.{layer}.{point}"
            inputs.append(LinearInput(run, name, layer, reads, lambda t, l=layer, f=field: getattr(t.layers[l], f)))
    return inputs + [LinearInput(run, "unembed.hook_in", None, "unembedding", lambda trace: trace.unembedded)]


def quantisation(run):
    inputs = linear_inputs(run)
    keep = [kept for kept in (tensor.worth_keeping() for tensor in inputs) if kept]
    return {
        "definition": Given(),
        "options": {"bits": BITS, "outlier_ratio": OUTLIER_RATIO, "least_gain": LEAST_GAIN},
        "tokens": len(run.tokens),
        "spike_tokens": len(run.spikes),
        "inputs": [tensor.entry() for tensor in inputs],
        "keep": by_count(keep, lambda kept: kept["gain"]),
    }
