#!/usr/bin/env python3
"""An index made to do harm, and shards that are not files, are refused in one sentence.

    tests/hostile/shards_test.py FOLDER_OF_PROGRAMS REPOSITORY [arguments of unittest]
"""

import json
import os
import sys
import unittest

from hostile_case import ESCAPES, NESTED_ARRAYS, HostileTest
from program_case import GOLDEN
from tiny_models import read_safetensors


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
            ("another name of a shard", "the file name of a shard is not normalised: got './1.safetensors', expected '1.safetensors'", self.weight_map(x="./1.safetensors")),
            ("a folder and back", "the file name of a shard is not normalised: got 'a//1.safetensors'", self.weight_map(x="a//1.safetensors")),
            ("the folder itself", "not a file: got a folder, expected a regular file", self.weight_map(x=".")),
            ("itself", ["header's size is impossible", index], self.weight_map(x=index)),
            ("missing", [r"a shard is missing: .*/2\.safetensors"], self.weight_map(x="2.safetensors")),
            ("a tensor that is not there", "a tensor that is not in its shard: 'x' in 1.safetensors", self.weight_map(x="1.safetensors")),
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

    def test_shards_that_are_not_files(self):
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

    def test_model_files_that_are_not_files(self):
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


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
