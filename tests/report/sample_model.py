"""What the sections of an invented report share."""


def significant(value, digits=5):
    return float(f"{value:.{digits}g}")


def block_fields(block):
    return {
        "block": block,
        "layer": (block - 1) // 2,
        "kind": "attention" if block % 2 else "feed_forward",
    }


class Model:
    """`model` has what make_report was given and worked out: see there."""

    def __init__(self, rng, **model):
        self.rng = rng
        self.__dict__.update(model)

    @property
    def spikes(self):
        return bool(self.channels)

    @property
    def away(self):
        """Spike tokens beyond position 0."""
        return 2 if self.spikes and self.length > 2 else 0

    def near(self, value, spread=0.02):
        return significant(value + self.rng.gauss(0, spread))

    def every_head(self):
        return [(layer, head) for layer in range(self.layers) for head in range(self.heads)]

    def feed_forward_blocks(self):
        return range(2, 2 * self.layers + 1, 2)
