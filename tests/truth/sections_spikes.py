"""life_cycle, massive_activations, spike_tokens and state_picture, from the states themselves."""

import numpy

from claims import Given, Near, digits, number
from text_run import (
    LEAST_MAGNITUDE,
    LEAST_RATIO,
    MOST_TOKENS,
    block_entry,
    by_count,
    deviation,
    lower_median,
    mean,
    token_entry,
)

STEP_SHARE, STEP_RATIO = 0.25, 100.0
TOP = 3
MEDIAN_WITHIN = 0.008  # as the documentation has it
MOST_PAIRS, PAIRED = 10, 4
PICTURE_TOKENS, PICTURE_COLUMNS = 96, 576


class State:
    """What life_cycle says of one state of all sequences."""

    def __init__(self, arrays):
        # The scan reads float32, so that places of equal magnitude are equal there too.
        read = [numpy.abs(array).astype(numpy.float32).astype(float) for array in arrays]
        finite = numpy.concatenate([array[numpy.isfinite(array)] for array in read])
        self.not_finite = sum(array.size for array in read) - len(finite)
        self.magnitudes = [numpy.where(numpy.isfinite(array), array, 0) for array in read]
        self.maxima = numpy.max([array.max(0) for array in self.magnitudes], axis=0)
        self.median = lower_median(finite)

    def peak(self, channel):
        for sequence, array in enumerate(self.magnitudes):
            for position, row in enumerate(array):
                if row[channel] == self.maxima[channel]:
                    magnitude = float(row[channel])
                    return {"channel": channel, "magnitude": magnitude, "sequence": sequence, "position": position}
        raise ValueError("no place has the maximum")

    def top(self):
        channels = sorted(range(len(self.maxima)), key=lambda channel: (-self.maxima[channel], channel))
        return [self.peak(channel) for channel in channels[:TOP]]

    def summary(self):
        median = Near(self.median, MEDIAN_WITHIN)
        return {"top": self.top(), "median": median, "not_finite": self.not_finite}

    def is_spike(self, channel, ratio):
        return self.maxima[channel] > LEAST_MAGNITUDE and self.maxima[channel] >= ratio * self.median


class LifeCycle:
    def __init__(self, run):
        self.run = run
        self.states = [State([trace.states[b] for trace in run.traces]) for b in (0, *run.blocks)]
        self.outputs = [State([trace.outputs[b - 1] for trace in run.traces]) for b in run.blocks]
        self.spike_channels = self.find_spike_channels()
        self.step_up = [b for b in run.blocks if self.is_step(b - 1, b)]
        self.step_down = [b for b in run.blocks if self.is_step(b, b - 1)]
        self.episodes = self.find_episodes()

    def find_spike_channels(self):
        heights = {}
        for state in self.states[1:]:
            for channel, height in enumerate(state.maxima):
                if state.is_spike(channel, LEAST_RATIO):
                    heights[channel] = max(heights.get(channel, 0), height)
        return by_count(sorted(heights), heights.get)

    def is_step(self, low, high):
        """Whether a spike channel stands much higher after block `high` than after block `low`."""
        low, high = self.states[low].maxima, self.states[high]
        return any(
            high.is_spike(channel, STEP_RATIO)
            and high.maxima[channel] - low[channel] >= STEP_SHARE * high.maxima[channel]
            for channel in self.spike_channels
        )

    def find_episodes(self):
        """(first, last) of each."""
        episodes = []
        for b in self.run.blocks:
            if not any(self.states[b].is_spike(channel, STEP_RATIO) for channel in self.spike_channels):
                continue
            if episodes and episodes[-1][1] == b - 1:
                episodes[-1] = (episodes[-1][0], b)
            else:
                episodes.append((b, b))
        return episodes

    def episode_entry(self, first, last):
        peaks = [self.states[b].top()[0] for b in range(first, last + 1)]
        return {"first": first, "last": last, "peak": max(peaks, key=lambda peak: peak["magnitude"])}

    def step_entry(self, block, sign):
        before, after = self.states[block - 1].maxima, self.states[block].maxima
        channel = max(self.spike_channels, key=lambda channel: sign * (after[channel] - before[channel]))
        high = block if sign > 0 else block - 1
        around = [range(a, b + 1) for a, b in self.episodes if a <= high <= b] or [self.run.blocks]
        largest = max(self.states[b].maxima[channel] for b in around[0])
        return block_entry(block) | {
            "channel": channel,
            "before": float(before[channel]),
            "after": float(after[channel]),
            "share": float(sign * (after[channel] - before[channel]) / largest),
        }

    def steps(self):
        steps = [self.step_entry(b, 1) for b in self.step_up] + [self.step_entry(b, -1) for b in self.step_down]
        return sorted(steps, key=lambda step: step["block"])

    def birth(self):
        """The block of the greatest step up, or else the first with a spike; None without."""
        rises = [step for step in self.steps() if step["after"] > step["before"]]
        if rises:
            return max(rises, key=lambda step: step["after"] - step["before"])["block"]
        return self.episodes[0][0] if self.episodes else None

    def course(self, channel):
        return {
            "channel": channel,
            "hidden_state": [float(state.maxima[channel]) for state in self.states],
            "output": [float(state.maxima[channel]) for state in self.outputs],
        }

    def block(self, b):
        parts = {"hidden_state": self.states[b].summary(), "output": self.outputs[b - 1].summary()}
        return block_entry(b) | parts

    def section(self):
        options = {"least_magnitude": LEAST_MAGNITUDE, "least_ratio": LEAST_RATIO}
        return {
            "definition": Given(),
            "options": options | {"step_share": STEP_SHARE, "step_ratio": STEP_RATIO},
            "embedding": self.states[0].summary(),
            "blocks": [self.block(b) for b in self.run.blocks],
            "step_up": self.step_up,
            "step_down": self.step_down,
            "spike_channels": self.spike_channels,
            "episodes": [self.episode_entry(*episode) for episode in self.episodes],
            "steps": self.steps(),
            "courses": [self.course(channel) for channel in self.spike_channels],
        }


