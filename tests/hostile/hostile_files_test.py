#!/usr/bin/env python3
"""Files that were made to do harm end a program in one sentence, within bounds of time and memory.

    tests/hostile/hostile_files_test.py FOLDER_OF_PROGRAMS REPOSITORY [arguments of unittest]
"""

import json
import math
import os
import re
import shutil
import struct
import sys
import unittest

from hostile_case import (
    ARRAY,
    DEEP,
    STRING,
    UINT32,
    UINT64,
    UINT8,
    HostileTest,
    gguf,
    gguf_tensor,
    gguf_tensors,
    safetensors,
    text,
    u32,
    u64,
)

from program_case import GOLDEN, read_report
from tiny_models import (
    VOCABULARY,
    Tensor,
    join_safetensors,
    read_safetensors,
    split_safetensors,
    write_safetensors,
)

EMBEDDING = "model.embed_tokens.weight"
ESCAPES = "\x1b[2J\x1b]0;owned\x07"
SCRIPT = "<script>alert(1)</script>"
ENTRY = '"x":{"dtype":"%s","shape":%s,"data_offsets":%s}'
NESTED_ARRAYS = b"[" * DEEP
NESTED_OBJECTS = b'{"a":' * DEEP


def added_token(content):
    return {"id": 60, "content": content, "normalized": False, "special": False}


def entry(dtype="F32", shape="[1]", offsets="[0,4]"):
    return (ENTRY % (dtype, shape, offsets)).encode()


def one_tensor(data=bytes(4), **fields):
    return safetensors(b"{" + entry(**fields) + b"}", data)


class SafetensorsTest(HostileTest):
    def check(self, words, content):
        model = self.copy_model(tokenizer=False)
        file = model / "model.safetensors"
        file.write_bytes(content)
        self.assert_model_refused(words, model, named=file)

    def test_lengths_that_lie(self):
        good = (GOLDEN / "model.safetensors").read_bytes()
        header, data = split_safetensors(good)
        left = len(good) - 8
        impossible = "the header's size is impossible: got %d bytes, expected at most %d "
        cases = [
            ("header of 2^63", impossible % (2**63, left), u64(2**63) + good[8:]),
            ("header of 2^64 - 1", impossible % (2**64 - 1, left), u64(2**64 - 1) + good[8:]),
            ("header one byte beyond the file", impossible % (left + 1, left), u64(left + 1) + good[8:]),
            ("header of 0", "not JSON", safetensors(b"")),
            ("empty file", "the file is empty", b""),
            ("half a length", "too short for its header: got 5 bytes, expected at least 8", good[:5]),
            ("cut in the header", "the header's size is impossible", good[:100]),
            ("cut in the data", "passes the end of the file: got offset .*, expected at most", good[:-1]),
            ("bytes behind the data", r"bytes follow .*: got a file of \d+ bytes, expected \d+", good + b"\0"),
            ("overlap", "overlaps .*'twin'", join_safetensors(header | {"twin": header[EMBEDDING]}, data)),
            ("hole", "leaves a gap: got offset .*, expected .*'x'", one_tensor(bytes(8), offsets="[4,8]")),
        ]
        self.for_each(cases, self.check)

    def test_headers_that_are_none(self):
        cases = [
            ("not JSON", "not JSON", safetensors(b"<html>404</html>")),
            ("array", "got a JSON array, expected an object", safetensors(b"[]")),
            ("string", "got a JSON string, expected an object", safetensors(b'"x"')),
            ("number", "got a JSON number, expected an object", safetensors(b"3")),
            ("deep arrays", "nested deeper than 3 levels", safetensors(NESTED_ARRAYS)),
            ("deep objects", "nested deeper than 3 levels", safetensors(NESTED_OBJECTS)),
            ("deep shape", "nested deeper than 3 levels", one_tensor(shape="[" * DEEP + "]" * DEEP)),
            ("invalid UTF-8", "not JSON: .*UTF-8", safetensors(b'{"\xff\xfe":{}}')),
            ("half a surrogate", "not JSON: .*surrogate", safetensors(rb'{"\ud800":{}}')),
            ("a raw control character", "not JSON: .*control character", safetensors(b'{"\x1b[2J":{}}')),
            ("a tensor twice", "a key occurs twice: 'x'", safetensors(b"{%s,%s}" % (entry(), entry()), bytes(4))),
            ("a field twice", "a key occurs twice: 'shape'", one_tensor(dtype='F32","shape":[1],"dtype2":"')),
        ]
        self.for_each(cases, self.check)

    def test_tensors_that_cannot_be(self):
        beyond = "passes the end of the file: got offset %d, expected at most 4"
        unfit = "does not fit the shape: got 4 bytes, expected %s"
        uncountable = "more elements than can be counted"
        cases = [
            ("past the end", [beyond % 8, "'x'"], one_tensor(shape="[2]", offsets="[0,8]")),
            ("far past the end", beyond % (2**40 + 4), one_tensor(offsets=[2**40, 2**40 + 4])),
            ("end before begin", "got 0 after 4, expected begin before end", one_tensor(offsets="[4,0]")),
            ("offsets near 2^64", beyond % (2**64 - 1), one_tensor(offsets=[2**64 - 5, 2**64 - 1])),
            ("offsets past 2^64", "'data_offsets' holds .*, expected integers", one_tensor(offsets=[2**64, 2**64 + 4])),
            ("offset of -4", "'data_offsets' holds -4, expected integers", one_tensor(offsets="[-4,0]")),
            ("three offsets", "data_offsets: got 3 numbers, expected 2", one_tensor(offsets="[0,2,4]")),
            ("dtype of twice the bytes", unfit % r"8 for \[1\] of F64", one_tensor(dtype="F64")),
            ("shape of twice the elements", unfit % r"8 for \[2\] of F32", one_tensor(shape="[2]")),
            ("unknown dtype", "unknown dtype: got 'F13', expected one of .*F32", one_tensor(dtype="F13")),
            ("elements past 2^64", uncountable, one_tensor(shape=[2**32, 2**32])),
            ("elements that wrap round to 1", uncountable, one_tensor(shape=[2**32 + 1, 2**32 - 1, 2**63 - 1])),
            ("bytes past 2^64", uncountable, one_tensor(shape=[2**62])),
            ("nothing times too much", uncountable, one_tensor(b"", shape=[0, 2**32, 2**32], offsets="[0,0]")),
            ("negative size", "'shape' holds -1, expected integers from 0", one_tensor(shape="[-1]")),
            ("two negative sizes", "'shape' holds -1, expected integers from 0", one_tensor(shape="[-1,-1]")),
            ("fractional size", "'shape' holds 1.5, expected integers", one_tensor(shape="[1.5]")),
            ("size of 1e308", r"'shape' holds 1e\+308, expected integers", one_tensor(shape="[1e308]")),
            ("size of 2^63", "'shape' holds 9223372036854775808, expected integers", one_tensor(shape=[2**63])),
            ("a million sizes", "does not fit the shape", one_tensor(shape="[" + "1," * 999_999 + "2]")),
        ]
        self.for_each(cases, self.check)

    def test_names_that_are_no_text(self):
        """A terminal gets none of it, and a name that would fill a screen is cut."""
        good = split_safetensors((GOLDEN / "model.safetensors").read_bytes())

        def with_name(name):
            header, data = good
            return join_safetensors(header | {name: {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}}, data)

        cases = [
            ("NUL", "tensor .*not used", with_name("x\0y")),
            ("control characters", "owned.*not used|not used.*owned", with_name(ESCAPES)),
            ("line breaks", "forged.*not used|not used.*forged", with_name("x\r\nspikesink-anatomy: forged")),
            ("text that runs backwards", "not used", with_name("x\u202egnp.exe")),
            ("C1 control characters", "not used", with_name("x\x9b2J")),
            ("HTML", "script.*not used|not used.*script", with_name(SCRIPT)),
            ("a megabyte", "not used", with_name("x" * 2**20)),
            ("control characters twice", "a key occurs twice", safetensors(rb'{"\u001b[2J":1,"\u001b[2J":1}')),
            ("control characters as dtype", "unknown dtype", one_tensor(dtype=r"\u001b[2J")),
            ("a dtype of a megabyte", "unknown dtype", one_tensor(dtype="x" * 2**20)),
        ]
        self.for_each(cases, self.check)

    def test_a_million_tensors_that_nobody_asks_for(self):
        """A header of 57 MB, written piece by piece: this process must not grow, for a child begins with its size."""
        model = self.copy_model(tokenizer=False)
        file = model / "model.safetensors"
        junk = '{"dtype":"U8","shape":[0],"data_offsets":[0,0]}'
        with file.open("wb") as stream:
            stream.write(u64(0) + b"{")
            for block in range(1000):
                entries = (f'"junk.{block:03}{number:03}":{junk}' for number in range(1000))
                stream.write(",".join(entries).encode() + (b"}" if block == 999 else b","))
            size = stream.tell() - 8
            stream.seek(0)
            stream.write(u64(size))
        self.megabytes_allowed += 16 * (file.stat().st_size >> 20)
        self.assert_model_refused(["is missing|not used", "tensor"], model, named=file)

    def test_booleans_that_nobody_asks_for_are_not_read(self):
        """A gigabyte that takes no place on the disk."""
        size = 1 << 30
        model = self.copy_model(tokenizer=False)
        file = model / "model.safetensors"
        file.write_bytes(safetensors(b"{" + entry("BOOL", [size], [0, size]) + b"}"))
        os.truncate(file, file.stat().st_size + size)
        self.assert_model_refused("is missing|not used", model, named=file)


