#!/usr/bin/env python3
"""Which files --model takes, and how it refuses the others.

    tests/examples/model_files_test.py FOLDER_OF_PROGRAMS REPOSITORY [arguments of unittest]
"""

import math
import shutil
import struct
import sys
import unittest

from program_case import GOLDEN, KILOBYTES_ALLOWED, PROGRAMS, ProgramTest
from report_case import EMBEDDING, VOCABULARY_SIZE, WIDTH
from tiny_models import Tensor, join_safetensors, read_safetensors, split_safetensors

SANITIZED = b"__asan_init" in (PROGRAMS / "spikesink-anatomy").read_bytes()


class ModelFilesTest(ProgramTest):
    def test_gguf_is_the_same_model(self):
        tokens = self.tokens([list(range(10, 30))])
        losses = [
            self.report("anatomy", "--model", model, "--tokens", tokens)["perplexity"]["mean_loss"]
            for model in (self.bare, GOLDEN / "plain.gguf")
        ]
        self.assertAlmostEqual(losses[0], losses[1], places=4)

    def test_a_file_of_weights_stands_for_its_folder(self):
        report = self.report("anatomy", "--model", self.model / "model.safetensors", "--sequences", 1)
        self.assertTrue(report["configuration"]["bos"])

    def test_a_folder_may_end_in_a_slash(self):
        done, _ = self.run_well("anatomy", "--model", f"{self.model}/", "--sequences", 1)
        self.assertTrue(done.stdout.startswith(f"{self.model.name}: "), done.stdout)

    def test_quotes_and_spaces_in_paths(self):
        model = shutil.copytree(self.model, self.folder / 'a "model" \\ of é')
        configuration = self.report("anatomy", "--model", model, "--sequences", 1)["configuration"]
        self.assertEqual(configuration["model"], str(model))


