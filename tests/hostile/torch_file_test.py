#!/usr/bin/env python3
"""A file of torch.save made to do harm is refused in one sentence, within bounds of time and memory, and executes nothing.

    tests/hostile/torch_file_test.py FOLDER_OF_PROGRAMS REPOSITORY [arguments of unittest]
"""

import io
import json
import os
import pickle
import struct
import sys
import unittest
import zipfile

from hostile_case import (
    DEEP,
    ESCAPES,
    SCRIPT,
    HostileTest,
    pickled,
    pickled_dict,
    pickled_global,
    pickled_state,
    pickled_tensor,
    pickled_text,
    pickled_tuple,
    torch_file,
    u32,
)
from program_case import GOLDEN, GOLDENS
from tiny_models import read_safetensors

FLOAT_STORAGE = pickled_global("torch", "FloatStorage")


def one(value):
    """A state dict of this value."""
    return torch_file(pickled_dict([("x", value)]))


class TorchFileTest(HostileTest):
    def with_weights(self, content, name="pytorch_model.bin"):
        model = self.copy_model(tokenizer=False)
        (model / "model.safetensors").unlink()
        (model / name).write_bytes(content)
        return model

    def check(self, words, content):
        model = self.with_weights(content)
        self.assert_model_refused(["open_torch_file|open_weights|load_model", *self.patterns(words)], model,
                                  named=model / "pytorch_model.bin")

    def losses(self, model):
        done, out = self.run_well("anatomy", "--threads", 1, "--model", model, "--tokens", self.tokens([[1, 2, 3, 4]]))
        return json.loads((out / "report.json").read_text())["perplexity"]

    def test_the_good_one_is_read(self):
        content = torch_file(*pickled_state(read_safetensors(GOLDEN / "model.safetensors")))
        expected = self.losses(self.copy_model(tokenizer=False))
        self.assertEqual(self.losses(self.with_weights(content)), expected)
        model = self.with_weights(content, "weights.pt")
        self.assertEqual(self.losses(model / "weights.pt"), expected)

    def test_good_shards_are_read(self):
        tensors = read_safetensors(GOLDEN / "model.safetensors")
        names = sorted(tensors)
        parts = {"1.bin": names[:5], "2.bin": names[5:]}
        index = {"weight_map": {name: file for file, part in parts.items() for name in part}}
        model = self.with_weights(json.dumps(index).encode(), "pytorch_model.bin.index.json")
        for file, part in parts.items():
            (model / file).write_bytes(torch_file(*pickled_state({name: tensors[name] for name in part})))
        self.assertEqual(self.losses(model), self.losses(self.copy_model(tokenizer=False)))

    def test_pickles_with_code(self):
        """Python would run each of them."""
        trap = self.folder / "trap"
        command = f"touch {trap}"

        class Reduced:
            def __reduce__(self):
                return os.system, (command,)

        def refused(name):
            return [rf"asks for {name}, expected only what makes tensors; nothing was executed"]

        cases = [
            ("os.system", refused("posix.system"), torch_file(pickle.dumps(Reduced(), 2))),
            ("of protocol 5", refused("posix.system"), torch_file(pickle.dumps({"x": Reduced()}, 5))),
            ("eval", refused("builtins.eval"), one(pickled_global("builtins", "eval") + pickled_tuple(pickled_text(command)) + b"R")),
            ("eval of Python 2", refused("__builtin__.eval"), one(pickled_global("__builtin__", "eval"))),
            ("by names on the stack", refused("subprocess.run"), one(pickled_text("subprocess") + pickled_text("run") + b"\x93")),
            ("a dotted name", refused("torch.storage.os.system"), one(pickled_text("torch") + pickled_text("storage.os.system") + b"\x93")),
            ("torch.load", refused("torch.load"), one(pickled_global("torch", "load"))),
            ("another function of torch", refused("torch._utils._rebuild_tensor"), one(pickled_global("torch._utils", "_rebuild_tensor"))),
            ("a name of a megabyte", "asks for x+", one(pickled_global("x" * 2**20, "y"))),
            ("a name of control characters", "owned", one(pickled_text(ESCAPES) + pickled_text("\x9b2J") + b"\x93")),
            ("a call of a storage", "calls torch.FloatStorage", one(FLOAT_STORAGE + b")R")),
            ("INST", "the opcode INST.*nothing was executed", one(b"(iposix\nsystem\n")),
            ("OBJ", "the opcode OBJ", one(b"(" + FLOAT_STORAGE + b"o")),
            ("NEWOBJ", "the opcode NEWOBJ,", one(FLOAT_STORAGE + b")\x81")),
            ("NEWOBJ_EX", "the opcode NEWOBJ_EX", one(FLOAT_STORAGE + b")}\x92")),
            ("EXT1", "the opcode EXT1", one(b"\x82\x01")),
            ("EXT4", "the opcode EXT4", one(b"\x84\x01\0\0\0")),
            ("PERSID", "the opcode PERSID", one(b"Pposix\n")),
            ("POP", "the opcode POP,", one(b"N0")),
            ("BUILD of a tensor", "sets the state of a tensor", one(pickled_tensor() + b"}b")),
            ("a persistent id of a module", "refers to something that is not a storage", one(pickled_tuple(pickled_text("module"), *[b"N"] * 4) + b"Q")),
        ]
        self.for_each(cases, self.check)
        self.assertFalse(trap.exists())

    def test_pickles_that_lie(self):
        longest = b"\xff" * 8
        deep = "as in deep nesting: got more than 65536"
        cases = [
            ("empty", "the pickle ends too early", torch_file(b"")),
            ("no end", "the pickle ends too early", torch_file(b"\x80\x02}")),
            ("protocol 0", "begins with DICT, expected PROTO|begins with MARK, expected PROTO", torch_file(pickle.dumps({}, 0))),
            ("protocol 9", "got 9, expected 2 to 5", torch_file(b"\x80\x09}.")),
            ("a text of 2^64 - 1", "got .* bytes, expected 18446744073709551615", one(b"\x8d" + longest)),
            ("an integer of 255 bytes", "an integer is too large: got 255 bytes", one(b"\x8a\xff" + bytes(255))),
            ("a frame of 2^64 - 1", "a frame passes the end", torch_file(b"\x80\x04\x95" + longest + b"}.")),
            ("memo of nothing", "memo: got index 7, expected less than 0", one(b"h\x07")),
            ("memo of 2^32 - 1", "memo: got index 4294967295, expected 0", one(b"Nr\xff\xff\xff\xff")),
            ("deep lists", deep, one(b"]" * DEEP)),
            ("deep marks", deep, one(b"(" * DEEP)),
            ("a deep tuple", "'x' is a tuple", one(b")" + b"\x85" * DEEP)),
            ("a dict in itself", "'x' is a dict", torch_file(pickled(b"}q\0" + pickled_text("x") + b"h\0s"))),
            ("a tensor twice", "two tensors have one name: 'x'", torch_file(pickled_dict([("x", pickled_tensor())] * 2))),
            ("a megabyte of a name, often", "two tensors have one name", torch_file(pickled(b"}" + pickled_text("x" * 2**20) + b"q\0" + pickled_tensor() + b"q\1s" + b"h\0h\1s" * 100_000))),
            ("a checkpoint", r"'model' is a dict, .*save its state dict alone", torch_file(pickled_dict([("epoch", b"K\1"), ("model", b"}"), ("optimizer", b"}")]))),
            ("an epoch", "'epoch' is an integer, expected a tensor", torch_file(pickled_dict([("epoch", b"K\1")]))),
            ("a name of control characters", "owned", torch_file(pickled_dict([(ESCAPES, b"N")]))),
            ("a name of HTML", "script", torch_file(pickled_dict([(SCRIPT, b"N")]))),
            ("a name that is not UTF-8", "not UTF-8", torch_file(pickled_dict([(b"\xff\xfe", pickled_tensor())]))),
        ]
        self.for_each(cases, self.check)

    def test_tensors_that_cannot_be(self):
        beyond = "passes the end of its storage"
        short = "the storage '0' is too short: got 16 bytes"
        cases = [
            ("storage shorter than said", short, one(pickled_tensor([5], elements=5))),
            ("storage of 2^62 elements", short, one(pickled_tensor(elements=2**62))),
            ("storage of -1 elements", short, one(pickled_tensor(elements=-1))),
            ("tensor longer than its storage", "more elements than its storage", one(pickled_tensor([8]))),
            ("one element many times", "more elements than its storage", one(pickled_tensor([2**40], [0]))),
            ("offset past the end", beyond, one(pickled_tensor(offset=1))),
            ("offset of 2^63 - 1", beyond, one(pickled_tensor(offset=2**63 - 1))),
            ("offset of -1", "a negative offset or stride: got -1", one(pickled_tensor(offset=-1))),
            ("stride of 2^62", beyond, one(pickled_tensor([3], [2**62]))),
            ("strides that wrap round to 0", beyond, one(pickled_tensor([2, 2], [2**63 - 1, 2**63 - 1]))),
            ("stride of -1", "a negative offset or stride", one(pickled_tensor(strides=[-1]))),
            ("elements past 2^64", "more elements than can be counted", one(pickled_tensor([2**32, 2**32], [0, 0]))),
            ("elements that wrap round to 1", "more elements than can be counted", one(pickled_tensor([2**32 + 1, 2**32 - 1, 2**63 - 1], [0, 0, 0]))),
            ("negative sizes", "a negative size", one(pickled_tensor([-2, -2], [1, 1]))),
            ("17 dimensions", "got 17 dimensions, expected at most 16", one(pickled_tensor([1] * 17, []))),
            ("a million dimensions", "too many values are open at once", one(pickled_tensor([1] * 1_000_000, []))),
            ("fewer strides than dimensions", "got 1 strides for 2 dimensions", one(pickled_tensor([2, 2], [1]))),
            ("storage that is missing", "the storage '1' of the tensor is missing", one(pickled_tensor(key="1"))),
            ("storage elsewhere", r"the storage '\.\./data.pkl' of the tensor is missing", one(pickled_tensor(key="../data.pkl"))),
            ("storage of a long name", "expected at most 64", one(pickled_tensor(key="0" * 2**20))),
            ("unknown type of storage", "asks for torch.QInt8Storage", one(pickled_tensor(type="QInt8Storage"))),
        ]
        self.for_each(cases, self.check)

    def test_zip_files_that_lie(self):
        good = one(pickled_tensor())
        entry = b"a/data/0"
        local = good.index(entry) - 30
        directory = good.index(b"PK\1\2")
        central = good.index(entry, directory) - 46
        end = len(good) - 22
        longer = u32(local - 40 + 30)  # than data.pkl, by the header of the storage

        def field(at, value, content=good):
            return content[:at] + value + content[at + len(value) :]

        def sizes(value):
            return field(central + 20, value * 2, field(local + 18, value * 2))

        def renamed(name):
            return good.replace(entry, name)

        bomb = torch_file(pickled_dict([("x", pickled_tensor())]), [bytes(100 << 20)], zipfile.ZIP_DEFLATED)
        cases = [
            ("a deflated bomb", "is compressed: got method 8, expected 0", bomb),
            ("encrypted", "is encrypted", field(central + 8, b"\1\0")),
            ("climbs", r"unsafe name: got '\.\./\.\./\.\.'", renamed(b"../../..")),
            ("climbs within", r"unsafe name: got 'a/\.\./\.\./'", renamed(b"a/../../")),
            ("absolute", "unsafe name: got '/etc/pwd'", renamed(b"/etc/pwd")),
            ("NUL", "unsafe name", renamed(b"a/data\0\0")),
            ("control characters", "unsafe name|missing", renamed(b"a/\x1b[2J/0")),
            ("two names", "has two names", field(local + 30, b"a/data/1")),
            ("two sizes", "has two sizes: got 17 bytes in its header and 16", field(local + 18, u32(17) * 2)),
            ("an entry of 4 GB", "passes the end of the zip file's data", sizes(u32(2**32 - 2))),
            ("an entry that continues nowhere", "zip64 sizes are missing", sizes(u32(2**32 - 1))),
            ("an entry one byte too long", "passes the end of the zip file's data", sizes(u32(17))),
            ("an entry past the file", "is not in the zip file", field(central + 42, u32(2**32 - 2))),
            ("an entry on another", "two names", field(central + 42, u32(0))),
            ("overlap", "'a/data.pkl' of the zip file overlaps 'a/data/0'", field(18, longer * 2, field(directory + 20, longer * 2))),
            ("a directory past the end", "expected its end at", field(end + 16, u32(2**31))),
            ("a directory of 65535 entries", "got 65535 entries, expected at most", field(end + 8, b"\xff" * 4)),
            ("cut", "likely an interrupted download", good[:-1]),
            ("cut in half", "likely an interrupted download", good[: len(good) // 2]),
            ("bytes in front", "not a file of torch.save", b"x" + good),
            ("bytes behind", "directory at the end of the zip file is missing", good + bytes(70_000)),
            ("other zip file", "got 0 entries NAME/data.pkl", good.replace(b"a/data.pkl", b"a/bata.pkl")),
            ("big-endian", "got 'big', expected 'little'", torch_file(pickled_dict([]), more=[("a/byteorder", "big")])),
            ("byte order of a megabyte", "the byte order of the file", torch_file(pickled_dict([]), more=[("a/byteorder", ESCAPES * 2**16)])),
            ("TorchScript", "a TorchScript archive", torch_file(pickled_dict([]), more=[("a/constants.pkl", "")])),
            ("empty", "the file is empty", b""),
            ("Git LFS", "a Git LFS pointer", b"version https://git-lfs.github.com/spec/v1\n"),
            ("a bare pickle", "a bare pickle", pickled_dict([])),
        ]
        self.for_each(cases, self.check)

    def test_files_of_torch_that_are_refused(self):
        refused = GOLDENS / "torch/refused"
        cases = [
            ("before 1.6", "torch.save before version 1.6", "legacy.pt"),
            ("TorchScript", "a TorchScript archive", "script.pt"),
            ("a module", "asks for torch.nn.modules.container.Sequential", "module.pt"),
            ("a checkpoint", r"torch.save\(torch.load\(file\)\['model'\], new_file\)", "checkpoint.pt"),
        ]
        self.for_each(cases, lambda words, name: self.check(words, (refused / name).read_bytes()))

    def test_many_small_values(self):
        """Pickles of 20 MB from which a careless reader would make gigabytes."""
        nested = b")" + b"\x85\x94" * 10_000_000
        dicts = b"(" + (b"}" * 60_000 + b"t(") * 300 + b"t"
        shared = pickled_tensor([1] * 16, [1] * 16) + b"q\0"
        names = b"".join(b"\x8c\x04" + struct.pack("<I", number | 0x10101010).translate(bytes(range(128)) * 2) + b"h\0s" for number in range(1 << 20))
        self.megabytes_allowed += 16 * 20
        cases = [
            ("tuples in the memo", "'x' is a tuple", one(nested)),
            ("dicts", "sets items of a tuple", one(dicts)),
            ("names of one tensor", "two tensors have one name|not used|missing|more than", torch_file(pickled(b"}" + pickled_text("x") + shared + b"s" + names))),
        ]
        self.for_each(cases, self.check)

    def test_a_gigabyte_that_nobody_asks_for_is_not_read(self):
        """A storage that takes no place on the disk."""
        size = (1 << 30) - (1 << 20)
        content = io.BytesIO(one(pickled_tensor([size // 4], elements=size // 4)))
        good = content.getvalue()
        entry, directory, end = b"a/data/0", good.index(b"PK\1\2"), len(good) - 22
        data = good.index(entry) + len(entry)
        more = size - 16
        head = good[: data - 38 + 18] + u32(size) * 2 + good[data - 38 + 26 : data]
        central = good.index(entry, directory) - 46
        tail = bytearray(good[directory:])
        tail[central - directory + 20 : central - directory + 28] = u32(size) * 2
        tail[end - directory + 16 : end - directory + 20] = u32(directory + more)
        model = self.with_weights(head)
        file = model / "pytorch_model.bin"
        os.truncate(file, directory + more)
        with file.open("ab") as stream:
            stream.write(tail)
        self.assert_model_refused("is missing|not used", model, named=file)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
