"""A Llama model as the formulas have it, in float64, that keeps all it computes."""

import json
import math
import struct
from dataclasses import dataclass, field
from pathlib import Path

import numpy

DTYPES = {"F32": numpy.float32, "F64": numpy.float64}


def read_tensors(file):
    """The tensors of a safetensors file, in float64."""
    content = Path(file).read_bytes()
    (size,) = struct.unpack_from("<Q", content)
    header, data = json.loads(content[8 : 8 + size]), content[8 + size :]
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        first, last = entry["data_offsets"]
        values = numpy.frombuffer(data[first:last], DTYPES[entry["dtype"]])
        tensors[name] = values.reshape(entry["shape"]).astype(numpy.float64)
    return tensors


def silu(x):
    return x / (1 + numpy.exp(-x))


def softmax(x):
    raised = numpy.exp(x - x.max())
    return raised / raised.sum()


@dataclass
class LayerTrace:
    """What one layer computes of a sequence of T tokens."""

    attention_normed: numpy.ndarray = None  # [T, d_model], without the norm's learned scale
    attention_in: numpy.ndarray = None  # with it
    q: numpy.ndarray = None  # [T, heads, d_head], turned by RoPE
    k: numpy.ndarray = None  # [T, key heads, d_head], likewise
    v: numpy.ndarray = None  # [T, key heads, d_head]
    scores: numpy.ndarray = None  # [heads, T, T], scaled, of all pairs
    pattern: numpy.ndarray = None  # [heads, T, T]
    z: numpy.ndarray = None  # [T, heads * d_head]
    mlp_normed: numpy.ndarray = None  # [T, d_model], without the norm's learned scale
    mlp_in: numpy.ndarray = None  # with it
    gate: numpy.ndarray = None  # [T, d_mlp], what the activation reads
    activated: numpy.ndarray = None  # what it gives
    up: numpy.ndarray = None
    post: numpy.ndarray = None  # activated * up


@dataclass
class Trace:
    """What the model computes of a sequence."""

    ids: list
    states: list = field(default_factory=list)  # [T, d_model]: the embedding, then after each block
    outputs: list = field(default_factory=list)  # [T, d_model]: what each block adds
    layers: list = field(default_factory=list)
    final_scale: numpy.ndarray = None  # [T, 1], what the last norm divides by
    final_normed: numpy.ndarray = None  # [T, d_model], without the norm's learned scale
    unembedded: numpy.ndarray = None  # with it
    logits: numpy.ndarray = None  # [T, vocabulary]


class TinyLlama:
    def __init__(self, folder):
        folder = Path(folder)
        self.config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        self.tensors = {}
        for file in sorted(folder.glob("*.safetensors")):
            if file.name.startswith("model"):
                self.tensors |= read_tensors(file)
        self.n_layers = self.config["num_hidden_layers"]
        self.heads, self.key_heads = self.config["num_attention_heads"], self.config["num_key_value_heads"]
        self.d_model, self.d_head = self.config["hidden_size"], self.config["head_dim"]
        self.d_vocabulary = self.config["vocab_size"]

    def of_layer(self, layer, name):
        return self.tensors[f"model.layers.{layer}.{name}"]

    @property
    def embedding(self):
        return self.tensors["model.embed_tokens.weight"]

    def linear(self, layer, name, x):
        y = x @ self.of_layer(layer, f"{name}.weight").T
        bias = self.tensors.get(f"model.layers.{layer}.{name}.bias")
        return y if bias is None else y + bias

    def scale(self, x):
        return numpy.sqrt((x**2).mean(1, keepdims=True) + self.config["rms_norm_eps"])

    def normed(self, x):
        return x / self.scale(x)

    def frequencies(self):
        """Radians a position, of each pair of channels."""
        rope = self.config["rope_parameters"]
        steps = rope["rope_theta"] ** (-numpy.arange(0, self.d_head, 2) / self.d_head)
        if rope["rope_type"] == "default":
            return steps
        return numpy.array([self.llama3_frequency(step, rope) for step in steps])

    @staticmethod
    def llama3_frequency(step, rope):
        """Slow turns are slowed further, fast ones left, those between blended."""
        turns = rope["original_max_position_embeddings"] * step / (2 * math.pi)
        low, high = rope["low_freq_factor"], rope["high_freq_factor"]
        share = min(1, max(0, (turns - low) / (high - low)))
        return step * ((1 - share) / rope["factor"] + share)

    def turned(self, x):
        """RoPE of x [T, heads, d_head]; channel c is paired with c + d_head / 2."""
        result, half = numpy.empty_like(x), self.d_head // 2
        for position in range(len(x)):
            cosine, sine = numpy.cos(position * self.frequencies()), numpy.sin(position * self.frequencies())
            first, second = x[position, :, :half], x[position, :, half:]
            result[position, :, :half] = first * cosine - second * sine
            result[position, :, half:] = second * cosine + first * sine
        return result

    def attention(self, layer, state, trace):
        length = len(state)
        trace.attention_normed = self.normed(state)
        trace.attention_in = trace.attention_normed * self.of_layer(layer, "input_layernorm.weight")
        q, k, v = (self.linear(layer, f"self_attn.{name}_proj", trace.attention_in) for name in "qkv")
        trace.q = self.turned(q.reshape(length, self.heads, self.d_head))
        trace.k = self.turned(k.reshape(length, self.key_heads, self.d_head))
        trace.v = v.reshape(length, self.key_heads, self.d_head)
        trace.scores = numpy.zeros((self.heads, length, length))
        trace.pattern = numpy.zeros((self.heads, length, length))
        z = numpy.zeros((length, self.heads, self.d_head))
        for head in range(self.heads):
            key_head = head * self.key_heads // self.heads
            trace.scores[head] = trace.q[:, head] @ trace.k[:, key_head].T / math.sqrt(self.d_head)
            for query in range(length):
                trace.pattern[head, query, : query + 1] = softmax(trace.scores[head, query, : query + 1])
            z[:, head] = trace.pattern[head] @ trace.v[:, key_head]
        trace.z = z.reshape(length, -1)
        return self.linear(layer, "self_attn.o_proj", trace.z)

    def feed_forward(self, layer, state, trace):
        trace.mlp_normed = self.normed(state)
        trace.mlp_in = trace.mlp_normed * self.of_layer(layer, "post_attention_layernorm.weight")
        trace.gate = self.linear(layer, "mlp.gate_proj", trace.mlp_in)
        trace.activated = silu(trace.gate)
        trace.up = self.linear(layer, "mlp.up_proj", trace.mlp_in)
        trace.post = trace.activated * trace.up
        return self.linear(layer, "mlp.down_proj", trace.post)

    def __call__(self, ids):
        trace = Trace(list(ids))
        trace.states.append(self.embedding[trace.ids])
        for layer in range(self.n_layers):
            trace.layers.append(LayerTrace())
            for block in (self.attention, self.feed_forward):
                trace.outputs.append(block(layer, trace.states[-1], trace.layers[-1]))
                trace.states.append(trace.states[-1] + trace.outputs[-1])
        trace.final_scale = self.scale(trace.states[-1])
        trace.final_normed = self.normed(trace.states[-1])
        trace.unembedded = trace.final_normed * self.tensors["model.norm.weight"]
        unembedding = self.embedding if self.config["tie_word_embeddings"] else self.tensors["lm_head.weight"]
        trace.logits = trace.unembedded @ unembedding.T
        return trace
