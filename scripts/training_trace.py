#!/usr/bin/env python3
"""Writes references for the library's trainer: twenty training steps in PyTorch, OUT/<name>/.

Usage: training_trace.py [OUT [NAME...]]   (needs torch, transformers, safetensors)

OUT is tests/goldens/training. config.json and model.safetensors are the initial weights, with bfloat16 values, which are exact
in float32. trace.json has `train`, the settings under the names of TrainConfig; `ids` [steps, sequences, length + 1]; `loss` and
`gradient_norm`, before clipping, of each step; and `validation_loss`, that of the trained model on the first `length` of the first step's ids, all
predictions counted. Families that transformers has are transformers' own modules; the others are below, from the formulae of their
papers. Everything is computed in float32 on one thread, and again in float64. The script fails if the two differ by more than
a fraction of the test's tolerance, because then rounding alone could fail the test.
"""
import copy
import json
import math
import sys
import zlib
from pathlib import Path

import torch
import torch.nn.functional as F
import transformers
from float64 import float64
from safetensors.torch import save_file
from torch import nn

VOCABULARY, LENGTH, STEPS, SEQUENCES = 48, 24, 20, 8
ROUNDING = dict(loss=2e-6, norm=5e-5)  # maximum difference of float32 from float64; relative for norms

OPTIMIZER = dict(learning_rate=3e-3, min_rate_ratio=0.1, warm_up=5, beta1=0.9, beta2=0.95, epsilon=1e-8,
                 weight_decay=0.1, decay_vectors=True, clip=1.0)
TRAIN = dict(steps=STEPS, sequences=SEQUENCES, length=LENGTH - 1, skipped_predictions=0, optimizer=OPTIMIZER)


# -- models of transformers

TINY = dict(vocab_size=VOCABULARY, pad_token_id=None, bos_token_id=None, eos_token_id=None, hidden_size=16, intermediate_size=24,
            num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, head_dim=4, max_position_embeddings=LENGTH)
GPT2 = dict(vocab_size=VOCABULARY, bos_token_id=None, eos_token_id=None, n_positions=LENGTH, n_embd=16, n_inner=24, n_layer=2,
            n_head=4, resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0)
FAMILIES = {
    "llama": ("LlamaForCausalLM", TINY),
    "llama-bias": ("LlamaForCausalLM", TINY | dict(num_key_value_heads=4, attention_bias=True, mlp_bias=True)),
    "qwen3": ("Qwen3ForCausalLM", TINY | dict(tie_word_embeddings=True)),
    "olmo2": ("Olmo2ForCausalLM", {name: value for name, value in TINY.items() if name != "head_dim"}),
    "gpt2": ("GPT2LMHeadModel", GPT2),
    "gemma2": ("Gemma2ForCausalLM", TINY | dict(query_pre_attn_scalar=6, sliding_window=7, attn_logit_softcapping=2.0,
                                                final_logit_softcapping=5.0)),
}


class OfTransformers(nn.Module):
    def __init__(self, kind, options):
        super().__init__()
        kind = getattr(transformers, kind)
        config = kind.config_class(**copy.deepcopy(options))
        config._attn_implementation = "eager"
        self.model = kind(config)

    def forward(self, ids):
        return self.model(ids, use_cache=False).logits

    def save(self, folder):
        copy.deepcopy(self.model).to(torch.bfloat16).save_pretrained(folder)
        (folder / "generation_config.json").unlink(missing_ok=True)


# -- models that transformers does not have; parameters and settings have the library's names

MODEL = dict(n_layers=2, d_model=16, d_mlp=24, d_vocabulary=VOCABULARY, context=LENGTH, n_heads=4, n_key_value_heads=2, d_head=4,
             ropes=[dict(theta=10000.0)])


def gate(kind, width):
    return dict(gate=dict(input=kind, width=width))


