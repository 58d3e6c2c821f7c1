#!/usr/bin/env python3
"""Every number of anatomy's report beside the same number made by the definitions, in numpy, from the weights alone.

    tests/truth/report_truth_test.py FOLDER_OF_PROGRAMS REPOSITORY [arguments of unittest]

A field of the report that is not recomputed here fails, and so does one recomputed that the report lacks.
"""

import copy
import re
import shutil
import sys
import unittest
from pathlib import Path

import numpy

sys.path.insert(1, str(Path(__file__).resolve().parents[1] / "examples"))

import sections_activations
import sections_attention
import sections_geometry
import sections_not_finite
import sections_spikes
import sections_weights
from claims import Given, changed, differences, hollow, leaves
from planted_model import (
    LONGER_THAN_A_PICTURE,
    MARKED,
    OVERFLOWING,
    SEQUENCES,
    write_overflowing_model,
    write_planted_model,
)
from program_case import GOLDEN, GOLDENS, ProgramTest
from text_run import TextRun
from tiny_models import read_safetensors
from tiny_forward import TinyLlama
from tiny_models import write_tokenizer

# What the planted model does not show: it has no windows, and its text shows no step that its weights do not predict.
NOT_PLANTED = {
    "model.windows",
    "quadratic_form.comparison.spike_channels.measured_alone",
    "quadratic_form.comparison.spike_channels.predicted_alone",
    "quadratic_form.comparison.step_down.measured_alone",
    "quadratic_form.comparison.step_down.predicted_alone",
    "quadratic_form.comparison.step_up.measured_alone",
    "quadratic_form.comparison.step_up.predicted_alone",
}
# Leaves that a small change may leave unseen: what is defined in words, the versions, and the coordinates of t-SNE,
# which have no unique truth. (They must be centred, and the end of a descent that begins at the PCA.)
UNCHECKED = re.compile(r"(.*\.)?(definition|definitions\.[a-z-]+|rule)|versions\.(spikesink|libtorch|kernels)|repeats_with|.*\.tsne\[.*")
SHOWN = 40  # differences

SECTIONS = {
    "life_cycle": sections_spikes.life_cycle,
    "quadratic_form": sections_weights.quadratic_form,
    "massive_activations": sections_spikes.massive_activations,
    "spike_tokens": sections_spikes.spike_tokens,
    "self_attention": sections_attention.self_attention,
    "first_norm": sections_weights.first_norm,
    "state_norms": sections_activations.state_norms,
    "gate_linearity": sections_activations.gate_linearity,
    "vocabulary_probe": sections_weights.vocabulary_probe,
    "sparse_constants": sections_activations.sparse_constants,
    "spike_cosines": sections_activations.spike_cosines,
    "sink_geometry": sections_geometry.sink_geometry,
    "sink_key_span": sections_geometry.sink_key_span,
    "attention_sinks": sections_attention.attention_sinks,
    "sinks_anywhere": sections_attention.sinks_anywhere,
    "attention_locality": sections_attention.attention_locality,
    "effective_sinks": sections_attention.effective_sinks,
    "quantisation": sections_activations.quantisation,
    "kv_cache": sections_attention.kv_cache,
    "perplexity": sections_activations.perplexity,
    "state_picture": sections_spikes.state_picture,
    "not_finite": sections_not_finite.not_finite,
}


def environment(model, tokens_file, sequences, by_layer):
    """What was asked for and where it ran."""
    return {
        "schema": {"name": "spikesink-report", "version": 1},
        "program": "anatomy",
        "versions": {"spikesink": Given(), "libtorch": Given(), "kernels": Given()},
        "repeats_with": Given(),
        "configuration": {
            "model": str(model),
            "tokens": str(tokens_file),
            "sequences": len(sequences),
            "length": max(map(len, sequences)),
            "bos": False,
            "eos": False,
            "dtype": "float64",
            "by_layer": by_layer,
            "processes": 1,
            "device": "cpu",
            "threads": 1,
            "seed": 0,
        },
    }


def description(config, folder):
    """The `model` of the report, of a config.json and the tensors beside it."""
    tensors = {name: tensor for file in folder.glob("*.safetensors") for name, tensor in read_safetensors(file).items()}
    return {
        "model_type": "llama",
        "n_layers": config["num_hidden_layers"],
        "d_model": config["hidden_size"],
        "d_mlp": config["intermediate_size"],
        "n_heads": config["num_attention_heads"],
        "n_key_value_heads": config["num_key_value_heads"],
        "d_head": config["head_dim"],
        "d_value": config["head_dim"],
        "q_rank": 0,
        "kv_rank": 0,
        "d_vocabulary": config["vocab_size"],
        "context": config["max_position_embeddings"],
        "causal": True,
        "norm": "rms",
        "norm_epsilon": config["rms_norm_eps"],
        "norm_placement": "pre",
        "residual": "sequential",
        "qk_norm": "none",
        "positions": "rotary",
        "activation": "silu",
        "gated": True,
        "experts": 0,
        "sink_logits": False,
        "attention_gate": "none",
        "attention_gate_width": "head",
        "attention_layers": list(range(config["num_hidden_layers"])),
        "attention_softcap": 0.0,
        "windows": [],
        "tied_embeddings": config["tie_word_embeddings"],
        "quantisation": config.get("quantization_config", {}).get("quant_method", ""),
        "activation_scales": {name: tensor.values()[0] for name, tensor in tensors.items() if name.endswith(".input_scale")},
        "ignored_tensors": [name for name in tensors if name.startswith("score.")],
        "ignored_keys": [key for key in config if key == "made_by"],
    }


