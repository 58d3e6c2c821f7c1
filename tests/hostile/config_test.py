#!/usr/bin/env python3
"""A config.json made to do harm is refused in one sentence, within bounds of time and memory.

    tests/hostile/config_test.py FOLDER_OF_PROGRAMS REPOSITORY [arguments of unittest]
"""

import json
import math
import shutil
import sys
import unittest

from hostile_case import ESCAPES, SCRIPT, NESTED_ARRAYS, NESTED_OBJECTS, HostileTest
from program_case import GOLDEN
from tiny_models import Tensor, write_safetensors


class ConfigTest(HostileTest):
    def check(self, words, content):
        model = self.copy_model(tokenizer=False)
        file = model / "config.json"
        file.write_bytes(content)
        self.assert_model_refused(words, model, named=file)

    def test_files_of_other_kinds(self):
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
            ("a value of control characters", "quantization_config is of the wrong kind", {"quantization_config": [ESCAPES]}),
        ]

        def check(words, keys):
            content = json.dumps(good | keys).replace(f'"{raw}"', "1e999").encode()
            model = self.copy_model(tokenizer=False)
            (model / "config.json").write_bytes(content)
            self.assert_model_refused(words, model)

        self.for_each(cases, check)

    def test_keys_that_are_ignored(self):
        for key in (ESCAPES, SCRIPT, "x" * 2**20):
            model = self.copy_model(tokenizer=False, config={key: 1})
            printed, out = self.run_tiny(model, "--tokens", self.tokens([[1, 2, 3]]), "--only", "life_cycle")
            self.assertIn("ignored keys of the configuration: ", printed)
            self.assertLess(len(printed), 2000)
            self.assertEqual(json.loads((out / "report.json").read_text())["model"]["ignored_keys"], [key])

    def test_positions_that_cannot_be(self):
        yarn = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32, "rope_theta": 1.0}
        cases = [
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
        experts = {"experts": {"count": 2, "experts_per_token": 1, "d_mlp": 8}, "layers": [{"has_experts": True}] * good["model"]["n_layers"]}
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


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