class BadModelTest(ProgramTest):
    """Token ids are given, so that nothing but the model is at fault."""

    def assert_model_refused(self, words, model, **more):
        self.assert_refused(words, "--model", model, "--tokens", self.tokens([[1, 2, 3]]), "--quiet", **more)

    def test_bad_paths(self):
        pickle = b"\x80\x04N."
        with_bin, empty = self.folder / "with_bin", self.folder / "empty"
        empty.mkdir()
        shutil.copytree(self.bare, with_bin)
        (with_bin / "model.safetensors").unlink()
        without_weights = shutil.copytree(with_bin, self.folder / "without_weights")
        (with_bin / "pytorch_model.bin").write_bytes(pickle)
        cases = [
            ("missing", ["no such file or folder", "missing"], self.folder / "missing"),
            ("empty folder", ["no weights in", "model.safetensors"], empty),
            ("no weights", ["no weights in", "model.safetensors"], without_weights),
            ("pickle in the folder", ["bare pickle", "pytorch_model.bin", "zip file"], with_bin),
            (".bin", ["bare pickle", ".bin"], self.file(pickle, ".bin")),
            (".pt", ["bare pickle", ".pt"], self.file(pickle, ".pt")),
            ("another kind of file", [".txt", ".gguf"], self.file("text")),
        ]
        self.for_each(cases, self.assert_model_refused)

    def test_bad_gguf(self):
        good = (GOLDEN / "plain.gguf").read_bytes()
        cases = [
            ("wrong magic", "not a GGUF file", b"garbage " * 100),
            ("empty", "is empty", b""),
            ("unknown version", "version", good[:4] + struct.pack("<I", 9) + good[8:]),
            ("cut in the header", "passes the end of the file", good[:100]),
            ("cut in the list of tensors", ["ends too early", "interrupted download"], good[:900]),
            ("cut in the data", ["passes the end of the file", "interrupted download"], good[: len(good) // 2]),
            ("lying count", "passes the end of the file", good[:8] + struct.pack("<Q", 2**60) + good[16:]),
            ("NaN", "NaN or infinity", good[:-4] + struct.pack("<f", math.nan)),
        ]
        self.for_each(cases, lambda words, content: self.assert_model_refused(words, self.file(content, ".gguf")))

    def test_bad_safetensors(self):
        good = (GOLDEN / "model.safetensors").read_bytes()

        header, data = split_safetensors(good)
        begin, end = header[EMBEDDING]["data_offsets"]

        def with_entry(**changes):
            return join_safetensors(header | {EMBEDDING: header[EMBEDDING] | changes}, data)

        cases = [
            ("empty", "is empty", b""),
            ("cut in the header", "interrupted download", good[:100]),
            ("cut in the data", ["passes the end of the file", "interrupted download"], good[: len(good) // 2]),
            ("huge header", ["header's size is impossible", str(2**62)], struct.pack("<Q", 2**62) + good[8:]),
            ("header is not JSON", "not JSON", good[:8] + b"!" + good[9:]),
            ("overlapping data", "overlaps", join_safetensors(header | {"twin": header[EMBEDDING]}, data)),
            ("a gap", "leaves a gap", with_entry(data_offsets=[begin + 4, end + 4])),
            ("data past the end", "passes the end of the file", with_entry(data_offsets=[2**40, 2**40 + end - begin])),
            ("data unlike its shape", "does not fit the shape", with_entry(shape=[VOCABULARY_SIZE, WIDTH + 1])),
            ("huge shape", "more elements than can be counted", with_entry(shape=[2**40, 2**40])),
            ("unknown dtype", "F8_E4M3", with_entry(dtype="F8_E4M3")),
            ("bytes after the last tensor", "bytes follow", good + b"\0" * 8),
        ]

        def check(words, content):
            model = self.copy_model(tokenizer=False)
            (model / "model.safetensors").write_bytes(content)
            self.assert_model_refused(words, model)

        self.for_each(cases, check)

    def test_bad_tensors(self):
        weights = read_safetensors(GOLDEN / "model.safetensors")
        name = "model.layers.1.self_attn.k_proj.weight"
        tensor = weights[name]
        double = Tensor("F32", [2 * tensor.shape[0], tensor.shape[1]], tensor.data * 2)
        flipped = Tensor("F32", tensor.shape[::-1], tensor.data)
        integers = Tensor("I32", tensor.shape, tensor.data)
        cases = [
            ("NaN", [name, "NaN or infinity"], {name: tensor.with_values({3: math.nan})}),
            ("infinity", [name, "NaN or infinity"], {name: tensor.with_values({3: -math.inf})}),
            ("missing", [name, "is missing", "[16, 32]"], {name: None}),
            ("extra", ["model.layers.2.extra.weight", "not used"], {"model.layers.2.extra.weight": tensor}),
            ("extra bias", ["k_proj.bias", "not used"], {name.replace("weight", "bias"): tensor}),
            ("too many rows", [name, "[32, 32]", "[16, 32]"], {name: double}),
            ("transposed", [name, "[32, 16]", "[16, 32]"], {name: flipped}),
            ("integers", [name, "I32", "floating point"], {name: integers}),
        ]
        self.for_each(cases, lambda words, tensors: self.assert_model_refused(words, self.copy_model(tensors=tensors)))

    def test_bad_config(self):
        cases = [
            ("packed weights", ["quantization_config", "quant_method", "missing"], {"quantization_config": {"bits": 4}}),
            ("unknown architecture", ["model_type", "mamba"], {"model_type": "mamba"}),
            ("unknown activation", ["hidden_act", "mish"], {"hidden_act": "mish"}),
            ("unknown RoPE", ["rope_type", "spiral"], {"rope_parameters": {"rope_type": "spiral", "factor": 2.0}}),
            ("missing key", ["hidden_size", "missing"], {"hidden_size": None}),
            ("text for a number", ["hidden_size", "integer"], {"hidden_size": "32"}),
            ("no layers", ["n_layers", "positive"], {"num_hidden_layers": 0}),
            ("negative width", ["positive", "-32"], {"hidden_size": -32}),
            ("no heads", ["n_heads", "positive"], {"num_attention_heads": 0}),
            ("no key heads", ["n_key_value_heads", "positive"], {"num_key_value_heads": 0}),
            ("heads that do not divide", ["n_key_value_heads", "divisor"], {"num_key_value_heads": 3}),
            ("odd head", ["d_head", "even"], {"head_dim": 7}),
            ("no context", ["context", "positive"], {"max_position_embeddings": 0}),
            ("negative context", ["context", "positive"], {"max_position_embeddings": -5}),
            ("a layer too many", ["model.layers.2.", "missing"], {"num_hidden_layers": 3}),
            ("a layer too few", ["model.layers.1.", "not used"], {"num_hidden_layers": 1}),
            ("epsilon 0", ["norm_epsilon", "positive"], {"rms_norm_eps": 0}),
        ]
        self.for_each(cases, lambda words, config: self.assert_model_refused(words, self.copy_model(config=config)))

    @unittest.skipIf(SANITIZED, "sanitizers need the address space")
    def test_a_lying_config_takes_no_memory(self):
        limit = ["sh", "-c", f'ulimit -v {KILOBYTES_ALLOWED} && exec "$0" "$@"']
        cases = [
            ("layers", ["n_layers", "at most"], {"num_hidden_layers": 2**40}),
            ("width", ["d_model", "at most"], {"hidden_size": 2**40}),
            ("hidden width", ["d_mlp", "at most"], {"intermediate_size": 2**40}),
            ("vocabulary", ["d_vocabulary", "at most"], {"vocab_size": 2**40}),
            ("nearly 64 bits", ["d_vocabulary", "at most"], {"vocab_size": 2**62}),
            ("heads", ["n_heads", "at most"], {"num_attention_heads": 2**62, "num_key_value_heads": 2**62}),
            ("past 64 bits", "hidden_size", {"hidden_size": 2**64 - 1}),
        ]
        self.for_each(
            cases, lambda words, config: self.assert_model_refused(words, self.copy_model(config=config), prefix=limit)
        )

    def test_bad_config_files(self):
        config = self.bare / "config.json"
        for what, words, content in [
            ("not JSON", ["not JSON", "config.json"], "{"),
            ("a list", ["array", "object", "config.json"], "[]"),
            ("empty", "config.json", ""),
        ]:
            with self.subTest(what):
                config.write_text(content)
                self.assert_model_refused(words, self.bare)
        config.unlink()
        self.assert_model_refused(["cannot open", "config.json"], self.bare)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
