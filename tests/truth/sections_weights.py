"""quadratic_form, first_norm and vocabulary_probe: whole matrices U_k, and every vocabulary entry on its own."""

import math
import statistics

import numpy

from claims import Given, digits, number
from sections_spikes import LifeCycle
from text_run import (
    LEAST_MAGNITUDE,
    MOST_TOKENS,
    block_entry,
    by_count,
    cosine,
    deviation,
    lower_median,
    mean,
    percentile,
    quantile,
    token_entry,
)

FALSE_ALARMS, LEAST_DOMINANCE = 0.01, 0.70710678
STEP_SHARE, STEP_RATIO, LEAST_RATIO = 0.25, 100.0, 1000.0  # of the life cycle
MOST_OUTLIERS, MOST_CHANNELS, SPECTRUM, SUPER_WEIGHTS = 8, 10, 32, 3
LEAST_SHARE = 0.5  # of a spike, of an entry that spikes
PREFIX, LATER_ENTRIES = 4, 4096
BINS_OF_OCTAVE = 4


def deviations(model):
    """The number of standard deviations that normal log norms exceed anywhere in the model with this probability."""
    return statistics.NormalDist().inv_cdf(1 - FALSE_ALARMS / (model.n_layers * model.d_model))


class ChannelForm:
    """U_k = sum_i W_down[k, i] W_gate[i] W_up[i]^T, the norm's scale folded in, and what follows of it."""

    def __init__(self, layer_form, channel):
        self.channel = channel
        self.down, gate, up = layer_form.down[channel], layer_form.gate, layer_form.up
        form = sum(weight * numpy.outer(g, p) for weight, g, p in zip(self.down, gate, up))
        self.norm = float(numpy.linalg.norm(form))
        self.symmetric = (form + form.T) / 2
        self.layer_form = layer_form

    def decompose(self):
        values, vectors = numpy.linalg.eigh(self.symmetric)
        order = numpy.argsort(-numpy.abs(values))
        self.spectrum = values[order][:SPECTRUM]
        self.eigenvalue, self.trigger = float(values[order[0]]), vectors[:, order[0]]
        self.dominance = abs(self.eigenvalue) / float(numpy.linalg.norm(self.symmetric))
        readings = self.layer_form.gate @ self.trigger
        self.shares = self.down * readings * (self.layer_form.up @ self.trigger) / self.eigenvalue
        if (self.shares * readings).sum() < 0:
            self.trigger = -self.trigger
        return self

    @property
    def carrying_units(self):
        return [int(unit) for unit in numpy.argsort(-self.shares)[:SUPER_WEIGHTS]]

    def super_weight(self, unit):
        entry = {"row": self.channel, "column": unit, "weight": float(self.down[unit]), "share": float(self.shares[unit])}
        alike = self.layer_form.row_cosine(unit)
        return entry | {
            "gate_up_cosine": alike,
            "gate_up_percentile": percentile(alike, self.layer_form.other_cosines()),
        }

    def max_added(self):
        return abs(self.eigenvalue) * len(self.trigger)

    def short_entry(self):
        return {"channel": self.channel, "frobenius_norm": self.norm, "leading_eigenvalue": None}

    def entry(self):
        return self.short_entry() | {
            "leading_eigenvalue": self.eigenvalue,
            "dominance": self.dominance,
            "max_added": self.max_added(),
            "spectrum": [digits(value, 1e-9 * self.norm) for value in self.spectrum],
            "super_weights": [self.super_weight(unit) for unit in self.carrying_units],
        }


