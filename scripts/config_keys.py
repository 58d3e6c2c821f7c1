#!/usr/bin/env python3
"""Writes src/model/architectures/transformers_keys.cpp: for each model type of `architectures.cpp`, the keys of `config.json` that change
the numbers of the model in the installed transformers.

Usage: config_keys.py [--check | --print]

--check writes nothing; a difference is an error. --print prints one line for each table.

A key is in the table of a type if one of these reads it:
- the classes of the base model, of the causal or masked language model and of the pretraining model, and the definitions that they use
  in `modeling_*.py`, `masking_utils.py` and `modeling_rope_utils.py`: `config.KEY` or `getattr(config, "KEY")`, not `hasattr`;
- the configuration class, where it computes values from the keys: `__post_init__`, and for types with RoPE the conversion of its
  parameters. An `attribute_map` gives a key a second name;
- the loading of every model: LOADING.
Functions in SKIPPED and keys in WITHOUT_EFFECT do not count. Neither do heads for classification and the key-value cache: the numbers are
those of one forward pass over a whole text. The keys of an object have a table of their own: `rope_parameters`, `mpt.attn_config`.

Needs torch and transformers (5.24.0).
"""

import argparse
import ast
import dataclasses
import functools
import importlib.util
import pathlib
import re

import key_tables
import transformers
from transformers import CONFIG_MAPPING, PreTrainedConfig
from transformers.models.auto import modeling_auto

FOLLOWED = re.compile(r"transformers\.(masking_utils|modeling_rope_utils|models\..*\.modeling_\w+)")
CLASSES = [modeling_auto.MODEL_MAPPING_NAMES, modeling_auto.MODEL_FOR_PRETRAINING_MAPPING_NAMES,
           modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES, modeling_auto.MODEL_FOR_MASKED_LM_MAPPING_NAMES]

# Initial weights, generation and the loss of routers.
SKIPPED = {"_init_weights", "prepare_inputs_for_generation", "create_masks_for_generate", "load_balancing_loss_func"}

# Tied embeddings, stored formats of weights, options of single layers.
LOADING = {"tie_word_embeddings", "quantization_config", "per_layer_config"}

WITHOUT_EFFECT = re.compile("|".join((
    r"\w*dropout\w*|\w+_pdrop|layerdrop|router_jitter_noise",  # only in training
    r"output_\w+|return_dict|use_cache|router_aux_loss_coef",  # what is returned besides
    r"dtype|reorder_and_upcast_attn|chunk_size_feed_forward|pretraining_tp|slow_but_exact",  # only precision and the order of sums
    r"add_cross_attention|is_encoder_decoder",  # only with an encoder's states
    r"pad_token_id",  # the gradient of one embedding, except in WITH_EFFECT
)))
# Model types of the hub that transformers has under another name.
ALIASES = {"kimi_k2": "deepseek_v3"}

WITH_EFFECT = {"roberta": {"pad_token_id"},  # positions start after it
               "xglm": {"pad_token_id"}}     # its position is zero


@functools.cache
def read_module(name: str) -> tuple[dict[str, ast.AST], dict[str, tuple[str, str]]]:
    """Returns a module's definitions, and for its imported names the module and the name there."""
    definitions, imports = {}, {}
    for node in ast.parse(pathlib.Path(importlib.util.find_spec(name).origin).read_text()).body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            definitions[node.name] = node
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            definitions.update({target.id: node for target in targets if isinstance(target, ast.Name)})
        elif isinstance(node, ast.ImportFrom) and node.level:
            source = ".".join(name.split(".")[: -node.level] + [node.module] * bool(node.module))
            imports.update({alias.asname or alias.name: (source, alias.name) for alias in node.names})
    return definitions, imports


def walk(node: ast.AST):
    """`ast.walk` without the functions in SKIPPED."""
    if not (isinstance(node, ast.FunctionDef) and node.name in SKIPPED):
        yield node
        for child in ast.iter_child_nodes(node):
            yield from walk(child)


def is_for_other(definition: ast.AST, config: type) -> bool:
    """Whether a definition reads another type's configuration: that of the text or of the images in a multimodal model."""
    if isinstance(definition, ast.FunctionDef):
        return "text_config" in config.sub_configs
    for method in definition.body if isinstance(definition, ast.ClassDef) else []:
        for parameter in method.args.args if isinstance(method, ast.FunctionDef) and method.name == "__init__" else []:
            if parameter.arg == "config" and parameter.annotation:
                return ast.unparse(parameter.annotation) not in (config.__name__, "PreTrainedConfig")
    return False


def model_code(config: type, classes: list[str]) -> list[ast.AST]:
    """Returns the definitions of the classes and of all that they use."""
    waiting = [(config.__module__.replace("configuration_", "modeling_"), name) for name in classes]
    seen, code = set(), []
    while waiting:
        source, name = waiting.pop()
        definitions, imports = read_module(source)
        if (source, name) in seen:
            continue
        seen.add((source, name))
        if name in imports and FOLLOWED.fullmatch(imports[name][0]):
            waiting.append(imports[name])
        elif name in definitions and not is_for_other(definitions[name], config):
            code.append(definitions[name])
            waiting += [(source, node.id) for node in walk(code[-1]) if isinstance(node, ast.Name)]
    return code