OWN = {
    "conditional-channel": gate("hidden", "channel"),
    "conditional-head": gate("hidden", "head"),
    "conditional-token": gate("hidden", "token"),
    "constant-head": gate("constant", "head"),
    "position": gate("position", "channel"),
    "embedding": gate("embedding", "channel"),
    "softmax-plus-one": dict(attention_form="softmax-plus-one"),
    "sigmoid": dict(attention_form="sigmoid"),
    "softpick": dict(attention_form="softpick"),
    "sink-logits": dict(sink_logits=True),
    "key-value-bias": dict(learned_key_value=True),
    "dynamic-tanh": dict(norm=dict(kind="dynamic tanh")),
    "dynamic-tanh-final": dict(norm=dict(kind="dynamic tanh"), final_norm=dict(kind="dynamic tanh")),
    "sandwich-qk": dict(norm_placement="output", qk_norm="whole"),
    "sandwich-qk-norm": dict(norm_placement="sandwich", qk_norm="per head"),
    "linear": dict(feed_forward="linear"),
    "attention-only": dict(feed_forward="none"),
    "no-positions": dict(ropes=[]),
}


class Norm(nn.Module):
    """RMSNorm (arXiv 1910.07467) or DynamicTanh (2503.10622)."""

    def __init__(self, width, options=None):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(width))
        if options:
            self.alpha = nn.Parameter(torch.empty(1))

    def forward(self, x):
        if hasattr(self, "alpha"):
            return self.weight * torch.tanh(self.alpha * x)
        return self.weight * x / (x.pow(2).mean(-1, keepdim=True) + 1e-5) ** 0.5


class Gate(nn.Module):
    """Computes the logits of the gate factors (table 7 of the paper), [.., factors]."""

    def __init__(self, kind, factors, width):
        super().__init__()
        if kind in ("hidden", "embedding"):
            self.map = nn.Linear(width, factors, bias=False)
        else:
            self.logits = nn.Parameter(torch.empty((LENGTH, factors) if kind == "position" else factors))
        self.kind = kind

    def forward(self, x, embedded):
        if self.kind == "position":
            return self.logits[:x.shape[1]]
        return self.logits if self.kind == "constant" else self.map(x if self.kind == "hidden" else embedded)