def life_cycle(run):
    return LifeCycle(run).section()


def ratio_entry(pair, ratios):
    entry = {"channel": pair[0], "reference": pair[1], "mean": float(mean(ratios))}
    return entry | {"standard_deviation": float(deviation(ratios)), "count": len(ratios)}


def values_by_channel(massive):
    """{channel: [(position, value)]} in the order of the text."""
    found = {}
    for (_, position), values in massive.items():
        for channel, value in values.items():
            found.setdefault(channel, []).append((position, float(value)))
    return dict(sorted(found.items()))


def massive_channel(channel, places):
    values = [value for _, value in places]
    start = [value for position, value in places if position == 0]
    elsewhere = [value for position, value in places if position > 0]
    return {
        "channel": channel,
        "mean": mean(values),
        "count": len(values),
        "standard_deviation": deviation(values),
        "largest": max(map(abs, values)),
        "mean_at_start": number(mean(start)),
        "count_at_start": len(start),
        "mean_elsewhere": number(mean(elsewhere)),
        "count_elsewhere": len(elsewhere),
    }


def massive_tokens(run, massive):
    counts = {}
    for sequence, position in massive:
        key = (run.traces[sequence].ids[position], position == 0)
        counts[key] = counts.get(key, 0) + 1
    listed = by_count(sorted(counts), counts.get)[:MOST_TOKENS]
    return [token_entry(id) | {"at_start": start, "count": counts[id, start]} for id, start in listed]


def massive_positions(massive):
    positions = sorted({position for _, position in massive})
    return [{"position": p, "count": sum(position == p for _, position in massive)} for p in positions]


def massive_ratios(massive):
    """Of each massive channel to the token's largest."""
    ratios = {}
    for values in massive.values():
        reference = max(values, key=lambda channel: abs(values[channel]))
        for channel in values.keys() - {reference}:
            ratios.setdefault((channel, reference), []).append(values[channel] / values[reference])
    pairs = by_count(sorted(ratios), lambda pair: len(ratios[pair]))
    return [ratio_entry(pair, ratios[pair]) for pair in pairs]


def massive_block(run, block):
    massive = run.massive[block]
    channels = values_by_channel(massive)
    order = by_count(channels, lambda channel: len(channels[channel]))
    return block_entry(block) | {
        "token_count": len(massive),
        "channels": [massive_channel(channel, channels[channel]) for channel in order],
        "tokens": massive_tokens(run, massive),
        "positions": massive_positions(massive),
        "ratios": massive_ratios(massive),
    }