class ShardsTest(HostileTest):
    def setUp(self):
        super().setUp()
        self.good = read_safetensors(GOLDEN / "model.safetensors")

    def sharded(self, index):
        """A model with this index beside one shard, `1.safetensors`."""
        model = self.copy_model(tokenizer=False)
        (model / "model.safetensors").rename(model / "1.safetensors")
        file = model / "model.safetensors.index.json"
        file.write_bytes(index if isinstance(index, bytes) else json.dumps(index).encode())
        return model, file

    def weight_map(self, **others):
        return {"weight_map": dict.fromkeys(self.good, "1.safetensors") | others}

    def test_the_good_ones_are_read(self):
        self.run_tiny(self.sharded(self.weight_map())[0], "--tokens", self.tokens([[1, 2, 3]]), "--only", "life_cycle")

    def test_indexes(self):
        outside = "a shard is not in the folder of the index: got '%s', expected a file name"
        index = "model.safetensors.index.json"
        cases = [
            ("climbs", outside % "../../../../etc/passwd", self.weight_map(x="../../../../etc/passwd")),
            ("climbs from below", outside % r"a/../../1\.safetensors", self.weight_map(x="a/../../1.safetensors")),
            ("absolute", outside % "/etc/passwd", self.weight_map(x="/etc/passwd")),
            ("no name", outside % "", self.weight_map(x="")),
            ("another name of a shard", "a shard has one name: got './1.safetensors', expected '1.safetensors'", self.weight_map(x="./1.safetensors")),
            ("a folder and back", "a shard has one name: got 'a//1.safetensors'", self.weight_map(x="a//1.safetensors")),
            ("the folder itself", "not a file: got a folder, expected a regular file", self.weight_map(x=".")),
            ("itself", ["header's size is impossible", index], self.weight_map(x=index)),
            ("missing", [r"a shard is missing: .*/2\.safetensors"], self.weight_map(x="2.safetensors")),
            ("a tensor that is not there", "its shard lacks: 'x' in 1.safetensors", self.weight_map(x="1.safetensors")),
            ("an array", "weight_map: got array, expected an object", {"weight_map": ["1.safetensors"]}),
            ("a string", "weight_map: got string, expected an object", {"weight_map": "1.safetensors"}),
            ("nothing", "weight_map: got nothing, expected an object", {}),
            ("a shard of a number", "got number, expected a file name .*'x'", self.weight_map(x=3)),
            ("not an object", "got a JSON array, expected an object", []),
            ("not JSON", "not JSON", b"{"),
            ("empty", "the file is empty", b""),
            ("deep", "nested deeper than 8 levels", b'{"weight_map":' + NESTED_ARRAYS),
            ("twice", "a key occurs twice: 'x'", b'{"weight_map":{"x":"1.safetensors","x":"1.safetensors"}}'),
            ("control characters", "a shard is missing", self.weight_map(x=f"{ESCAPES}.safetensors")),
            ("NUL", "shard", self.weight_map(x="1.safetensors\0.txt")),
            ("a name of a megabyte", "shard", self.weight_map(x="x" * 2**20)),
        ]

        def check(words, content):
            model, file = self.sharded(content)
            self.assert_model_refused(words, model, named=model if "not a file" in words else file)

        self.for_each(cases, check)

    def test_shards_that_are_no_files(self):
        """None is read or waited for."""
        special = "not a file: got a special file, expected a regular file"
        cases = [
            ("folder", "not a file: got a folder, expected a regular file", os.mkdir),
            ("/dev/zero", special, lambda path: os.symlink("/dev/zero", path)),
            ("/dev/urandom", special, lambda path: os.symlink("/dev/urandom", path)),
            ("pipe", special, os.mkfifo),
            ("the index", "header's size is impossible", lambda path: os.symlink("model.safetensors.index.json", path)),
            ("loop", "missing|Too many levels of symbolic links", lambda path: os.symlink("2.safetensors", path)),
            ("a dangling link", "a shard is missing", lambda path: os.symlink("nowhere", path)),
        ]

        def check(words, make):
            model, _ = self.sharded(self.weight_map(x="2.safetensors"))
            make(model / "2.safetensors")
            self.assert_model_refused(words, model, named=model / "2.safetensors")

        self.for_each(cases, check)

    def test_files_of_a_model_that_are_none(self):
        special = "not a file: got a special file, expected a regular file"
        zero = lambda path: os.symlink("/dev/zero", path)
        loop = lambda path: os.symlink(path.name, path)
        cases = [
            ("weights of zeros", special, "model.safetensors", zero),
            ("weights from a pipe", special, "model.safetensors", os.mkfifo),
            ("weights in a loop", "Too many levels of symbolic links", "model.safetensors", loop),
            ("a folder of weights", "not a file: got a folder", "model.safetensors", os.mkdir),
            ("config of zeros", special, "config.json", zero),
            ("config from a pipe", special, "config.json", os.mkfifo),
            ("config in a loop", "Too many levels of symbolic links", "config.json", loop),
        ]

        def check(words, name, make):
            model = self.copy_model(tokenizer=False)
            (model / name).unlink()
            make(model / name)
            self.assert_model_refused(words, model, named=model / name)

        self.for_each(cases, check)


