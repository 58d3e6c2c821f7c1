#!/usr/bin/env python3
"""A GGUF file made to do harm is refused in one sentence, within bounds of time and memory.

    tests/hostile/gguf_test.py FOLDER_OF_PROGRAMS REPOSITORY [arguments of unittest]
"""

import os
import struct
import sys
import unittest

from hostile_case import (
    ARRAY,
    DEEP,
    ESCAPES,
    STRING,
    UINT32,
    UINT64,
    UINT8,
    HostileTest,
    gguf,
    gguf_tensor,
    gguf_tensors,
    text,
    u32,
    u64,
)
from program_case import GOLDEN


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

    def test_parts(self):
        """Files of a split model that are missing, or lie about which model and which part of it they are."""

        def part(number, count=2, tensors=2, name=None):
            numbers = [("split.no", number), ("split.count", count), ("split.tensors.count", tensors)]
            keys = b"".join(text(key) + u32(UINT32) + u32(value) for key, value in numbers)
            return gguf_tensors(gguf_tensor(name or f"x{number}"), keys=3, body=keys)

        def check(words, files, at_fault):
            folder = self.new_path("-parts")
            folder.mkdir()
            for name, content in files.items():
                (folder / name).write_bytes(content)
            self.assert_model_refused(words, folder / next(iter(files)), folder / at_fault)
            self.assert_model_refused(words, folder, folder / at_fault)

        first, second = "m-00001-of-00002.gguf", "m-00002-of-00002.gguf"
        lone, many = "m-00001-of-65535.gguf", 2**31 - 1
        disagrees, missing = "a part does not agree with its name: got split.%s %d, expected %d", "got no file '%s'"
        other = "two parts are of different models: got split.tensors.count 3, expected 2 as in " + first
        renamed = "was renamed: got 'model.gguf', expected a name that ends in -00002-of-00002.gguf"
        range_of_count = f"got {2**32 - 1}, expected an integer from 0 to 65535 .*'split.count'"
        cases = [
            ("no second part", missing % second, {first: part(0)}, first),
            ("no first part", missing % first, {second: part(1)}, second),
            ("one of 65535 parts", missing % "m-00002-of-65535.gguf", {lone: part(0, 65535)}, lone),
            ("2^32 - 1 parts", range_of_count, {first: part(0, 2**32 - 1)}, first),
            ("a number past the count", disagrees % ("no", 7, 0), {first: part(7), second: part(1)}, first),
            ("one part twice", disagrees % ("no", 0, 1), {first: part(0), second: part(0)}, second),
            ("a part of more", disagrees % ("count", 3, 2), {first: part(0), second: part(1, 3)}, second),
            ("a part of another model", other, {first: part(0), second: part(1, tensors=3)}, second),
            ("a whole model as a part", "got nothing, expected", {first: part(0), second: gguf()}, second),
            ("too few tensors", f"got 2 tensors, expected {many}", {first: part(0, 2, many), second: part(1, 2, many)}, first),
            ("one name", "two tensors have one name: 'x'", {first: part(0, name="x"), second: part(1, name="x")}, first),
            ("another format", "not a GGUF file", {first: part(0), second: bytes(64)}, second),
            ("renamed", renamed, {"model.gguf": part(1)}, "model.gguf"),
        ]
        self.for_each(cases, check)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
