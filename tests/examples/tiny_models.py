"""Tiny models for the tests of the programs: changed copies of the golden one, and files that lie."""

import array
import json
import shutil
import struct
from dataclasses import dataclass
from pathlib import Path

# One token a character, so that the ids of a text are known without a tokenizer.
VOCABULARY = ["<unk>", "<s>", "</s>", *"abcdefghijklmnopqrstuvwxyz", "Ġ", ".", ","]


def ids_of(text):
    return [VOCABULARY.index("Ġ" if character == " " else character) for character in text]


@dataclass(frozen=True)
class Tensor:
    dtype: str
    shape: list
    data: bytes

    def values(self):
        numbers = array.array({"F32": "f", "F64": "d", "I64": "q"}[self.dtype])
        numbers.frombytes(self.data)
        return numbers

    def changed(self, change):
        """With `change` applied to its numbers."""
        return Tensor(self.dtype, self.shape, array.array("f", [change(x) for x in self.values()]).tobytes())

    def with_values(self, by_index):
        numbers = self.values()
        for index, value in by_index.items():
            numbers[index] = value
        return Tensor(self.dtype, self.shape, numbers.tobytes())


def split_safetensors(content):
    """The header and the data."""
    (size,) = struct.unpack_from("<Q", content)
    return json.loads(content[8 : 8 + size]), content[8 + size :]


def join_safetensors(header, data):
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def read_safetensors(file):
    header, data = split_safetensors(Path(file).read_bytes())
    header.pop("__metadata__", None)
    return {name: Tensor(e["dtype"], e["shape"], data[slice(*e["data_offsets"])]) for name, e in header.items()}


def write_safetensors(file, tensors):
    header, data = {}, b""
    for name, tensor in tensors.items():
        offsets = [len(data), len(data) + len(tensor.data)]
        header[name] = {"dtype": tensor.dtype, "shape": tensor.shape, "data_offsets": offsets}
        data += tensor.data
    Path(file).write_bytes(join_safetensors(header, data))


def write_tokenizer(file, adds_bos):
    special = [{"id": id, "content": VOCABULARY[id], "special": True} for id in range(3)]
    template = [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}]
    tokens = {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}}
    post_processor = {"type": "TemplateProcessing", "single": template, "pair": [], "special_tokens": tokens}
    tokenizer = {
        "version": "1.0",
        "added_tokens": special,
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "use_regex": True},
        "post_processor": post_processor if adds_bos else None,
        "decoder": {"type": "ByteLevel"},
        "model": {"type": "BPE", "unk_token": "<unk>", "vocab": {t: id for id, t in enumerate(VOCABULARY)}, "merges": []},
    }
    Path(file).write_text(json.dumps(tokenizer), encoding="utf-8")


def copy_model(golden, folder, *, tokenizer=True, adds_bos=True, config=(), tensors=()):
    """A copy of the golden folder with these keys and tensors in place of its own; None takes one out."""
    folder = Path(folder)
    folder.mkdir(parents=True)
    keys = json.loads((golden / "config.json").read_text()) | dict(config)
    (folder / "config.json").write_text(json.dumps({key: value for key, value in keys.items() if value is not None}))
    if tensors:
        weights = read_safetensors(golden / "model.safetensors") | dict(tensors)
        write_safetensors(folder / "model.safetensors", {name: t for name, t in weights.items() if t is not None})
    else:
        shutil.copy(golden / "model.safetensors", folder)
    if tokenizer:
        write_tokenizer(folder / "tokenizer.json", adds_bos)
    return folder
