#!/usr/bin/env python3
"""Configurations and checkpoints made to do harm end a training in one sentence, and change no file.

    tests/hostile/training_test.py FOLDER_OF_PROGRAMS REPOSITORY [arguments of unittest]
"""

import json
import math
import os
import re
import shutil
import sys
import unittest

from hostile_case import ESCAPES, NESTED_ARRAYS, NESTED_OBJECTS, HostileTest


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
            ("NaN", "not JSON", {"initial": {"matrix_deviation": math.nan}}),
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