def is_named(node: ast.AST, pattern: str) -> bool:
    return isinstance(node, (ast.Name, ast.Attribute)) and re.fullmatch(pattern, ast.unparse(node)) is not None


def literal(nodes: list[ast.AST]) -> str:
    """Returns the first node's value if it is a literal string."""
    return nodes[0].value if nodes and isinstance(nodes[0], ast.Constant) and isinstance(nodes[0].value, str) else ""


def attributes(code: list[ast.AST], pattern: str) -> set[str]:
    """Returns the attributes that are read of objects with such a name: `name.KEY`, `getattr(name, "KEY")`."""
    keys = set()
    for node in (node for definition in code for node in walk(definition)):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load) and is_named(node.value, pattern):
            keys.add(node.attr)
        elif isinstance(node, ast.Call) and is_named(node.func, "getattr") and is_named(node.args[0], pattern):
            keys.add(literal(node.args[1:]))
    return keys - {""}


def items(code: list[ast.AST], pattern: str) -> set[str]:
    """Returns the keys that are read of dictionaries with such a name: `name["KEY"]`, `name.get("KEY")`, `name[layer]["KEY"]`."""
    keys = set()
    for node in (node for definition in code for node in walk(definition)):
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
            owner, key = node.value, literal([node.slice])
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("get", "pop", "setdefault"):
            owner, key = node.func.value, literal(node.args)
        else:
            continue
        if is_named(owner.value if isinstance(owner, ast.Subscript) else owner, pattern):
            keys.add(key)
    return keys - {""}


def config_code(config: type, names: list[str]) -> list[ast.AST]:
    """Returns a configuration class's methods with these names, not those of PreTrainedConfig itself."""
    methods = {}
    for base in config.__mro__:
        if base is not PreTrainedConfig and base.__module__.startswith("transformers."):
            for node in read_module(base.__module__)[0][base.__name__].body:
                if isinstance(node, ast.FunctionDef) and node.name in names:
                    methods.setdefault(node.name, node)
    return list(methods.values())


def computed_from(method: ast.AST, fields: set[str]) -> set[str]:
    """Returns the attributes of `self` that a method reads, without those that it only computes itself."""
    nodes = [node for node in walk(method) if isinstance(node, ast.Attribute) and is_named(node.value, "self")]
    stored = {node.attr for node in nodes if isinstance(node.ctx, ast.Store)}
    return {key for key in attributes([method], "self") if key in fields or key not in stored}


def keys_of(model_type: str) -> dict[str, set[str]]:
    """Returns the tables of a type and of its objects."""
    config = CONFIG_MAPPING[model_type]
    code = model_code(config, [names[model_type] for names in CLASSES if model_type in names])
    fields = {field.name for field in dataclasses.fields(config)}
    keys = attributes(code, r"(\w+\.)*config")
    has_rope = "rope_parameters" in keys
    methods = config_code(config, ["__post_init__"] + ["convert_rope_params_to_dict", "standardize_rope_params"] * has_rope)
    keys = keys.union(*(computed_from(method, fields) for method in methods))
    # Without methods, constants and properties of the class. A file with a read-only property's name cannot be loaded.
    keys = {key for key in keys if key in fields or getattr(getattr(config, key, property()), "fset", config) is None}
    keys |= items(methods, "kwargs")
    for pair in config.attribute_map.items():
        keys |= set(pair) if keys.intersection(pair) else set()
    tables = {model_type: {key for key in keys if not WITHOUT_EFFECT.fullmatch(key)} | LOADING | WITH_EFFECT.get(model_type, set())}
    for name, kind in config.sub_configs.items():
        if getattr(kind, "model_type", None) == "":  # it is no model type of its own
            inner = attributes(code, rf"((\w+\.)*config\.)?{name}")
            tables[f"{model_type}.{name}"] = {key for key in inner if not WITHOUT_EFFECT.fullmatch(key)}
    if has_rope:
        tables["rope_parameters"] = items(code + methods, r"(\w+\.)*rope_param\w*")
    return tables


def main() -> None:
    parser = argparse.ArgumentParser(usage=__doc__)
    key_tables.add_options(parser)
    arguments = parser.parse_args()
    tables: dict[str, set[str]] = {}
    for model_type in key_tables.listed("kHuggingFace"):
        if model_type != "spikesink":
            known = ALIASES.get(model_type, model_type)
            for name, keys in keys_of(known).items():
                tables.setdefault(model_type if name == known else name, set()).update(keys)
    key_tables.finish(arguments, tables, "transformers_keys", f"transformers {transformers.__version__}")


if __name__ == "__main__":
    main()