class ReportTruthTest(ProgramTest):
    def truth(self, folder, sequences, sections):
        model = TinyLlama(folder)
        run = TextRun(model, [model(ids) for ids in sequences])
        found = {name: SECTIONS[name](run) for name in sections}
        return {"model": description(model.config, folder)} | {name: tree for name, tree in found.items() if tree is not None}

    def report_and_truth(self, folder, sequences, truth, *arguments, by_layer=False):
        file = self.tokens(sequences)
        common = ["--model", folder, "--tokens", file, "--dtype", "float64", "--threads", 1]
        report = self.report("anatomy", *common, *arguments)
        return report, environment(folder, file, sequences, by_layer) | truth

    def compare(self, report, expected):
        """All of the report."""
        wrong = differences(report, expected)
        self.assertFalse(wrong, f"{len(wrong)} of {len(leaves(report))} leaves:\n" + "\n".join(wrong[:SHOWN]))

    def check(self, folder, sequences):
        truth = self.truth(folder, sequences, SECTIONS)
        self.compare(*self.report_and_truth(folder, sequences, truth))

    def test_planted_model(self):
        folder = write_planted_model(self.new_path("-planted"))
        truth = self.truth(folder, SEQUENCES, SECTIONS)
        for by_layer in ("no", "yes"):
            with self.subTest(by_layer=by_layer):
                arguments = ["--by-layer", by_layer]
                pair = self.report_and_truth(folder, SEQUENCES, truth, *arguments, by_layer=by_layer == "yes")
                self.compare(*pair)
        self.assertEqual(hollow(pair[0]), NOT_PLANTED)
        self.check_that_every_leaf_counts(*pair)
        self.check_that_every_field_counts(*pair)

    def check_that_every_leaf_counts(self, report, expected):
        """A change of any is seen."""
        seen = {line.partition(": ")[0] for line in differences(changed(report), expected)}
        unseen = set(leaves(report)) - seen
        self.assertEqual([leaf for leaf in unseen if not UNCHECKED.fullmatch(leaf)], [])

    def check_that_every_field_counts(self, report, expected):
        """One that is new or gone is seen."""
        newer, older = copy.deepcopy(report), copy.deepcopy(report)
        newer["life_cycle"]["blocks"][0]["mean"] = 1.0
        del older["perplexity"]["tokens"]
        self.assertIn("life_cycle.blocks[0].mean: nobody claims it", differences(newer, expected))
        self.assertIn("perplexity.tokens: missing", differences(older, expected))

    def test_text_without_spikes(self):
        """Of a model that could make them."""
        draw = numpy.random.RandomState(2)
        quiet = [id for id in range(2, 61) if id not in MARKED]
        folder = write_planted_model(self.new_path("-planted"))
        self.check(folder, [draw.choice(quiet, 16).tolist() for _ in range(3)])

    def test_text_that_is_longer_than_a_picture(self):
        """Whose spike lies beyond what a picture shows from the first token on."""
        folder = write_planted_model(self.new_path("-planted"))
        sections = ["life_cycle", "state_picture"]
        truth = self.truth(folder, LONGER_THAN_A_PICTURE, sections)
        self.assertGreater(truth["state_picture"]["tokens"][0]["position"], 0)
        arguments = ["--only", ",".join(sections)]
        self.compare(*self.report_and_truth(folder, LONGER_THAN_A_PICTURE, truth, *arguments))

    def test_golden_models(self):
        """Without spikes; one has biases and other rotations, the other tied embeddings."""
        draw = numpy.random.RandomState(1)
        for name in ("plain", "scaled"):
            with self.subTest(name):
                folder = self.new_path("-golden")
                shutil.copytree(GOLDENS / "tiny_llama" / name, folder)
                write_tokenizer(folder / "tokenizer.json", adds_bos=True)
                sequences = [draw.randint(0, 61, length).tolist() for length in (19, 19, 19, 40, 8)]
                self.check(folder, sequences)

    def test_short_sequences(self):
        """In none of which a key is seen by enough queries to be called a sink."""
        sequences = [[1, 5, 6, 7, 30, 8], [5, 6, 31]]
        self.check(self.model, sequences)

    def test_model_that_overflows(self):
        folder = write_overflowing_model(GOLDEN, self.new_path("-overflowing"))
        sequences = [[8, 9, 10, 11, 12], [1, 5, 6, OVERFLOWING, 7]]
        with numpy.errstate(all="ignore"):
            truth = self.truth(folder, sequences, ["life_cycle", "not_finite"])
        self.assertIn("not_finite", truth)
        self.compare(*self.report_and_truth(folder, sequences, truth, "--only", "life_cycle"))


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
