"""A tiny Llama model whose weights make what the report is about: spikes, their ends, and sinks."""

import json
from pathlib import Path

import numpy

from tiny_models import VOCABULARY, Tensor, copy_model, ids_of, read_safetensors, write_safetensors, write_tokenizer

LAYERS, WIDTH, HEADS, KEY_HEADS, HEAD_WIDTH, HIDDEN, ENTRIES = 4, 32, 4, 2, 8, 40, 61
SPIKE, COMPANION, SLOW, COMMON, LOUD, RARE = 5, 17, 11, 3, 9, 21  # channels
LINE_END, COMMA, BOS = VOCABULARY.index("."), VOCABULARY.index(","), VOCABULARY.index("<s>")

MARKED = {BOS: 6.0, LINE_END: 4.5, COMMA: 4.5, 50: 2.5, 33: 1.0}  # entries, by how far they go in what makes a spike
OVERFLOWING = 40  # the entry
UNNAMED = [40, 50, 60]  # entries that the tokenizer does not have

# Two of one length, which make a batch; two too short for sinks, one of them a first token on its own.
SEQUENCES = [
    [BOS, *ids_of("the cat. sat on, the mat")],
    [BOS, *ids_of("and. the dog, ran to me.")],
    ids_of("..zqzqzqzq"),
    [BOS, *ids_of("zebra. qu")],
    ids_of(", a dog. and a cat. by me"),
    [BOS, 4, LINE_END, 9, 40],
    [BOS],
    [7, 8, *UNNAMED, COMMA, 12, 13, 14, 15, LINE_END, 20, 21],
]
LONGER_THAN_A_PICTURE = [ids_of("sat on the mat and " * 5 + "the end. of it")]

CONFIG = {
    "architectures": ["LlamaForCausalLM"],
    "attention_bias": False,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "head_dim": HEAD_WIDTH,
    "hidden_act": "silu",
    "hidden_size": WIDTH,
    "intermediate_size": HIDDEN,
    "max_position_embeddings": 128,
    "mlp_bias": False,
    "model_type": "llama",
    "num_attention_heads": HEADS,
    "num_hidden_layers": LAYERS,
    "num_key_value_heads": KEY_HEADS,
    "rms_norm_eps": 1e-05,
    "rope_parameters": {"rope_theta": 10000.0, "rope_type": "default"},
    "tie_word_embeddings": False,
    "made_by": "hand",
    "quantization_config": {"quant_method": "fp8"},  # of which only a scale is left
    "vocab_size": ENTRIES,
}


def protect_common_channel(weights, layers):
    """No block writes to it."""
    for layer in range(layers):
        for name in ("self_attn.o_proj", "mlp.down_proj"):
            weights[f"model.layers.{layer}.{name}.weight"][COMMON] = 0


def unit(x):
    return x / numpy.linalg.norm(x)


def random_weights(draw):
    """Small ones, whose blocks leave the stream much as it is."""
    weights = {
        "model.embed_tokens.weight": draw.normal(0, 0.3, (ENTRIES, WIDTH)),
        "model.norm.weight": draw.uniform(0.5, 1.5, WIDTH),
        "lm_head.weight": draw.normal(0, 0.3, (ENTRIES, WIDTH)),
    }
    shapes = {
        "self_attn.q_proj": (HEADS * HEAD_WIDTH, WIDTH, 0.25),
        "self_attn.k_proj": (KEY_HEADS * HEAD_WIDTH, WIDTH, 0.25),
        "self_attn.v_proj": (KEY_HEADS * HEAD_WIDTH, WIDTH, 0.1),
        "self_attn.o_proj": (WIDTH, HEADS * HEAD_WIDTH, 0.1),
        "mlp.gate_proj": (HIDDEN, WIDTH, 0.17),
        "mlp.up_proj": (HIDDEN, WIDTH, 0.17),
        "mlp.down_proj": (WIDTH, HIDDEN, 0.1),
    }
    for layer in range(LAYERS):
        for name, (rows, columns, spread) in shapes.items():
            weights[f"model.layers.{layer}.{name}.weight"] = draw.normal(0, spread, (rows, columns))
        for name in ("input_layernorm", "post_attention_layernorm"):
            weights[f"model.layers.{layer}.{name}.weight"] = draw.uniform(0.5, 1.5, WIDTH)
    return weights


def plant_unit(weights, layer, unit_number, direction, strength, outputs):
    """A hidden unit that reads a direction of the normed stream, with gate and up alike."""
    scale = weights[f"model.layers.{layer}.post_attention_layernorm.weight"]
    for name in ("gate", "up"):
        weights[f"model.layers.{layer}.mlp.{name}_proj.weight"][unit_number] = strength * direction / scale
    down = weights[f"model.layers.{layer}.mlp.down_proj.weight"]
    down[:, unit_number] *= 0.1  # its other outputs, which would hide the planted ones
    for channel, weight in outputs.items():
        down[channel, unit_number] = weight


