#!/usr/bin/env python3
"""A safetensors file made to do harm is refused in one sentence, within bounds of time and memory.

    tests/hostile/safetensors_test.py FOLDER_OF_PROGRAMS REPOSITORY [arguments of unittest]
"""

import os
import sys
import unittest

from hostile_case import DEEP, EMBEDDING, ESCAPES, SCRIPT, NESTED_ARRAYS, NESTED_OBJECTS, HostileTest, safetensors, u64
from program_case import GOLDEN
from tiny_models import join_safetensors, split_safetensors

ENTRY = '"x":{"dtype":"%s","shape":%s,"data_offsets":%s}'


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

    def test_headers_of_other_kinds(self):
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
            ("offsets past 2^64", "'data_offsets' contains .*, expected integers", one_tensor(offsets=[2**64, 2**64 + 4])),
            ("offset of -4", "'data_offsets' contains -4, expected integers", one_tensor(offsets="[-4,0]")),
            ("three offsets", "data_offsets: got 3 numbers, expected 2", one_tensor(offsets="[0,2,4]")),
            ("dtype of twice the bytes", unfit % r"8 for \[1\] of F64", one_tensor(dtype="F64")),
            ("shape of twice the elements", unfit % r"8 for \[2\] of F32", one_tensor(shape="[2]")),
            ("unknown dtype", "unknown dtype: got 'F13', expected one of .*F32", one_tensor(dtype="F13")),
            ("elements past 2^64", uncountable, one_tensor(shape=[2**32, 2**32])),
            ("elements that wrap round to 1", uncountable, one_tensor(shape=[2**32 + 1, 2**32 - 1, 2**63 - 1])),
            ("bytes past 2^64", uncountable, one_tensor(shape=[2**62])),
            ("nothing times too much", uncountable, one_tensor(b"", shape=[0, 2**32, 2**32], offsets="[0,0]")),
            ("negative size", "'shape' contains -1, expected integers from 0", one_tensor(shape="[-1]")),
            ("two negative sizes", "'shape' contains -1, expected integers from 0", one_tensor(shape="[-1,-1]")),
            ("fractional size", "'shape' contains 1.5, expected integers", one_tensor(shape="[1.5]")),
            ("size of 1e308", r"'shape' contains 1e\+308, expected integers", one_tensor(shape="[1e308]")),
            ("size of 2^63", "'shape' contains 9223372036854775808, expected integers", one_tensor(shape=[2**63])),
            ("a million sizes", "does not fit the shape", one_tensor(shape="[" + "1," * 999_999 + "2]")),
        ]
        self.for_each(cases, self.check)

    def test_names_of_control_characters(self):
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


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