class GgufTest(HostileTest):
    def check(self, words, content):
        file = self.file(content, ".gguf")
        self.assert_model_refused(words, file)

    def test_headers(self):
        good = (GOLDEN / "plain.gguf").read_bytes()
        count = "the count passes the end of the file: got %d items, expected at most"
        cases = [
            ("bad magic", "not a GGUF file: got the magic 0x4c4d4747, expected 0x46554747", b"GGML" + good[4:]),
            ("version 0", "unknown version: got 0, expected 2 or 3", gguf(version=0)),
            ("huge version", "unknown version: got 4294967295, expected 2 or 3", gguf(version=2**32 - 1)),
            ("big-endian", "a big-endian file is not read", b"GGUF" + struct.pack(">IQQ", 3, 1, 1)),
            ("2^63 tensors", count % 2**63, gguf(tensors=2**63)),
            ("2^64 - 1 keys", count % (2**64 - 1), gguf(keys=2**64 - 1)),
            ("tensors whose bytes wrap round", count % (2**59 + 1), gguf(tensors=2**59 + 1)),
            ("cut in a key", "ends too early: got 7 bytes, expected 9; likely", gguf(keys=1, body=u64(9) + b"general")),
            ("cut in the header", "the file ends too early: got 2 bytes, expected 8", good[:10]),
            ("cut in the data", "passes the end of the file: got .*, expected at most", good[:-1]),
        ]
        self.for_each(cases, self.check)

    def test_metadata(self):
        def named(name):
            return gguf(keys=1, body=name + bytes(64))

        def key(value, name="k"):
            return named(text(name) + value)

        early = r"ends too early: got \d+ bytes, expected %d; .*\(.*key 'k'\)"
        count = r"the count passes the end of the file: got %d items, expected at most \d+"
        twice = gguf(keys=2, body=(text("k") + u32(UINT32) + u32(1)) * 2)
        nested = u32(ARRAY) + (u32(ARRAY) + u64(1)) * DEEP
        place, alignment = "general.alignment", "general.alignment is not understood, expected a power of two"
        cases = [
            ("a name of 4 GB", f"a name is too long: got {2**32} bytes, expected at most 65535", named(u64(2**32))),
            ("a name of 2^63", f"a name is too long: got {2**63} bytes, expected at most 65535", named(u64(2**63))),
            ("a string of 4 GB", early % 2**32, key(u32(STRING) + u64(2**32))),
            ("a string of 2^63", early % 2**63, key(u32(STRING) + u64(2**63))),
            ("a string of 2^64 - 1", early % (2**64 - 1), key(u32(STRING) + u64(2**64 - 1))),
            ("a list whose bytes wrap round", count % (2**61 + 1), key(u32(ARRAY) + u32(UINT64) + u64(2**61 + 1))),
            ("strings whose bytes wrap round", count % (2**61 + 1), key(u32(ARRAY) + u32(STRING) + u64(2**61 + 1))),
            ("a list of 2^64 - 1", count % (2**64 - 1), key(u32(ARRAY) + u32(UINT32) + u64(2**64 - 1))),
            ("lists of lists", "a list of lists is not understood, expected", key(nested)),
            ("an unknown kind", "unknown kind of value: got 4294967295, expected 0 to 12", key(u32(2**32 - 1))),
            ("a key twice", r"a key occurs twice \(.*'k'\)", twice),
            ("alignment 0", alignment, key(u32(UINT32) + u32(0), place)),
            ("alignment 48", alignment, key(u32(UINT32) + u32(48), place)),
            ("alignment 2^63", f"a number is too large: got {2**63}", key(u32(UINT64) + u64(2**63), place)),
            ("alignment of a string", alignment, key(u32(STRING) + text("32"), place)),
            ("control characters", "unknown kind of value: got 99", key(u32(99), ESCAPES)),
            ("not UTF-8", "unknown kind of value: got 99", key(u32(99), b"\x9b2J\xff")),
            ("line breaks", "unknown kind of value: got 99", key(u32(99), "k\nspikesink-anatomy: forged")),
            ("a long name", "unknown kind of value: got 99", key(u32(99), "k" * 65535)),
        ]
        self.for_each(cases, self.check)

    def test_a_list_that_takes_more_memory_than_the_file(self):
        """Of 2^27 bytes that take no place on the disk, and would be numbers of eight."""
        file = self.file(gguf(keys=1, body=text("k") + u32(ARRAY) + u32(UINT8) + u64(2**27)), ".gguf")
        os.truncate(file, file.stat().st_size + 2**27)
        self.assert_model_refused(f"the lists are too long: got {2**27} items after 0, expected at most", file)

    def test_tensors(self):
        negative = struct.unpack("<Q", struct.pack("<q", -1))[0]
        dimensions = r"number of dimensions: got %d, expected 1 to 4 \(.*tensor 'x'\)"
        beyond, blocks = "passes the end of the file: got %d bytes at %d", "got 16 elements, expected a multiple of 32"
        cases = [
            ("negative size", f"a number is too large: got {negative}", [gguf_tensor(shape=(negative,))]),
            ("elements past 2^64", "more elements than can be counted .*'x'", [gguf_tensor(shape=(2**32, 2**32))]),
            ("bytes past 2^64", "more elements than can be counted .*'x'", [gguf_tensor(shape=(2**62,))]),
            ("more than the file", beyond % (2**32, 0), [gguf_tensor(shape=(2**30,))]),
            ("no dimensions", dimensions % 0, [gguf_tensor(shape=())]),
            ("five dimensions", dimensions % 5, [gguf_tensor(shape=(1,) * 5)]),
            ("2^32 - 1 dimensions", dimensions % (2**32 - 1), [text("x") + u32(2**32 - 1)]),
            ("past the end", beyond % (4, 4096), [gguf_tensor(offset=4096)]),
            ("far past the end", beyond % (4, 2**64 - 32), [gguf_tensor(offset=2**64 - 32)]),
            ("unaligned", "the offset is not aligned: got 4, expected a multiple of 32", [gguf_tensor(offset=4)]),
            ("overlap", "overlaps: 'x' and 'y'", [gguf_tensor(), gguf_tensor("y")]),
            ("one name", "two tensors have one name: 'x'", [gguf_tensor(), gguf_tensor(offset=32)]),
            ("unknown type", "type is not supported: got type 77, expected one of F32", [gguf_tensor(type=77)]),
            ("part of a block", blocks, [gguf_tensor(shape=(16,), type=2)]),
            ("control characters", "number of dimensions: got 0", [gguf_tensor(ESCAPES, shape=())]),
        ]
        self.for_each(cases, lambda words, tensors: self.check(words, gguf_tensors(*tensors)))


