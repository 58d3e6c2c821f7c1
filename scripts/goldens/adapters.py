#!/usr/bin/env python3
"""Writes tests/goldens/adapters: adapters saved by peft, and the weights that peft merges from them.

Usage: /path/to/python scripts/goldens/adapters.py   (needs torch 2.15.0, transformers 5.24.0, safetensors 0.8.0, peft 0.21.2)

base/ and gpt2_base/ are random models. NAME/ has adapter_config.json and adapter_model.safetensors as published, and
expected.safetensors: all weights of `merge_and_unload()` in float32. unmerged*/ have a model saved with its adapter in place
instead: config.json, adapter_config.json and model.safetensors with names as in `base_layer.weight` and `lora_A.default.weight`.
"""

import pathlib
import shutil

import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "tests" / "goldens" / "adapters"
LLAMA = LlamaConfig(hidden_size=32, intermediate_size=40, num_hidden_layers=1, num_attention_heads=4, num_key_value_heads=2,
                    vocab_size=24, max_position_embeddings=32, tie_word_embeddings=False, bos_token_id=1, eos_token_id=2)
GPT2 = GPT2Config(n_embd=32, n_layer=1, n_head=4, n_positions=16, vocab_size=24, bos_token_id=1, eos_token_id=2)
COMMON = dict(r=4, lora_alpha=8, lora_dropout=0.05, task_type="CAUSAL_LM")
QUERY_VALUE = ["q_proj", "v_proj"]
PATTERNS = dict(rank_pattern={"v_proj": 2, "layers.0.mlp.down_proj": 6},
                alpha_pattern={"v_proj": 12, "^model.layers.0.self_attn.q_proj": 3})
ADAPTERS = {
    "lora": ("base", dict(target_modules=QUERY_VALUE)),
    "rslora": ("base", dict(target_modules=QUERY_VALUE, use_rslora=True)),
    "dora": ("base", dict(target_modules="all-linear", use_dora=True)),
    "patterns": ("base", dict(target_modules=QUERY_VALUE + ["down_proj"], **PATTERNS)),
    "modules_to_save": ("base", dict(target_modules=QUERY_VALUE, modules_to_save=["lm_head"])),
    "embedding": ("base", dict(target_modules=["q_proj", "embed_tokens"])),
    "bias_all": ("gpt2_base", dict(target_modules=["c_attn"], bias="all", fan_in_fan_out=True)),
    "fan_in_fan_out": ("gpt2_base", dict(target_modules=["c_attn", "c_proj", "c_fc"], fan_in_fan_out=True)),
    "gpt2_dora": ("gpt2_base", dict(target_modules=["c_attn", "attn.c_proj"], fan_in_fan_out=True, use_dora=True)),
    "unmerged": ("base", dict(target_modules=QUERY_VALUE + ["embed_tokens"], modules_to_save=["lm_head"])),
    "unmerged_dora": ("base", dict(target_modules="all-linear", use_dora=True)),
    "unmerged_gpt2": ("gpt2_base", dict(target_modules=["c_attn", "c_proj", "c_fc"], fan_in_fan_out=True)),
}


def randomise(parameters, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    for _, parameter in parameters:
        parameter.data = 0.2 * torch.randn(parameter.shape, generator=generator)


def write_base(name: str, model) -> None:
    randomise(sorted(model.named_parameters()), 5)
    model.save_pretrained(FOLDER / name)
    (FOLDER / name / "generation_config.json").unlink(missing_ok=True)


def randomise_adapter(model, seed: int) -> None:
    """Every trained number becomes random; the magnitudes of DoRA stay positive."""
    trained = sorted((name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad)
    magnitudes = {name: parameter.data for name, parameter in trained if "magnitude" in name}
    randomise(trained, seed)
    for name, parameter in trained:
        if name in magnitudes:
            parameter.data = magnitudes[name] * (1 + parameter.data).abs()


def write_weights(model, path: pathlib.Path) -> None:
    """Writes all weights in float32, without the output matrix where it is the embedding, as save_pretrained does."""
    tied = model.config.tie_word_embeddings
    tensors = {name: tensor.float().clone(memory_format=torch.contiguous_format) for name, tensor in model.state_dict().items()
               if not (tied and name.startswith("lm_head"))}
    save_file(tensors, path, {"format": "pt"})


def write_adapter(name: str, base: str, options: dict, seed: int) -> None:
    folder = FOLDER / name
    folder.mkdir(exist_ok=True)
    model = get_peft_model(AutoModelForCausalLM.from_pretrained(FOLDER / base), LoraConfig(**COMMON, **options))
    randomise_adapter(model, seed)
    config = model.peft_config["default"]
    config.base_model_name_or_path, config.target_modules = base, sorted(config.target_modules)
    if name.startswith("unmerged"):
        config.save_pretrained(folder)
        shutil.copy(FOLDER / base / "config.json", folder)
        write_weights(model.base_model.model, folder / "model.safetensors")
    else:
        model.save_pretrained(folder, save_embedding_layers="embed_tokens" in options["target_modules"])
        (folder / "README.md").unlink(missing_ok=True)
    write_weights(model.merge_and_unload(), folder / "expected.safetensors")


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    write_base("base", LlamaForCausalLM(LLAMA))
    write_base("gpt2_base", GPT2LMHeadModel(GPT2))
    for seed, (name, (base, options)) in enumerate(ADAPTERS.items()):
        write_adapter(name, base, options, seed)


if __name__ == "__main__":
    main()
