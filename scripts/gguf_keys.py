#!/usr/bin/env python3
"""Writes src/model/architectures/llama_cpp_keys.cpp: for each GGUF architecture of `architectures.cpp`, the keys that change the numbers of
the model in llama.cpp.

Usage: gguf_keys.py [--check | --print] LLAMA_CPP_FOLDER

--check writes nothing; a difference is an error. --print prints one line for each table.

A key is in the table of an architecture if the loader of its hyperparameters asks for it:
- `llama_model_base::load_hparams`, the same for every architecture, without its branches for others;
- `load_arch_hparams` of the class that llama.cpp makes for the architecture, and the functions that get its loader.
Keys in WITHOUT_EFFECT do not count: the numbers are those of one forward pass over a whole text.

Needs llama.cpp's source (folder `src`) of the commit COMMIT, as in vendor/llama.cpp of the source distribution of llama-cpp-python 0.3.36.
"""

import argparse
import pathlib
import re
import sys

import key_tables

COMMIT = "0c1e57098bba43ac29e6e3b677cdceebdd22334f"

WITHOUT_EFFECT = {
    "pooling_type", "classifier.pooling_type", "classifier.output_labels", "embedding_length_out",  # outputs besides the logits
    "rope.scaling.finetuned",  # only shown
    "vocab_size",  # the embedding's rows tell it
}


def body(source: str, function: str) -> str:
    """Returns the text between the braces of a function's definition, which starts a line."""
    found = re.search(rf"^\w[\w ]* {re.escape(function)}\([^{{;]*\) \{{\n(.*?)^\}}", source, re.MULTILINE | re.DOTALL)
    if not found:
        sys.exit(f"no definition of {function}: is this llama.cpp of {COMMIT}?")
    return found[1]


def without_others(code: str, constant: str) -> str:
    """Returns the code without the blocks that are entered only for other architectures."""
    block = re.compile(r"^( *)if \(((?:(?: \|\| )?arch == LLM_ARCH_\w+)+)\) \{\n.*?^\1\}\n", re.MULTILINE | re.DOTALL)
    return block.sub(lambda found: found[0] if re.search(rf"\b{constant}\b", found[2]) else "", code)


def keys_of(code: str, names: dict[str, str], constant: str, functions: str) -> set[str]:
    """Returns the keys that the code and the functions that it passes its loader to ask for."""
    code = without_others(code, constant)
    asked = re.findall(r"ml\.get_(?:key|arr|key_or_arr|arr_n)\(\s*([^,)]*)", code)
    unknown = [key for key in asked if key not in names]
    if unknown:
        sys.exit(f"no name of a key: {unknown[0]}")
    keys = {names[key].removeprefix("%s.") for key in asked if names[key].startswith("%s.")}
    for function in set(re.findall(r"(?<![.\w])(\w+)\(ml[,)]", code)) - {"load_arch_hparams"}:
        keys |= keys_of(body(functions, f"llama_model_base::{function}"), names, constant, functions)
    return keys


def with_own_loader(made: str, classes: str, headers: str) -> str:
    """Returns the class, or its base class if it has no loader of hyperparameters of its own."""
    if f"{made}::load_arch_hparams" in classes:
        return made
    return re.search(rf"struct {made} : public (\w+)", headers)[1]


def read_tables(folder: pathlib.Path, architectures: list[str]) -> dict[str, set[str]]:
    """Returns the keys of each architecture; those of all are the table ""."""
    source = folder / "src"
    text = (source / "llama-arch.cpp").read_text()
    names = dict(re.findall(r"\{ (LLM_KV_\w+), +\"([^\"]+)\" +\}", text))
    constants = {name: constant for constant, name in re.findall(r"\{ (LLM_ARCH_\w+), +\"([^\"]+)\" +\}", text)}
    model = (source / "llama-model.cpp").read_text()
    classes = "".join(path.read_text() for path in sorted((source / "models").glob("*.cpp")))
    headers = (source / "models" / "models.h").read_text()
    tables = {}
    for architecture in architectures:
        constant = constants[architecture]
        made = re.search(rf"case {constant}:\s+(?:case \w+:\s+)*return new (\w+)\(", model)[1]
        common = keys_of(body(model, "llama_model_base::load_hparams"), names, constant, model)
        loader = with_own_loader(made, classes, headers)
        own = keys_of(body(classes, f"{loader}::load_arch_hparams"), names, constant, model)
        tables[architecture] = own - common - WITHOUT_EFFECT
        tables[""] = common - WITHOUT_EFFECT
    return tables


def main() -> None:
    parser = argparse.ArgumentParser(usage=__doc__)
    key_tables.add_options(parser)
    parser.add_argument("folder", type=pathlib.Path)
    arguments = parser.parse_args()
    tables = read_tables(arguments.folder, key_tables.listed("kGguf"))
    key_tables.finish(arguments, tables, "llama_cpp_keys", f"llama.cpp {COMMIT}")


if __name__ == "__main__":
    main()