class ConfigTest(HostileTest):
    def check(self, words, content):
        model = self.copy_model(tokenizer=False)
        file = model / "config.json"
        file.write_bytes(content)
        self.assert_model_refused(words, model, named=file)

    def test_what_is_no_configuration(self):
        cases = [
            ("deep arrays", "nested deeper than 32 levels", NESTED_ARRAYS),
            ("deep objects", "nested deeper than 32 levels", NESTED_OBJECTS),
            ("deep inside", "nested deeper than 32 levels", b'{"model_type":"llama","rope_scaling":' + NESTED_OBJECTS),
            ("an array", "got a JSON array, expected an object", b"[]"),
            ("a string", "got a JSON string, expected an object", b'"llama"'),
            ("null", "got a JSON null, expected an object", b"null"),
            ("empty", "the file is empty", b""),
            ("not JSON", "not JSON", b"model_type: llama"),
            ("not UTF-8", "not JSON", b'{"model_type":"\xff"}'),
            ("a key twice", "a key occurs twice: 'a'", b'{"a":1,"a":2}'),
        ]
        self.for_each(cases, self.check)

    def test_values_that_cannot_be(self):
        good = json.loads((GOLDEN / "config.json").read_text())
        most, raw = 2**63 - 1, "RAW"
        kind = "of the wrong kind: got %s, expected an integer"
        cases = [
            ("NaN", "not JSON: .*invalid literal", {"rms_norm_eps": math.nan}),
            ("Infinity", "not JSON: .*invalid literal", {"rms_norm_eps": math.inf}),
            ("past all numbers", "not JSON: number overflow", {"rms_norm_eps": raw}),
            ("width of 1e308", ["hidden_size", kind % r"1e\+308"], {"hidden_size": 1e308}),
            ("width of 2^63", ["hidden_size", kind % 2**63], {"hidden_size": 2**63}),
            ("width of 2^63 - 1", ["d_model|hidden_size", str(most)], {"hidden_size": most}),
            ("width of 10^9", ["d_model|hidden_size|embed_tokens", str(10**9)], {"hidden_size": 10**9}),
            ("negative width", ["d_model: got -32, expected a positive number"], {"hidden_size": -32}),
            ("width of text", ["hidden_size", kind % '"32"'], {"hidden_size": "32"}),
            ("width of an array", ["hidden_size", kind % r"\[32\]"], {"hidden_size": [32]}),
            ("no heads", "n_heads: got 0, expected a positive number", {"num_attention_heads": 0}),
            ("-4 heads", "n_heads: got -4, expected a positive number", {"num_attention_heads": -4}),
            ("10^9 heads", ["head", str(10**9)], {"num_attention_heads": 10**9, "num_key_value_heads": 10**9}),
            ("heads of 10^9", ["d_head|head_dim|q_proj", str(10**9)], {"head_dim": 10**9}),
            ("no layers", "n_layers: got 0, expected a positive number", {"num_hidden_layers": 0}),
            ("10^9 layers", ["layers", "missing|got 1000000000"], {"num_hidden_layers": 10**9}),
            ("hidden width of 10^9", ["mlp|intermediate", str(10**9)], {"intermediate_size": 10**9}),
            ("10^9 tokens", ["vocab|embed_tokens", str(10**9)], {"vocab_size": 10**9}),
            ("negative context", "context: got -1, expected a positive number", {"max_position_embeddings": -1}),
            ("a name of control characters", "model_type: got .*, expected one of", {"model_type": ESCAPES}),
            ("a name of a megabyte", "model_type: got .*", {"model_type": "x" * 2**20}),
            ("a key of control characters", "is not understood: got 1, expected it absent", {ESCAPES: 1}),
            ("a value of control characters", "is not understood", {"new": [ESCAPES]}),
            ("a key of HTML", "script.* is not understood", {SCRIPT: 1}),
            ("a key of a megabyte", "is not understood", {"x" * 2**20: 1}),
        ]

        def check(words, keys):
            content = json.dumps(good | keys).replace(f'"{raw}"', "1e999").encode()
            model = self.copy_model(tokenizer=False)
            (model / "config.json").write_bytes(content)
            self.assert_model_refused(words, model)

        self.for_each(cases, check)

    def test_positions_that_cannot_be(self):
        yarn = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32, "rope_theta": 1.0}
        cases = [
            ("no dimension turned", "partial_rotary_factor", {"partial_rotary_factor": 1e-9}),
            ("yarn on a base of one", "rope.theta: got 1, expected more than 1", {"rope_parameters": yarn}),
        ]

        def check(words, keys):
            self.assert_model_refused(words, self.copy_model(tokenizer=False, config=keys))

        self.for_each(cases, check)
        endless = {"rope_type": "dynamic", "factor": 1e300, "rope_theta": 10000.0}
        model = self.copy_model(tokenizer=False, config={"rope_parameters": endless})
        self.run_tiny(model, "--tokens", self.tokens([[1, 2, 3]]), "--only", "life_cycle")

    def test_modules_of_nothing(self):
        """A megabyte of weights vouches for a million experts, each of which would take kilobytes."""
        model = self.bare.parent / "experts"
        shutil.copytree(GOLDEN.parent.parent / "models/mixtral/two_of_four", model)
        keys = json.loads((model / "config.json").read_text())
        (model / "config.json").write_text(json.dumps(keys | {"num_local_experts": 10**6, "num_hidden_layers": 1}))
        write_safetensors(model / "model.safetensors", {"model.embed_tokens.weight": Tensor("U8", [10**6, 1], bytes(10**6))})
        self.assert_model_refused("experts.count: got 1000000, expected at most", model)

    def test_the_own_format(self):
        """What no other family describes, field by field."""
        self.megabytes_allowed = 400  # the training takes 280
        _, trained = self.train("--row", "table7/conditional-head", "--steps", 1)
        good = json.loads((trained / "model/config.json").read_text())
        experts = {"experts": {"count": 2, "chosen": 1, "d_mlp": 8}, "layers": [{"has_experts": True}] * good["model"]["n_layers"]}
        padding = {"padding_id": 0, "learned_positions": True, "ropes": []}
        cases = [
            ("experts", "no experts", experts),
            ("more positions than layers", "ropes: got 200000 of them, expected at most", {"ropes": [{}] * 200_000}),
            ("padding without a place", "padding_id: got 0, expected it in an encoder", padding),
            ("an offset past all", "position_offset", padding | {"padding_id": -1, "position_offset": 2**63 - 1}),
            ("a gate by position", "context", {"context": 10**15, "gate": {"input": "position", "width": "head"}}),
        ]

        def check(words, fields):
            model = shutil.copytree(trained / "model", self.new_path("-own"))
            (model / "config.json").write_text(json.dumps(good | {"model": good["model"] | fields}))
            self.assert_model_refused(words, model)

        self.for_each(cases, check)

    def test_sizes_that_an_empty_tensor_vouches_for(self):
        """Its dimensions cost nothing, and must not make a model of that size."""
        empty = {"empty": Tensor("U8", [0, 2**40], b"")}
        cases = [
            ("width", ["d_model", str(10**9)], {"hidden_size": 10**9}),
            ("hidden width", ["d_mlp", str(10**9)], {"intermediate_size": 10**9}),
            ("vocabulary", ["d_vocabulary", str(10**9)], {"vocab_size": 10**9}),
            ("heads", ["n_heads", str(10**8)], {"num_attention_heads": 10**8, "num_key_value_heads": 10**8}),
            ("heads' width", ["d_head", str(10**8)], {"head_dim": 10**8}),
        ]

        def check(words, keys):
            self.assert_model_refused(words, self.copy_model(tokenizer=False, config=keys, tensors=empty))

        self.for_each(cases, check)