def massive_activations(run):
    largest = {}
    for massive in run.massive.values():
        for values in massive.values():
            for channel, value in values.items():
                largest[channel] = max(largest.get(channel, 0), abs(value))
    return {
        "definition": Given(),
        "options": {"least_magnitude": LEAST_MAGNITUDE, "least_ratio": LEAST_RATIO},
        "channels": by_count(sorted(largest), largest.get),
        "blocks": [massive_block(run, block) for block in run.blocks if run.massive[block]],
    }


def channel_pairs(massive):
    """The ratios of each two of a token's largest massive channels, to the one whose mean is larger in all."""
    channels = values_by_channel(massive)
    heights = {channel: abs(mean([value for _, value in places])) for channel, places in channels.items()}
    ratios = {}
    for values in massive.values():
        paired = sorted(by_count(sorted(values), lambda channel: abs(values[channel]))[:PAIRED])
        for index, first in enumerate(paired):
            for second in paired[index + 1 :]:
                ratios.setdefault((first, second), []).append((values[first], values[second]))
    entries = []
    for first, second in by_count(sorted(ratios), lambda pair: len(ratios[pair])):
        flipped = heights[second] > heights[first]
        pair = (first, second) if flipped else (second, first)
        entries.append(ratio_entry(pair, [a / b if flipped else b / a for a, b in ratios[first, second]]))
    return entries[:MOST_PAIRS]


def spike_state(massive, block):
    channels = values_by_channel(massive)
    entries = []
    for channel in by_count(channels, lambda channel: len(channels[channel])):
        values = [value for _, value in channels[channel]]
        entry = {"channel": channel, "count": len(values), "mean": mean(values)}
        entries.append(entry | {"standard_deviation": deviation(values)})
    return block_entry(block) | {"tokens": len(massive), "channels": entries, "pairs": channel_pairs(massive)}


def spiking_token(run, id):
    places = [(s, p) for s, p, other in run.tokens if other == id]
    spiking = [place for place in places if place in run.spikes]
    largest = [
        max(abs(value) for value in run.massive[block][place].values())
        for block in run.blocks
        for place in spiking
        if place in run.massive[block]
    ]
    return token_entry(id) | {
        "spiking": len(spiking),
        "seen": len(places),
        "spiking_first": sum(p == 0 for _, p in spiking),
        "seen_first": sum(p == 0 for _, p in places),
        "largest": float(max(largest)),
    }


def spike_tokens(run):
    ids = sorted({run.traces[s].ids[p] for s, p in run.spikes})
    tokens = by_count([spiking_token(run, id) for id in ids], lambda token: token["spiking"])
    positions = sorted({p for _, p in run.spikes})
    return {
        "definition": Given(),
        "tokens": len(run.tokens),
        "spiking": len(run.spikes),
        "spiking_entries": len(ids),
        "states": [spike_state(run.massive[block], block) for block in run.blocks],
        "by_token": tokens[:MOST_TOKENS],
        "by_position": [
            {
                "position": position,
                "spiking": sum(p == position for _, p in run.spikes),
                "seen": sum(len(trace.ids) > position for trace in run.traces),
            }
            for position in positions
        ],
    }


def state_picture(run):
    """|h| of the sequence with the largest magnitude, after the block where that is."""
    heights = [max(numpy.abs(trace.states[block]).max() for trace in run.traces) for block in run.blocks]
    block = run.blocks[int(numpy.argmax(heights))]
    peak = State([trace.states[block] for trace in run.traces]).top()[0]
    trace = run.traces[peak["sequence"]]
    end = min(len(trace.ids), max(PICTURE_TOKENS, peak["position"] + 1))
    positions = range(max(0, end - PICTURE_TOKENS), end)
    width = run.model.d_model
    columns = min(PICTURE_COLUMNS, width)
    edges = [(c * width // columns, (c + 1) * width // columns - 1) for c in range(columns)]
    magnitudes = numpy.abs(trace.states[block])
    return block_entry(block) | {
        "sequence": peak["sequence"],
        "tokens": [token_entry(trace.ids[p]) | {"position": p} for p in positions],
        "channels": [list(edge) for edge in edges],
        "magnitudes": [[digits(magnitudes[p, a : b + 1].max()) for a, b in edges] for p in positions],
    }