class LayerForm:
    def __init__(self, model, layer):
        scale = model.of_layer(layer, "post_attention_layernorm.weight")
        self.block = 2 * layer + 2
        self.gate = model.of_layer(layer, "mlp.gate_proj.weight") * scale
        self.up = model.of_layer(layer, "mlp.up_proj.weight") * scale
        self.down = model.of_layer(layer, "mlp.down_proj.weight")
        self.has_biases = f"model.layers.{layer}.mlp.up_proj.bias" in model.tensors
        self.forms = [ChannelForm(self, channel) for channel in range(model.d_model)]
        self.median = lower_median([form.norm for form in self.forms])
        self.order = by_count(self.forms, lambda form: form.norm)
        self.outlier_norm = self.limit(deviations(model))
        loud = [form for form in self.order if form.norm >= self.outlier_norm]
        self.outliers = [form.decompose() for form in loud[:MOST_OUTLIERS]]
        others = [form for form in self.forms if form not in loud]
        nearest = sorted(others, key=lambda form: abs(form.norm - self.median))
        self.controls = [form.decompose() for form in nearest[:1]] if loud else []

    def limit(self, deviations):
        """The smallest norm of an outlier: so many robust deviations of the logarithms above their median."""
        logs = numpy.log([form.norm for form in self.forms if form.norm > 0])
        middle = lower_median(logs)
        deviation = 1.4826 * lower_median(abs(logs - middle))
        return float(numpy.exp(middle + deviations * deviation))

    def row_cosine(self, unit):
        """How collinear the rows of gate and up are."""
        return abs(cosine(self.gate[unit], self.up[unit]))

    def other_cosines(self):
        """Of the hidden units that carry no outlier."""
        carrying = {unit for form in self.outliers for unit in form.carrying_units}
        return [self.row_cosine(unit) for unit in range(len(self.gate)) if unit not in carrying]

    def other_units(self):
        cosines = self.other_cosines()
        percents = {"low": 1, "median": 50, "high": 99, "largest": 100}
        return {"units": len(cosines)} | {name: quantile(cosines, percent) for name, percent in percents.items()}

    def entry(self):
        short = [form.short_entry() for form in self.order if form not in self.outliers]
        channels = [form.entry() for form in self.outliers] + short
        return block_entry(self.block) | {
            "gated": True,
            "normed_before": True,
            "normed_after": False,
            "has_biases": self.has_biases,
            "median_norm": self.median,
            "outlier_norm": self.outlier_norm,
            "stream_median": self.stream_median,
            "channels": channels[:MOST_CHANNELS],
            "controls": [form.entry() for form in self.controls],
            "norms": [digits(form.norm) for form in self.forms],
        } | ({"other_units": self.other_units()} if self.outliers else {})


class Weights:
    """The forms of all layers."""

    def __init__(self, model):
        self.layers = [LayerForm(model, layer) for layer in range(model.n_layers)]
        moments = (model.tensors["model.embed_tokens.weight"] ** 2).mean(0)
        for layer in self.layers:
            moments = moments + [form.norm**2 for form in layer.forms]
            layer.stream_median = statistics.NormalDist().inv_cdf(0.75) * math.sqrt(lower_median(moments))
        self.outliers = [(layer.block, form) for layer in self.layers for form in layer.outliers]
        self.d_model = model.d_model

    def triggers(self):
        cosines = [[digits(abs(float(a.trigger @ b.trigger))) for _, b in self.outliers] for _, a in self.outliers]
        places = [{"block": block, "channel": form.channel} for block, form in self.outliers]
        return {"places": places, "cosines": cosines}

    def course(self, channel):
        """The steps of a channel, in a token that is aligned with every trigger; none if it cannot spike."""
        magnitude, sign, spikes, steps = 0.0, None, False, []
        for layer in self.layers:
            for form in layer.outliers:
                if form.channel != channel or form.dominance <= LEAST_DOMINANCE:
                    continue
                added, positive, before = form.max_added(), form.eigenvalue > 0, magnitude
                sign = positive if before == 0 else sign
                magnitude = before + added if positive == sign else max(0.0, before - added)
                larger, median = max(before, magnitude), layer.stream_median
                spikes |= added > LEAST_MAGNITUDE and added >= LEAST_RATIO * median
                is_large = larger > LEAST_MAGNITUDE and larger >= STEP_RATIO * median
                if is_large and abs(magnitude - before) >= STEP_SHARE * larger:
                    entry = {"channel": channel, "up": positive == sign, "eigenvalue": form.eigenvalue}
                    steps.append(block_entry(layer.block) | entry | {"max_added": added})
        return steps if spikes else []

    def steps(self):
        channels = sorted({form.channel for _, form in self.outliers})
        steps = [step for channel in channels for step in self.course(channel)]
        return sorted(steps, key=lambda step: (step["block"], -step["max_added"]))

    def prediction(self):
        steps = self.steps()
        heights = {}
        for step in steps:
            if step["up"]:
                heights[step["channel"]] = heights.get(step["channel"], 0) + step["max_added"]
        return {
            "rule": Given(),
            "spike_channels": by_count(sorted(heights), heights.get),
            "step_up": sorted({step["block"] for step in steps if step["up"]}),
            "step_down": sorted({step["block"] for step in steps if not step["up"]}),
            "steps": steps,
        }

    def trigger_of(self, block):
        for number, form in self.outliers:
            if number == block:
                return form.trigger
        return None