class TokenizerCase(HostileTest):
    def setUp(self):
        super().setUp()
        self.good = json.loads((self.model / "tokenizer.json").read_text())

    def model_with(self, tokenizer):
        """A model with this object, or these bytes, as its tokenizer."""
        model = self.copy_model()
        content = tokenizer if isinstance(tokenizer, bytes) else json.dumps(tokenizer).encode()
        (model / "tokenizer.json").write_bytes(content)
        return model

    def check(self, words, tokenizer, *arguments):
        model = self.model_with(tokenizer)
        self.assert_refused([*self.patterns(words), re.escape(str(model))], "--model", model, *arguments)

    def with_model(self, **changes):
        return self.good | {"model": self.good["model"] | changes}

    def with_ids(self, **ids):
        return self.with_model(vocab=self.good["model"]["vocab"] | ids)

    def with_steps(self, key, inside, step, count=65):
        return self.good | {key: {"type": "Sequence", inside: [step] * count}}

    def splitting(self, pattern):
        split = {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}
        return self.good | {"pre_tokenizer": split}

    def plain(self, **changes):
        """A tokenizer that takes all of a text as one word."""
        return self.good | {"pre_tokenizer": None, "decoder": None, "post_processor": None} | changes


class TokenizerTest(TokenizerCase):
    def test_files_that_are_refused(self):
        token = {"content": "new", "special": False}
        wide, left = "out of range: got %d, expected 0 to 2147483647", "left token is not in the vocabulary"
        joined = "joined token is not in the vocabulary: got 'zz'"
        steps = "the %s has too many steps: got 65, expected at most 64"
        spelling = {"type": "ByteLevel", "add_prefix_space": False, "use_regex": False}

        def added(id):
            return self.good | {"added_tokens": [token | {"id": id}]}

        cases = [
            ("deep arrays", "nested deeper than 32 levels", NESTED_ARRAYS),
            ("deep objects", "nested deeper than 32 levels", NESTED_OBJECTS),
            ("deep normalizers", "nested deeper than 32 levels", b'{"normalizer":' + NESTED_OBJECTS),
            ("not an object", "got a JSON array, expected an object", b"[]"),
            ("negative id", "the id of 't' is out of range: got -1, expected 0 to", self.with_ids(t=-1)),
            ("id of 2^40", wide % 2**40, self.with_ids(t=2**40)),
            ("id of 2^63", f"an id is of the wrong kind: got {2**63}", self.with_ids(t=2**63)),
            ("fractional id", "an id is of the wrong kind: got 1.5", self.with_ids(t=1.5)),
            ("an id twice", "two tokens have one id: got 5 for '[ct]' and for '[ct]'", self.with_ids(t=5)),
            ("id beyond the model", "gives id 61 .*expected ids below 61", self.with_ids(t=61)),
            ("id of 2^31 - 1", "gives id 2147483647 .*expected ids below 61", self.with_ids(t=2**31 - 1)),
            ("no tokens", "unk_token is not in the vocabulary: got '<unk>'", self.with_model(vocab={})),
            ("a merge of an unknown token", f"{left}: got 'zz'", self.with_model(merges=["zz a"])),
            ("a merge into an unknown token", joined, self.with_model(merges=["z z"])),
            ("a merge of one token", "a merge is not two tokens: got 'z'", self.with_model(merges=["z"])),
            ("a merge of control characters", left, self.with_model(merges=[f"{ESCAPES} z"])),
            ("added id of -1", "out of range: got -1", added(-1)),
            ("added id of 2^40", wide % 2**40, added(2**40)),
            ("added id of 2^63", "id is of the wrong kind", added(2**63)),
            ("added id of another token", "two tokens have one id: got 5", added(5)),
            ("a type of control characters", "got type .*, expected BPE", self.with_model(type=ESCAPES)),
            ("a type of a megabyte", "got type .*", self.with_model(type="x" * 2**20)),
            ("a key of control characters", "is not understood", self.good | {ESCAPES: 1}),
            ("a long token", "a token is too long: got 20000 bytes, expected at most", self.with_ids(**{"t" * 20_000: 60})),
            ("a long prefix", "continuing_subword_prefix is too long", self.with_model(continuing_subword_prefix="#" * 20_000)),
            ("a long added token", "a token is too long", self.good | {"added_tokens": [added_token("t" * 20_000)]}),
            ("a long pattern", "a pattern is too long: got 80000 bytes", self.splitting(r"\w" * 40_000)),
            ("many normalizers", steps % "normalizer", self.with_steps("normalizer", "normalizers", {"type": "NFC"})),
            ("many decoders", steps % "decoder", self.with_steps("decoder", "decoders", {"type": "Fuse"})),
            ("many pre-tokenizers", steps % "pre-tokenizer", self.with_steps("pre_tokenizer", "pretokenizers", spelling)),
        ]
        self.for_each(cases, self.check)

    def test_no_tokens(self):
        model = self.model_with(self.plain(added_tokens=[], model={"type": "BPE", "vocab": {}, "merges": []}))
        self.assert_refused("too short: got 0 tokens, expected", "--model", model)

    def test_files_that_are_none(self):
        special, loop = "not a file: got a special file, expected", "Too many levels of symbolic links|is missing"
        kinds = [
            ("zeros", special, lambda path: os.symlink("/dev/zero", path)),
            ("a pipe", special, os.mkfifo),
            ("a loop", loop, lambda path: os.symlink(path.name, path)),
        ]
        names = ["tokenizer.json", "tokenizer_config.json"]
        cases = [(f"{name} of {what}", words, name, make) for name in names for what, words, make in kinds]

        def check(words, name, make):
            model = self.copy_model()
            (model / name).unlink(missing_ok=True)
            make(model / name)
            self.assert_refused([words, re.escape(str(model))], "--model", model)

        self.for_each(cases, check)

    def test_ten_million_merges(self):
        """Of 170 MB; the memory it takes is a small multiple of that."""
        model = self.copy_model()
        file = model / "tokenizer.json"
        letters = "abcdefgh"
        lefts = [first + second * 5 for first in letters for second in letters]
        tokens = lefts + [left + right for left in lefts for right in lefts]
        vocabulary = {token: 61 + number for number, token in enumerate(tokens)}
        head = json.dumps(self.with_model(vocab=self.good["model"]["vocab"] | vocabulary)).encode()
        begin, end = head.split(b'"merges": []')
        merges = ",".join(f'"{left} {right}"' for left in lefts for right in lefts).encode()
        with file.open("wb") as stream:
            stream.write(begin + b'"merges":[' + merges)
            for _ in range(10_000_000 // len(lefts) ** 2):
                stream.write(b"," + merges)
            stream.write(b"]" + end)
        self.seconds_allowed, self.megabytes_allowed = 60, 256 + 8 * (file.stat().st_size >> 20)
        done = self.start("anatomy", ["--model", model, "--out", self.new_path("-out"), "--only", "perplexity"])
        if done.returncode != 0:
            self.assert_one_sentence(done, ["merges", re.escape(str(file))])

    def test_patterns_that_try_every_way(self):
        """PCRE2 counts the steps of a search."""
        letters = self.file("a" * 100_000 + "!\n")
        crosses = self.file("x" * 100_000 + "!y")  # without any y PCRE2 does not begin
        limit = r"a pattern cannot be searched for: .*(limit|too many)"
        cases = [
            ("(a+)+$", letters, r"(a+)+$"),
            ("(a|a)*$", letters, r"(a|a)*$"),
            ("(a|aa)+$", letters, r"(a|aa)+$"),
            ("(x+x+)+y", crosses, r"(x+x+)+y"),
            ("(x+x+)+[yz]", crosses, r"(x+x+)+[yz]"),
        ]

        def check(text, pattern):
            model = self.model_with(self.splitting(pattern))
            self.assert_refused([limit, re.escape(pattern)], "--model", model, "--text", text)

        self.for_each(cases, check)

    def test_texts_that_steps_make_grow(self):
        """Manyfold by each of them, or a little for each of many pieces."""
        replace = {"type": "Replace", "pattern": {"String": "a"}, "content": "a" * 100}
        spelling = {"type": "ByteLevel", "add_prefix_space": False, "use_regex": False}
        prepend, some = ({"type": "Prepend", "prepend": "a" * count} for count in (1_000_000, 10_000))
        forms = [{"id": 61 + n, "content": f"<{n}>", "normalized": True, "special": False} for n in range(10_000)]
        pieces, words = self.file("<s>a" * 1000), self.file("é and a word " * 1000)
        cut = self.splitting("é")["pre_tokenizer"]
        cutting = self.good | {"pre_tokenizer": {"type": "Sequence", "pretokenizers": [cut, *[spelling] * 17]}}
        grows = "the %s makes a text too long: got [0-9]+ bytes"
        cases = [
            ("normalizers", grows % "normalizer", self.with_steps("normalizer", "normalizers", replace, 8), words),
            ("pre-tokenizers", grows % "pre-tokenizer", self.with_steps("pre_tokenizer", "pretokenizers", spelling, 34), words),
            ("pieces of a word", grows % "pre-tokenizer", cutting, words),
            ("pieces of a text", grows % "normalizer", self.good | {"normalizer": prepend}, pieces),
            ("added tokens", grows % "normalizer", self.good | {"normalizer": some, "added_tokens": forms}, words),
        ]

        def check(words, tokenizer, file):
            self.assert_refused(words, "--model", self.model_with(tokenizer), "--text", file)

        self.for_each(cases, check)

    def test_a_run_of_spaces_is_looked_at_once(self):
        """Not from each of its places, by a token that takes the spaces around it."""
        token = {"id": 60, "content": " ", "lstrip": True, "rstrip": True, "normalized": False, "special": False}
        model = self.model_with(self.good | {"added_tokens": [*self.good["added_tokens"], token]})
        self.run_tiny(model, "--text", self.file(" " * 1_000_000), "--only", "life_cycle")

    def test_a_vocabulary_of_markup_and_control_characters(self):
        """The page shows it as text, and a terminal gets none of it."""
        hostile = [
            SCRIPT,
            "</script><script>alert(2)</script>",
            '"><img src=hostile onerror=alert(3)>',
            "<!--",
            ESCAPES,
            "\0",
            "\x9b2J",
            "\r\nreport forged",
            "\u2028\u2029",
            "\u202e",
        ]
        vocabulary = {token: id for id, token in enumerate(VOCABULARY[:3] + hostile)}
        tokenizer = self.plain(model=self.good["model"] | {"vocab": vocabulary, "merges": []})
        width = 32
        embedding = read_safetensors(GOLDEN / "model.safetensors")[EMBEDDING]
        spikes = embedding.with_values({id * width + 5: 3000.0 for id in vocabulary.values()})
        model = self.copy_model(tensors={EMBEDDING: spikes})
        (model / "tokenizer.json").write_text(json.dumps(tokenizer))
        ids = [list(vocabulary.values())] + [[id] * 4 for id in vocabulary.values()]
        _, out = self.run_tiny(model, "--tokens", self.tokens(ids))
        told = json.dumps(read_report(out), ensure_ascii=False)
        for token in hostile:
            self.assertIn(json.dumps(token, ensure_ascii=False)[1:-1], told)
        page = (out / "report.html").read_text(encoding="utf-8")
        self.assertNotRegex(page, r"(?i)<script>\s*alert|<img src=hostile")
        self.assertNotIn("\x1b", page)

    def test_a_note_about_a_tokenizer_is_text(self):
        """With ids that are given a tokenizer that is refused is but a note on the terminal."""
        model = self.model_with(self.with_model(type=f"{ESCAPES}\nforged"))
        told, _ = self.run_tiny(model, "--tokens", self.tokens([[1, 2, 3]]), "--only", "life_cycle")
        self.assertIn("tokens are shown without their text", told)


class TextTest(TokenizerCase):
    def test_texts_that_are_read(self):
        words = b"the cat sat on the mat "
        cases = [
            ("not UTF-8", words * 10 + bytes(range(128, 256)) * 10),
            ("cut in a character", words * 10 + "é".encode()[:1]),
            ("NUL", words * 10 + bytes(1000)),
            ("control characters", words * 10 + ESCAPES.encode() * 100),
        ]

        def check(content):
            self.run_tiny(self.model, "--text", self.file(content), "--length", 16, "--only", "life_cycle")

        self.for_each(cases, check)

    def test_ten_megabytes_without_a_space(self):
        """What a word costs must not grow with its square, whatever the kind of tokenizer."""
        file = self.new_path(".txt")
        with file.open("wb") as stream:
            for _ in range(10_000):
                stream.write(b"a" * 1000)
        pairs = ["a" * 2**power for power in range(5)]
        merges = [f"{pair} {pair}" for pair in pairs[:-1]]
        ids = {"<unk>": 0} | {pair: 1 + number for number, pair in enumerate(pairs)}
        words = {"type": "WordPiece", "unk_token": "<unk>", "continuing_subword_prefix": "##"}
        cases = [
            ("BPE", {"type": "BPE", "vocab": ids, "merges": merges}),
            ("unigram", {"type": "Unigram", "unk_id": 0, "vocab": [[token, -id] for token, id in ids.items()]}),
            ("WordPiece", words | {"max_input_chars_per_word": 2**62, "vocab": ids | {"##a": 10, "##aa": 11}}),
        ]
        self.seconds_allowed, self.megabytes_allowed = 60, 1024

        def check(kind):
            model = self.model_with(self.plain(added_tokens=[], model=kind))
            self.run_tiny(model, "--text", file, "--only", "life_cycle")

        self.for_each(cases, check)

    def test_a_pipe_is_read(self):
        file = self.file("the cat sat on the mat " * 100)
        pipe = ["bash", "-c", f'exec "$0" "$@" --text <(cat {file})']
        done = self.start("anatomy", ["--model", self.model, "--threads", 1, "--only", "life_cycle"], pipe)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_texts_that_are_none(self):
        """A device that never ends is not read."""
        zeros = self.new_path(".txt")
        os.symlink("/dev/zero", zeros)
        cases = [
            ("a folder", "is a folder, expected a file", self.bare, "--text"),
            ("zeros", "not a file|special file|device", zeros, "--text"),
            ("ids of a folder", "is a folder, expected a file", self.bare, "--tokens"),
            ("ids of zeros", "not a file|special file|device", zeros, "--tokens"),
        ]

        def check(words, path, option):
            self.assert_refused([words, re.escape(str(path))], "--model", self.model, option, path)

        self.for_each(cases, check)


class TokensTest(HostileTest):
    def test_ids(self):
        kind = "is not a JSON array of arrays of token ids"
        cases = [
            ("deep arrays", kind, "[" * DEEP),
            ("deep and whole", kind, "[" * DEEP + "]" * DEEP),
            ("deep objects", kind, '{"a":' * DEEP),
            ("2^63", kind, f"[[{2**63}]]"),
            ("1e308", kind, "[[1e308]]"),
            ("NaN", kind, "[[NaN]]"),
            ("2^63 - 1", f"got ids from 1 to {2**63 - 1}, expected 0 to 60", f"[[1, {2**63 - 1}]]"),
            ("beyond the vocabulary", "got ids from 1 to 61, expected 0 to 60", "[[1, 61]]"),
            ("negative", "got ids from -1 to 1, expected 0 to 60", "[[1, -1]]"),
            ("an empty sequence", "sequence 1 is empty", "[[1], []]"),
            ("no sequences", "no sequences", "[]"),
            ("a million empty sequences", "sequence 0 is empty", "[" + "[]," * 999_999 + "[]]"),
        ]

        def check(words, content):
            file = self.file(content, ".json")
            self.assert_refused(words, "--model", self.model, "--tokens", file, "--quiet")

        self.for_each(cases, check)


class PlanTest(HostileTest):
    """What spikesink-interventions is given with --file."""

    def test_plans(self):
        cases = [
            ("deep arrays", "nested deeper than 16 levels", "[" * DEEP),
            ("deep and whole", "nested deeper than 16 levels", "[" * DEEP + "]" * DEEP),
            ("deep objects", "nested deeper than 16 levels", '[{"parts":' * DEEP),
            ("not JSON", "is not JSON", "[{]"),
        ]

        def check(words, content):
            tokens, file = self.tokens([[1, 2, 3]]), self.file(content, ".json")
            arguments = ["--model", self.bare, "--tokens", tokens, "--file", file]
            self.assert_refused(words, *arguments, program="interventions")

        self.for_each(cases, check)


class ReferenceTest(HostileTest):
    """What spikesink-parity compares with."""

    def test_references(self):
        def row(*ids):
            return Tensor("I64", [1, len(ids)], struct.pack(f"<{len(ids)}q", *ids))

        tokens = row(1, 2, 3)
        inside = "got ids from %d to %d, expected 0 to 60"
        point = "blocks.0.hook_resid_post"
        cases = [
            ("no ids", "has no tensor 'tokens'", {point: Tensor("F32", [1], bytes(4))}),
            ("ids of floats", "'tokens' of .* is .*, expected", {"tokens": Tensor("F32", [1, 3], bytes(12))}),
            ("flat ids", "'tokens' of .* is .*, expected", {"tokens": Tensor("I64", [3], tokens.data)}),
            ("no rows", "no sequences", {"tokens": Tensor("I64", [0, 3], b"")}),
            ("empty rows", "the sequences of 'tokens' are empty", {"tokens": Tensor("I64", [1, 0], b"")}),
            ("2^40 empty rows", "empty", {"tokens": Tensor("I64", [2**40, 0], b"")}),
            ("negative ids", inside % (-1, 3), {"tokens": row(1, -1, 3)}),
            ("huge ids", inside % (1, 2**62), {"tokens": row(1, 2**62, 3)}),
            ("a point without dimensions", point, {"tokens": tokens, point: Tensor("F32", [], bytes(4))}),
            ("a point of no rows", point, {"tokens": tokens, point: Tensor("F32", [0, 3, 32], b"")}),
            ("a point of many empty rows", point, {"tokens": tokens, point: Tensor("F32", [2**40, 3, 0], b"")}),
            ("a name of control characters", "is no hook point", {"tokens": tokens, ESCAPES: Tensor("F32", [0], b"")}),
        ]

        def check(words, tensors):
            file = self.new_path(".safetensors")
            write_safetensors(file, tensors)
            self.assert_refused(words, "--model", self.bare, "--reference", file, "--quiet", program="parity")

        self.for_each(cases, check)


class TrainingCase(HostileTest):
    megabytes_allowed = 400  # the good training, from which the others' configurations are, takes 260


class TrainingConfigTest(TrainingCase):
    def test_configurations(self):
        good = json.loads(self.training_config().read_text())
        zeros, words = self.new_path(".txt"), self.file("words " * 1000)
        os.symlink("/dev/zero", zeros)
        special = "not a file: got a special file, expected a regular file"

        def model(**changes):
            return good | {"model": good["model"] | changes}

        cases = [
            ("deep arrays", "nested deeper than 16 levels", NESTED_ARRAYS),
            ("deep objects", "nested deeper than 16 levels", b'{"model":' + NESTED_OBJECTS),
            ("not an object", "got a JSON array, expected an object", b"[]"),
            ("not JSON", "not JSON", b"steps: 1"),
            ("NaN", "not JSON", {"initial_deviation": math.nan}),
            ("steps of 2^63", f"steps is of the wrong kind: got {2**63}", {"steps": 2**63}),
            ("steps of 1e308", "steps is of the wrong kind", {"steps": 1e308}),
            ("-1 steps", "steps: got -1, expected at least 0", {"steps": -1}),
            ("a rate of 1e308", r"learning_rate: got 1e\+308, expected 0 to", {"optimizer": {"learning_rate": 1e308}}),
            ("10^9 layers", "n_layers|memory", model(n_layers=10**9)),
            ("width of 10^9", "d_model|memory", model(d_model=10**9)),
            ("width of 2^62", "d_model|memory", model(d_model=2**62)),
            ("10^12 tokens", "d_vocabulary|memory", model(d_vocabulary=10**12)),
            ("10^12 sequences", "sequences|memory", {"sequences": 10**12}),
            ("10^12 measured sequences", "measured_sequences|memory", {"measured_sequences": 10**12}),
            ("length of 10^12", "context: got 10{12}", model(context=10**12) | {"length": 10**12}),
            ("10^12 tokens of the task", "tokens|memory", {"backcopy": {"tokens": 10**12}}),
            ("a matrix of 2^40", r"got sizes for .*e\+1\d parameters", model(d_model=2**20, d_mlp=2**20)),
            ("2^46 tokens at once", "sequences . length: got", model(context=2**23) | {"sequences": 2**23, "length": 2**23}),
            ("control characters", "is not understood", {ESCAPES: 1}),
            ("no heads", "n_heads: got 0, expected a positive number", model(n_heads=0)),
            ("a corpus of zeros", special, model(d_vocabulary=300) | {"data": {"training": [str(zeros)]}}),
            ("a tokenizer of zeros", special, {"data": {"training": [str(words)], "tokenizer": str(zeros)}}),
        ]

        def check(words, content):
            content = content if isinstance(content, bytes) else json.dumps(good | content).encode()
            out = self.new_path("-training")
            done = self.start("train", ["--threads", 1, "--config", self.file(content, ".json"), "--out", out])
            self.assert_one_sentence(done, words)
            self.assertEqual(list(out.rglob("*")) if out.exists() else [], [])

        self.for_each(cases, check)

    def test_a_device_is_no_configuration(self):
        zeros = self.new_path(".json")
        os.symlink("/dev/zero", zeros)
        done = self.start("train", ["--config", zeros, "--out", self.new_path("-training")])
        self.assert_one_sentence(done, ["not a file|special file|device", re.escape(str(zeros))])


class CheckpointTest(TrainingCase):
    def test_checkpoints(self):
        config = self.training_config(steps=2, checkpoint_every=2)
        _, trained = self.train("--config", config)
        step = "checkpoints/step-2"
        manifest = json.loads((trained / step / "checkpoint.json").read_text())
        listed = {file["name"]: file for file in manifest["files"]}

        def with_file(**changes):
            """A manifest that lists `config.json` as something else."""
            return manifest | {"files": list((listed | {"config.json": listed["config.json"] | changes}).values())}

        def rewrite(name, change):
            def spoil(folder):
                path = folder / step / name
                path.write_bytes(change(path.read_bytes()))

            return spoil

        def replaced(name, content):
            content = content if isinstance(content, bytes) else json.dumps(content).encode()
            return rewrite(name, lambda _: content)

        def outside(folder):
            shutil.copy(folder / step / "config.json", folder / "config.json")
            replaced("checkpoint.json", with_file(name="../../config.json"))(folder)

        def flipped(old):
            return old[:-1] + bytes([old[-1] ^ 1])

        def zeros(name):
            def spoil(folder):
                (folder / name).unlink()
                os.symlink("/dev/zero", folder / name)

            return spoil

        changed = r"not as it was written: got \d+ bytes, expected -?\d+ with the checksum"
        special, name = "special file|regular file|device|missing", "expected .*(file name|in the folder)"
        weights, optimizer = "model.safetensors", "optimizer.safetensors"
        cases = [
            ("truncated weights", [changed, weights], rewrite(weights, lambda old: old[:-1])),
            ("empty weights", [changed, weights], rewrite(weights, lambda old: b"")),
            ("one bit of the weights", [changed, weights], rewrite(weights, flipped)),
            ("truncated optimizer", [changed, optimizer], rewrite(optimizer, lambda old: old[:100])),
            ("a wrong checksum", changed, replaced("checkpoint.json", with_file(xxh128="f" * 32))),
            ("a checksum of control characters", changed, replaced("checkpoint.json", with_file(xxh128=ESCAPES))),
            ("a size of -1", changed, replaced("checkpoint.json", with_file(bytes=-1))),
            ("deep arrays", "nested deeper than 8 levels", replaced("checkpoint.json", NESTED_ARRAYS)),
            ("deep objects", "nested deeper than 8 levels", replaced("checkpoint.json", NESTED_OBJECTS)),
            ("not an object", "got a JSON array, expected an object", replaced("checkpoint.json", b"[]")),
            ("empty", "the file is empty", replaced("checkpoint.json", b"")),
            ("a file twice", "is listed twice", replaced("checkpoint.json", manifest | {"files": manifest["files"] * 2})),
            ("another step", "step: got 7, expected 2", replaced("checkpoint.json", manifest | {"step": 7})),
            ("another format", "format: got 9, expected 1", replaced("checkpoint.json", manifest | {"format": 9})),
            ("a file outside", [r"\.\./\.\./config\.json", name], outside),
            ("an absolute file", ["/etc/passwd", name], replaced("checkpoint.json", with_file(name="/etc/passwd"))),
            ("a file of zeros", special, zeros(f"{step}/{weights}")),
            ("a manifest of zeros", special, zeros(f"{step}/checkpoint.json")),
            ("a configuration of zeros", special, zeros("train.json")),
            ("a log of zeros", [special, r"log\.jsonl"], zeros("log.jsonl")),
        ]

        def check(words, spoil):
            folder = shutil.copytree(trained, self.new_path("-spoilt"))
            spoil(folder)
            before = sorted(folder.rglob("*"))
            done = self.start("train", ["--threads", 1, "--config", config, "--out", folder])
            self.assert_one_sentence(done, [*self.patterns(words), re.escape(str(folder))])
            self.assertEqual(sorted(folder.rglob("*")), before)

        self.for_each(cases, check)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