class Attention(nn.Module):
    def __init__(self, heads, key_heads, width, model):
        super().__init__()
        d_model = model["d_model"]
        self.q, self.o = nn.Linear(d_model, heads * width, bias=False), nn.Linear(heads * width, d_model, bias=False)
        self.k, self.v = (nn.Linear(d_model, key_heads * width, bias=False) for _ in range(2))
        if "qk_norm" in model:
            of_all = model["qk_norm"] == "whole"
            self.q_norm, self.k_norm = (Norm(width * (count if of_all else 1)) for count in (heads, key_heads))
        if "learned_key_value" in model:
            self.bias_key, self.bias_value = (nn.Parameter(torch.empty(key_heads, width)) for _ in range(2))
        if "sink_logits" in model:
            self.sinks = nn.Parameter(torch.empty(heads))
        if "gate" in model:
            kind, of = model["gate"]["input"], model["gate"]["width"]
            self.gate = Gate(kind, {"channel": heads * width, "head": heads, "token": 1}[of], d_model)
        self.heads, self.key_heads, self.width = heads, key_heads, width
        self.thetas = [rope["theta"] for rope in model["ropes"]]
        self.form = model.get("attention_form", "softmax")
        self.smallest_first_score = math.inf

    def forward(self, x, embedded):
        rows, length, _ = x.shape
        q, k, v = (project(x).view(rows, length, -1, self.width).transpose(1, 2) for project in (self.q, self.k, self.v))
        if hasattr(self, "q_norm"):
            q, k = self.normed(self.q_norm, q), self.normed(self.k_norm, k)
        for theta in self.thetas:
            q, k = turned(q, theta), turned(k, theta)
        hidden = torch.ones(length, length, dtype=torch.bool).triu(1)
        if hasattr(self, "bias_key"):  # Sun et al., arXiv 2402.17762: one more key and value, which has no position
            k, v = (torch.cat([bias[None, :, None].expand(rows, -1, -1, -1), of_tokens], 2)
                    for bias, of_tokens in ((self.bias_key, k), (self.bias_value, v)))
            hidden = F.pad(hidden, (1, 0))
        k, v = (heads.repeat_interleave(self.heads // self.key_heads, 1) for heads in (k, v))
        z = self.weights(q @ k.mT / math.sqrt(self.width), hidden) @ v   # [rows, heads, length, width]
        z = z.transpose(1, 2)
        if hasattr(self, "gate"):
            factors = torch.sigmoid(self.gate(x, embedded))
            each = (self.heads, -1) if factors.shape[-1] > 1 else (1, 1)
            z = z * factors.unflatten(-1, each)
        return self.o(z.flatten(2))

    def normed(self, norm, heads):
        """Normalises each head [.., heads, length, width], or, with a scale for all heads, all of them together."""
        if norm.weight.shape[0] == self.width:
            return norm(heads)
        return norm(heads.transpose(1, 2).flatten(2)).unflatten(-1, (-1, self.width)).transpose(1, 2)

    def weights(self, scores, hidden):
        if self.form == "sigmoid":  # Gu et al., arXiv 2410.10781: not normalised
            return torch.sigmoid(scores).masked_fill(hidden, 0)
        if self.form == "softpick":  # arXiv 2504.20966
            self.smallest_first_score = min(self.smallest_first_score, scores[..., 0, 0].abs().min().item())
            powers = scores.expm1().masked_fill(hidden, 0)
            return F.relu(powers) / (powers.abs().sum(-1, keepdim=True) + 1e-6)
        scores = scores.masked_fill(hidden, -math.inf)
        if self.form == "softmax" and not hasattr(self, "sinks"):
            return scores.softmax(-1)
        # One more exponential in the denominator: e^0, or that of a learned logit.
        logits = self.sinks if hasattr(self, "sinks") else scores.new_zeros(self.heads)
        logits = logits[:, None, None].expand(*scores.shape[:3], 1)
        return torch.cat([scores, logits], -1).softmax(-1)[..., :-1]


def turned(x, theta):
    """RoPE (arXiv 2104.09864) as a product of complex numbers; channels i and i + width / 2 form a pair."""
    length, width = x.shape[-2:]
    frequency = theta ** (-torch.arange(0, width, 2, dtype=torch.float64) / width)
    angle = torch.arange(length)[:, None] * frequency
    factor = torch.polar(torch.ones_like(angle), angle).to(torch.complex64 if x.dtype == torch.float32 else torch.complex128)
    pairs = torch.complex(*x.chunk(2, -1)) * factor
    return torch.cat([pairs.real, pairs.imag], -1)


class FeedForward(nn.Module):
    """SwiGLU (arXiv 2002.05202)."""

    def __init__(self, width, inner):
        super().__init__()
        self.gate, self.up = nn.Linear(width, inner, bias=False), nn.Linear(width, inner, bias=False)
        self.down = nn.Linear(inner, width, bias=False)

    def forward(self, x):
        gate = self.gate(x)
        return self.down(gate * torch.sigmoid(gate) * self.up(x))


class Layer(nn.Module):
    def __init__(self, model):
        super().__init__()
        width, second = model["d_model"], model.get("feed_forward", "mlp")
        placement = model.get("norm_placement", "pre")
        on_input, on_output = placement in ("pre", "sandwich"), placement in ("sandwich", "output")
        def norm(exists=True):
            return Norm(width, model.get("norm")) if exists else None
        self.ln1, self.ln1_post = norm(on_input), norm(on_output)
        self.attn = Attention(model["n_heads"], model["n_key_value_heads"], model["d_head"], model)
        self.ln2, self.ln2_post = norm(on_input and second != "none"), norm(on_output)
        self.mlp = {"mlp": lambda: FeedForward(width, model["d_mlp"]),
                    "linear": lambda: nn.Linear(width, width, bias=False),
                    "none": lambda: None}[second]()

    def forward(self, x, embedded):
        added = self.attn(self.ln1(x) if self.ln1 else x, embedded)
        x = x + (self.ln1_post(added) if self.ln1_post else added)
        if not self.mlp:
            return x
        added = self.mlp(self.ln2(x) if self.ln2 else x)
        return x + (self.ln2_post(added) if self.ln2_post else added)


class OfOurs(nn.Module):
    def __init__(self, model):
        super().__init__()
        self.embed, self.unembed = (nn.Parameter(torch.empty(VOCABULARY, model["d_model"])) for _ in range(2))
        self.blocks = nn.ModuleList(Layer(model) for _ in range(model["n_layers"]))
        self.ln_final = Norm(model["d_model"], model.get("final_norm"))
        self.description = {"model_type": "spikesink", "model": model}

    def forward(self, ids):
        x = embedded = self.embed[ids]
        for layer in self.blocks:
            x = layer(x, embedded)
        return self.ln_final(x) @ self.unembed.T

    def save(self, folder):
        (folder / "config.json").write_text(json.dumps(self.description, indent=1) + "\n")
        save_file({name: tensor.to(torch.bfloat16) for name, tensor in self.state_dict().items()}, folder / "model.safetensors",
                  {"format": "pt"})


def build(name):
    return OfTransformers(*FAMILIES[name]) if name in FAMILIES else OfOurs(MODEL | OWN[name])


def fill(model, generator):
    """Sets random weights with bfloat16 values, so that no weight has a neutral value (0, or 1 for a scale)."""
    for module in model.modules():
        kind = type(module).__name__
        for name, parameter in module.named_parameters(recurse=False):
            noise = torch.randn(parameter.shape, generator=generator)
            if parameter.dim() >= 2:
                value = noise / parameter.shape[-1] ** 0.5
            elif name == "alpha":
                value = 0.8 + 0.1 * noise
            elif name == "weight":
                value = (0 if kind.startswith("Gemma") else 1) + 0.2 * noise
            else:  # biases, sinks and gates
                value = 0.3 * noise
            parameter.data = value.to(torch.bfloat16).float()


# -- training

CHANGED = {  # settings
    "llama": dict(skipped_predictions=6),
    "llama-bias": dict(optimizer=OPTIMIZER | dict(decay_vectors=False)),
    "conditional-head": dict(skipped_predictions=11),
    "gpt2": dict(optimizer=OPTIMIZER | dict(weight_decay=1.0)),
    "softpick": dict(optimizer=OPTIMIZER | dict(learning_rate=3e-4)),  # steep: at the others' rate rounding grows
    "olmo2": dict(optimizer=OPTIMIZER | dict(clip=0.0, beta1=0.8, beta2=0.99, epsilon=1e-6)),
}
# With softpick, the only key of a first query gets weight 1 or 0, depending on the sign of the score. With this seed none of these
# scores comes near 0, where rounding would decide.
SEEDS = {"softpick": 2}


def draw_ids(generator):
    """Returns sequences in which one of three tokens follows each token, so that the model can learn."""
    followers = torch.randint(VOCABULARY, (VOCABULARY, 3), generator=generator)
    ids = torch.randint(VOCABULARY, (STEPS * SEQUENCES, LENGTH), generator=generator)
    for position in range(1, LENGTH):
        ids[:, position] = followers[ids[:, position - 1], ids[:, position] % 3]
    return ids.view(STEPS, SEQUENCES, LENGTH)


def learning_rate(optimizer, step):
    """Returns the learning rate: the smaller of a quadratic warm-up and a cosine decay (appendix A of arXiv 2603.05498)."""
    ratio, rising = optimizer["min_rate_ratio"], optimizer["warm_up"]
    cosine = math.cos(math.pi * (step - rising) / (STEPS - rising))
    return optimizer["learning_rate"] * min(1 - (1 - min(step / rising, 1)) ** 2, ratio + (1 - ratio) * (1 + cosine) / 2)


def mean_loss(model, ids, skipped):
    """Returns the mean loss over the predictions after the first `skipped` ones of each sequence."""
    inputs, targets = ids[:, :-1], ids[:, 1:]
    losses = F.cross_entropy(model(inputs).flatten(0, 1), targets.flatten(), reduction="none").view_as(targets)
    return losses[:, skipped:].mean()


def train(model, ids, settings):
    options, clip = settings["optimizer"], settings["optimizer"]["clip"] or math.inf
    decays = {True: [], False: []}
    for parameter in model.parameters():
        decays[options["decay_vectors"] or parameter.dim() >= 2].append(parameter)
    groups = [dict(params=decays[True], weight_decay=options["weight_decay"]), dict(params=decays[False], weight_decay=0.0)]
    optimizer = torch.optim.AdamW(groups, betas=(options["beta1"], options["beta2"]), eps=options["epsilon"])
    trace = dict(loss=[], gradient_norm=[])
    for step, batch in enumerate(ids):
        loss = mean_loss(model, batch, settings["skipped_predictions"])
        optimizer.zero_grad()
        loss.backward()
        norm = nn.utils.clip_grad_norm_(model.parameters(), clip)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(options, step)
        optimizer.step()
        trace["loss"].append(loss.item())
        trace["gradient_norm"].append(norm.item())
    with torch.no_grad():
        trace["validation_loss"] = mean_loss(model, ids[0][:, :-1], 0).item()
    return trace


def in_float64(name, weights, ids, settings):
    with float64():
        wide = build(name)
        wide.load_state_dict(weights)
        return train(wide, ids, settings)


def check_rounding(name, trace, exact):
    losses = [abs(a - b) for a, b in zip(trace["loss"] + [trace["validation_loss"]], exact["loss"] + [exact["validation_loss"]])]
    norms = [abs(a / b - 1) for a, b in zip(trace["gradient_norm"], exact["gradient_norm"])]
    print(f"{name}: loss {trace['loss'][0]:.4f} to {trace['loss'][-1]:.4f}, gradient norms {min(trace['gradient_norm']):.3g} to "
          f"{max(trace['gradient_norm']):.3g}; float32 is off by {max(losses):.1g}, and by {max(norms):.1g} of the norms")
    assert max(losses) < ROUNDING["loss"] and max(norms) < ROUNDING["norm"], name


def check_first_scores(name, model):
    smallest = min((module.smallest_first_score for module in model.modules() if isinstance(module, Attention)), default=math.inf)
    assert smallest > 1e-3, f"{name}: a first query's score is {smallest:.1g}"


def write(folder):
    name = folder.name
    folder.mkdir(parents=True, exist_ok=True)
    for file in folder.iterdir():
        file.unlink()
    settings = TRAIN | CHANGED.get(name, {})
    generator = torch.Generator().manual_seed(zlib.crc32(name.encode()) + SEEDS.get(name, 0))
    model = build(name)
    fill(model, generator)
    ids = draw_ids(generator)
    model.save(folder)
    weights = copy.deepcopy(model.state_dict())
    trace = train(model, ids, settings)
    check_first_scores(name, model)
    check_rounding(name, trace, in_float64(name, weights, ids, settings))
    fields = {"train": settings} | trace | {"ids": ids.tolist()}
    lines = (f"{json.dumps(key)}: {json.dumps(value, separators=(',', ':'))}" for key, value in fields.items())
    (folder / "trace.json").write_text("{" + ",\n".join(lines) + "}\n")


def main(out="tests/goldens/training", *names):
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    for name in names or [*FAMILIES, *OWN]:
        write(Path(out) / name)


if __name__ == "__main__":
    main(*sys.argv[1:])