def agreement(predicted, measured):
    predicted, measured = set(predicted), set(measured)
    return {
        "both": sorted(predicted & measured),
        "predicted_alone": sorted(predicted - measured),
        "measured_alone": sorted(measured - predicted),
    }


def comparison(prediction, life):
    entries = {"definition": Given(), "spike_channels": agreement(prediction["spike_channels"], life.spike_channels)}
    for name, measured in (("step_up", life.step_up), ("step_down", life.step_down)):
        entries[name] = agreement(prediction[name], [block for block in measured if block % 2 == 0])
    return entries


def fit_entry(measured, predicted):
    measured, predicted = numpy.array(measured), numpy.array(predicted)
    spread = ((measured - measured.mean()) ** 2).sum()
    squares = (predicted**2).sum()
    largest = [float(max(values, key=abs)) for values in (measured, predicted)]
    return {
        "r_squared": number(1 - ((measured - predicted) ** 2).sum() / spread),
        "slope": number((measured * predicted).sum() / squares) if squares > 0 else None,
        "largest_measured": largest[0],
        "largest_predicted": largest[1],
    }


def channel_fit(run, block, form):
    measured, leading, opened, full = [], [], [], []
    for s, p, _ in run.tokens:
        layer = run.traces[s].layers[block // 2 - 1]
        along = float(form.trigger @ layer.mlp_normed[p])
        measured.append(float(form.down @ layer.post[p]))
        leading.append(form.eigenvalue * along**2)
        opened.append(form.eigenvalue * max(along, 0) ** 2)
        full.append(float(form.down @ (layer.gate[p] * layer.up[p])))
    fits = {"leading": leading, "open": opened, "full": full}
    entry = block_entry(block) | {"channel": form.channel, "tokens": len(measured)}
    return entry | {name: fit_entry(measured, predicted) for name, predicted in fits.items()}


def quadratic_form(run):
    weights = Weights(run.model)
    prediction = weights.prediction()
    fits = [channel_fit(run, block, form) for block, form in weights.outliers]
    return {
        "definition": Given(),
        "options": {"outlier_deviations": deviations(run.model), "least_dominance": LEAST_DOMINANCE},
        "blocks": [layer.entry() for layer in weights.layers],
        "triggers": weights.triggers(),
        "prediction": prediction,
        "comparison": comparison(prediction, LifeCycle(run)),
        "fit": {"definition": Given(), "channels": fits},
    }


class FirstNorm:
    """Every vocabulary entry after the first norm, with its scale."""

    def __init__(self, run):
        scale = run.model.of_layer(0, "input_layernorm.weight")
        embedding = run.model.embedding
        self.values = {
            "l2_norm": numpy.linalg.norm(run.model.normed(embedding) * scale, axis=1),
            "cosine": numpy.array([cosine(row, scale) for row in embedding]),
        }
        self.groups = {
            "delimiter": set(run.delimiters),
            "first": {trace.ids[0] for trace in run.traces},
            "spike": {run.traces[s].ids[p] for s, p in run.spikes if p > 0},
        }

    def group_entry(self, ids):
        medians = {name: lower_median(values[sorted(ids)]) if ids else None for name, values in self.values.items()}
        ratio = medians["l2_norm"] / lower_median(self.values["l2_norm"]) if ids else None
        return {"entries": len(ids), "l2_norm_ratio": ratio} | medians

    def token(self, id):
        entry = token_entry(id) | {"groups": [name for name, ids in self.groups.items() if id in ids]}
        for name, values in self.values.items():
            entry |= {name: float(values[id]), f"{name}_percentile": percentile(values[id], values)}
        return entry

    def section(self):
        return {
            "definition": Given(),
            "norm": "blocks.0.ln1",
            "groups": {name: self.group_entry(ids) for name, ids in self.groups.items()},
            "tokens": [self.token(id) for id in sorted(set().union(*self.groups.values()))],
        } | {
            f"{name}_deciles": [quantile(values, 10 * tenth) for tenth in range(11)]
            for name, values in self.values.items()
        }


def first_norm(run):
    return FirstNorm(run).section()


class Probe:
    """Vocabulary entries after a prefix, judged after a block."""

    def __init__(self, run, block, prefix, ids):
        self.block, self.prefix, self.ids = block, prefix, ids
        self.trigger = Weights(run.model).trigger_of(block)
        self.spike = LifeCycle(run).states[block].top()[0]["magnitude"]
        self.traces = [run.model([*prefix, id]) for id in ids]

    def row(self, id, trace):
        magnitudes = numpy.abs(trace.states[self.block][-1])
        height = float(magnitudes.max())
        spikes = height > LEAST_MAGNITUDE and height >= LEAST_SHARE * self.spike
        alike = None if self.trigger is None else cosine(self.trigger, trace.states[self.block - 1][-1])
        entry = token_entry(id) | {"magnitude": height, "channel": int(magnitudes.argmax())}
        return entry | {"cosine": alike, "spikes": bool(spikes)}

    def histogram(self, rows):
        bins = [math.floor(math.log2(row["magnitude"]) * BINS_OF_OCTAVE) for row in rows]
        return [
            {
                "from": digits(2 ** (number / BINS_OF_OCTAVE)),
                "to": digits(2 ** ((number + 1) / BINS_OF_OCTAVE)),
                "count": bins.count(number),
            }
            for number in sorted(set(bins))
        ]

    def spread(self, values):
        return {"mean": number(mean(values)), "standard_deviation": deviation(values)}

    def course(self):
        if self.trigger is None:
            return []
        entries = []
        for block in range(self.block):
            state = [cosine(self.trigger, trace.states[block][-1]) for trace in self.traces]
            output = [cosine(self.trigger, trace.outputs[block - 1][-1]) for trace in self.traces if block > 0]
            entries.append({"block": block, "state": self.spread(state), "output": self.spread(output)})
        return entries

    def section(self):
        rows = [self.row(id, trace) for id, trace in zip(self.ids, self.traces)]
        spiking = sum(row["spikes"] for row in rows)
        most_spike = 2 * spiking > len(rows)
        exceptions = sorted((r for r in rows if r["spikes"] != most_spike), key=lambda row: row["magnitude"])
        return block_entry(self.block) | {
            "position": len(self.prefix),
            "vocabulary": len(rows),
            "spiking": spiking,
            "percent": 100 * spiking / len(rows),
            "spike": self.spike,
            "definition": Given(),
            "options": {"least_share": LEAST_SHARE, "least_magnitude": LEAST_MAGNITUDE},
            "magnitudes": self.histogram(rows),
            "exception_count": len(exceptions),
            "exceptions": exceptions[:MOST_TOKENS],
            "course": self.course(),
        }


def vocabulary_probe(run):
    """None where the text shows no spike."""
    block = LifeCycle(run).birth()
    if block is None:
        return None
    ids = range(run.model.d_vocabulary)
    later = ids[:: max(1, len(ids) // LATER_ENTRIES)]
    prefix = run.traces[0].ids[:PREFIX]
    section = Probe(run, block, [], ids).section()
    return section | {"later": Probe(run, block, prefix, later).section()}