def plant_spike(weights, draw):
    """Tokens along a direction spike in layer 1, in two channels; layer 3 takes most of it back."""
    mark = draw.normal(0, 1, WIDTH)
    mark[[SPIKE, COMPANION, SLOW, COMMON, LOUD]] = 0
    mark = unit(mark)
    embedding = weights["model.embed_tokens.weight"]
    embedding -= 0.8 * numpy.outer(embedding @ mark, mark)
    embedding[:, COMMON] = 1
    for token, height in MARKED.items():
        embedding[token] += height * mark
    # What all tokens have in common shuts the gate for those without the mark.
    trigger = unit(mark - 1.2 * numpy.eye(WIDTH)[COMMON])
    plant_unit(weights, 1, 0, trigger, 5, {SPIKE: 20, COMPANION: -9})
    spiked = unit(numpy.eye(WIDTH)[SPIKE] - 3 * numpy.eye(WIDTH)[COMMON])
    plant_unit(weights, 2, 1, spiked, 10, {SPIKE: 0.6})
    plant_unit(weights, 3, 0, spiked, 10, {SPIKE: -3.7, COMPANION: 1.3})
    return mark


def plant_form_without_spike(weights, mark, draw):
    """An outlier channel of several directions, none of which dominates or is that of the spike."""
    directions = numpy.linalg.qr(numpy.column_stack([mark, draw.normal(0, 1, (WIDTH, 3))]))[0].T
    for number, (direction, weight) in enumerate(zip(directions[1:], (8, 7, 6))):
        plant_unit(weights, 0, 4 + number, direction, 1, {SLOW: weight})


def plant_sinks(weights):
    """Heads 0 and 1 of layers 2 and 3 look for spike tokens, in a pair of channels that RoPE hardly turns."""
    for layer in (2, 3):
        scale = weights[f"model.layers.{layer}.input_layernorm.weight"]
        slow = HEAD_WIDTH // 2 - 1
        weights[f"model.layers.{layer}.self_attn.k_proj.weight"][slow, SPIKE] = 2 / scale[SPIKE]
        for head, strength in ((0, 8), (1, 2)):
            query = weights[f"model.layers.{layer}.self_attn.q_proj.weight"][head * HEAD_WIDTH + slow]
            query[COMMON] = strength / scale[COMMON]


def plant_loud_channels(weights):
    """Channels that the norm of layer 0 makes large, one of them for one entry alone; their readers undo it."""
    embedding = weights["model.embed_tokens.weight"]
    embedding[:, RARE] *= 0.1
    embedding[UNNAMED[-1], RARE] = 1
    for channel, gain in ((LOUD, 60), (RARE, 100)):
        weights["model.layers.0.input_layernorm.weight"][channel] = gain
        for name in "qkv":
            weights[f"model.layers.0.self_attn.{name}_proj.weight"][:, channel] /= gain


def tensors_of(weights, dtype, stored):
    return {name: Tensor(dtype, list(x.shape), x.astype(stored).tobytes()) for name, x in weights.items()}


def unused_tensors():
    """The static scale of an activation, and the head of a classifier."""
    scale, head = numpy.array(0.5), numpy.zeros([2, WIDTH])
    return {"model.layers.0.mlp.up_proj.input_scale": scale, "score.weight": head}


def write_planted_model(folder, seed=0):
    folder = Path(folder)
    folder.mkdir(parents=True)
    draw = numpy.random.RandomState(seed)
    weights = random_weights(draw)
    protect_common_channel(weights, LAYERS)
    mark = plant_spike(weights, draw)
    plant_form_without_spike(weights, mark, draw)
    plant_sinks(weights)
    plant_loud_channels(weights)
    (folder / "config.json").write_text(json.dumps(CONFIG), encoding="utf-8")
    write_safetensors(folder / "model.safetensors", tensors_of(weights | unused_tensors(), "F32", "<f4"))
    write_tokenizer(folder / "tokenizer.json", adds_bos=True)
    return folder


def write_overflowing_model(golden, folder):
    """A model whose last feed-forward block leaves the range of float64 at one token, and is zero at others."""
    weights = {
        name: numpy.array(tensor.values(), dtype="<f8").reshape(tensor.shape)
        for name, tensor in read_safetensors(Path(golden) / "model.safetensors").items()
    }
    weights["model.embed_tokens.weight"][:, COMMON] = 0
    weights["model.embed_tokens.weight"][OVERFLOWING, COMMON] = 5
    protect_common_channel(weights, 2)
    for name in ("gate", "up"):
        weights[f"model.layers.1.mlp.{name}_proj.weight"][0] = 1e160 * numpy.eye(WIDTH)[COMMON]
    return copy_model(golden, folder, tensors=tensors_of(weights, "F64", "<f8"))
