#!/usr/bin/env python3
"""What people can rely on when they run the programs: their options, their reports, and how they refuse bad input.

    tests/examples/command_line_test.py FOLDER_OF_PROGRAMS REPOSITORY [arguments of unittest]
"""

import itertools
import json
import math
import os
import re
import shutil
import statistics
import struct
import sys
import time
import unittest
from pathlib import Path

from program_case import (
    GOLDEN,
    GOLDENS,
    KILOBYTES_ALLOWED,
    PROGRAMS,
    REPOSITORY,
    ProgramTest,
    read_report,
)
from tiny_models import (
    Tensor,
    copy_model,
    ids_of,
    join_safetensors,
    read_safetensors,
    split_safetensors,
    write_safetensors,
)

LAYERS, HEADS, WIDTH, VOCABULARY_SIZE, CONTEXT = 2, 4, 32, 61, 64
ALL_PROGRAMS = ["anatomy", "quickstart", "interventions", "streaming", "export_activations"]
SANITIZED = b"__asan_init" in (PROGRAMS / "spikesink-anatomy").read_bytes()
COMMON_OPTIONS = (
    "--model --text --tokens --sequences --length --bos --dtype --device --threads --seed --out --quiet --help".split()
)
EMBEDDING = "model.embed_tokens.weight"
TEXT = "the cat sat on the mat, and the dog looked at it. " * 20


class HelpTest(ProgramTest):
    def test_help_lists_every_option(self):
        own_options = {
            "anatomy": [],
            "quickstart": ["--limit"],
            "export_activations": ["--hooks"],
            "parity": ["--reference", "--absolute", "--relative"],
        }
        for program, own in own_options.items():
            with self.subTest(program):
                done = self.start(program, ["--help"])
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                listed = set(re.findall(r"--[a-z]+", done.stdout))
                self.assertLessEqual({*COMMON_OPTIONS, *own}, listed)


class ReportTest(ProgramTest):
    def check_state(self, state, longest=CONTEXT):
        self.assertGreater(state["median"], 0)
        self.assertGreaterEqual(len(state["top"]), 3)
        magnitudes = [peak["magnitude"] for peak in state["top"]]
        self.assertEqual(magnitudes, sorted(magnitudes, reverse=True))
        self.assertGreater(magnitudes[-1], 0)
        self.assertEqual(len({peak["channel"] for peak in state["top"]}), len(state["top"]))
        for peak in state["top"]:
            self.assertIn(peak["channel"], range(WIDTH))
            self.assertIn(peak["position"], range(longest))
            self.assertGreaterEqual(peak["sequence"], 0)

    def check_life_cycle(self, life_cycle):
        self.assertEqual([block["block"] for block in life_cycle["blocks"]], list(range(1, 2 * LAYERS + 1)))
        for block in life_cycle["blocks"]:
            self.assertEqual(block["layer"], (block["block"] - 1) // 2)
            self.assertEqual(block["kind"], "attention" if block["block"] % 2 else "feed_forward")
            self.check_state(block["hidden_state"])
            self.check_state(block["output"])
        for key in ["step_up", "step_down", "spike_channels"]:
            self.assertIsInstance(life_cycle[key], list)

    def check_attention_sinks(self, sinks):
        self.assertEqual(sinks["definition"], "gu")
        self.assertIn(sinks["epsilon"], [0.2, 0.3])
        self.assertGreaterEqual(sinks["sink_ratio_percent"], 0)
        self.assertLessEqual(sinks["sink_ratio_percent"], 100)
        places = [(head["layer"], head["head"], head["key"]) for head in sinks["heads"]]
        self.assertEqual(places, [(layer, head, 0) for layer in range(LAYERS) for head in range(HEADS)])
        for head in sinks["heads"]:
            self.assertGreater(head["importance"], 0)
            self.assertLessEqual(head["importance"], 1)
        expected = [head for head in sinks["heads"] if head["importance"] > sinks["epsilon"]]
        self.assertEqual(sinks["sink_heads"], expected)

    def check_perplexity(self, perplexity, tokens):
        self.assertEqual(perplexity["tokens"], tokens)
        if perplexity["mean_loss"] > 700:  # past the largest number
            self.assertIsNone(perplexity["perplexity"])
        else:
            self.assertAlmostEqual(perplexity["perplexity"], math.exp(perplexity["mean_loss"]), places=3)

    def test_anatomy_makes_the_sections_that_are_asked_for(self):
        always = {"schema", "program", "versions", "repeats_with", "configuration", "model"}
        # The model has no spike, so there is no vocabulary to probe.
        sections = {
            "life_cycle", "spike_tokens", "self_attention", "gate_linearity", "quadratic_form", "sparse_constants",
            "sink_geometry", "attention_sinks", "sinks_anywhere", "quantisation", "kv_cache", "massive_activations",
            "perplexity", "state_picture",
        }
        command = ["--model", self.model, "--sequences", 4, "--length", 16]
        self.assertEqual(self.report("anatomy", *command).keys(), always | sections)
        chosen = self.report("anatomy", *command, "--only", "life_cycle,sink_geometry", "--only", "gate_linearity")
        self.assertEqual(chosen.keys(), always | {"life_cycle", "sink_geometry", "gate_linearity"})
        left = self.report("anatomy", *command, "--skip", "spike_tokens,state_picture")
        self.assertEqual(left.keys(), always | sections - {"spike_tokens", "self_attention", "state_picture"})
        self.assert_refused(["--only", "nonsense", "life_cycle"], *command, "--only", "nonsense")
        self.assert_refused(["--skip", "--only"], *command, "--only", "perplexity", "--skip", "life_cycle")

    def test_weights_that_come_by_layer_give_the_same_report(self):
        for model in self.model, self.model_with_spikes():
            command = ["--model", model, "--sequences", 70, "--threads", 1]
            whole = self.report("anatomy", *command, "--by-layer", "no")
            by_layer = self.report("anatomy", *command, "--memory", "20KB")
            self.assertFalse(whole["configuration"].pop("by_layer"))
            self.assertTrue(by_layer["configuration"].pop("by_layer"))
            self.assertEqual(by_layer, whole)
        done, _ = self.run_well("anatomy", *command, "--by-layer", "yes", "--only", "life_cycle")
        self.assertIn("layer by layer", done.stdout)
        self.assert_refused(["--memory", "apples"], *command, "--memory", "3 apples")

    def test_section_names_may_have_hyphens(self):
        report = self.report("anatomy", "--model", self.model, "--only", "life-cycle,sinks")
        self.assertIn("life_cycle", report)
        self.assertIn("attention_sinks", report)
        self.assertNotIn("perplexity", report)

    def test_given_ids_need_no_token(self):
        unknown = VOCABULARY_SIZE - 1  # the embedding has a row for it, the tokenizer no token
        report = self.report("anatomy", "--model", self.model, "--tokens", self.tokens([[1, unknown, 3, 4, 5, 6, 7, 8, 9]]))
        self.assertIn("self_attention", report)

    def test_anatomy_of_the_built_in_text(self):
        done, out = self.run_well("anatomy", "--model", self.model, "--threads", 1, "--seed", 7)
        self.assertEqual(done.stderr, "")
        self.assertIn(str(out / "report.html"), done.stdout)
        report = read_report(out)
        self.check_life_cycle(report["life_cycle"])
        self.check_attention_sinks(report["attention_sinks"])
        self.check_perplexity(report["perplexity"], 100 * 63)
        self.assertEqual(report["massive_activations"]["blocks"], [])
        expected = {
            "model": str(self.model),
            "sequences": 100,
            "length": 64,
            "bos": True,
            "dtype": "float32",
            "device": "cpu",
            "threads": 1,
            "seed": 7,
        }
        self.assertLessEqual(expected.items(), report["configuration"].items())
        page = (out / "report.html").read_text(encoding="utf-8")
        data = re.search(r'<script type="application/json" id="report">(.*?)</script>', page, re.DOTALL)
        drawn = json.loads(data[1])  # in fewer digits
        self.assertEqual(drawn.keys(), report.keys())
        self.assertEqual(drawn["configuration"], report["configuration"])
        self.assertAlmostEqual(drawn["perplexity"]["mean_loss"], report["perplexity"]["mean_loss"], places=4)
        self.assertNotRegex(page, r"<(script|link|img)[^>]*(src|href)=\"?(http|//)")

    def test_numbers_are_those_of_transformers(self):
        seen = read_safetensors(GOLDEN / "expected_float32.safetensors")
        count, length = seen["tokens"].shape
        tokens = seen["tokens"].values().tolist()
        sequences = [tokens[row * length : (row + 1) * length] for row in range(count)]
        report = self.report("anatomy", "--model", self.bare, "--tokens", self.tokens(sequences))

        logits = seen["unembed.hook_out"].values()
        losses = []
        for place in range(count * length):
            if place % length == length - 1:
                continue
            scores = logits[place * VOCABULARY_SIZE : (place + 1) * VOCABULARY_SIZE]
            losses.append(math.log(sum(map(math.exp, scores))) - scores[tokens[place + 1]])
        self.assertAlmostEqual(report["perplexity"]["mean_loss"], statistics.mean(losses), places=4)
        self.check_perplexity(report["perplexity"], len(losses))

        for block in report["life_cycle"]["blocks"]:
            state = "hook_resid_mid" if block["kind"] == "attention" else "hook_resid_post"
            values = list(map(abs, seen[f"blocks.{block['layer']}.{state}"].values()))
            peak = max(range(len(values)), key=values.__getitem__)
            token, channel = divmod(peak, WIDTH)
            sequence, position = divmod(token, length)
            top = block["hidden_state"]["top"][0]
            self.assertEqual((top["sequence"], top["position"], top["channel"]), (sequence, position, channel))
            self.assertAlmostEqual(top["magnitude"], values[peak], places=4)
            median = statistics.median_low(values)
            self.assertAlmostEqual(block["hidden_state"]["median"], median, delta=0.01 * median)

        for head in report["attention_sinks"]["heads"]:
            pattern = seen[f"blocks.{head['layer']}.attn.hook_pattern"].values()
            begins = [(row * HEADS + head["head"]) * length * length for row in range(count)]
            importance = statistics.mean(pattern[begin + query * length] for begin in begins for query in range(length))
            self.assertAlmostEqual(head["importance"], importance, places=4)

    def model_with_spikes(self):
        """Token 1 carries 3000 in channel 5 and -2000 in channel 9, to which no block adds much."""
        embedding = read_safetensors(GOLDEN / "model.safetensors")[EMBEDDING]
        spiking = embedding.with_values({WIDTH + 5: 3000.0, WIDTH + 9: -2000.0})
        return self.copy_model(tensors={EMBEDDING: spiking})

    def test_spikes_are_found(self):
        tokens = self.tokens([[1, 4, 5, 1], [7, 8, 9], [1, 4, 9, 9]])
        report = self.report("anatomy", "--model", self.model_with_spikes(), "--tokens", tokens)
        self.assertEqual(report["life_cycle"]["spike_channels"], [5, 9])
        self.assertEqual(report["life_cycle"]["step_up"], [])
        self.check_perplexity(report["perplexity"], 3 + 2 + 3)
        blocks = report["massive_activations"]["blocks"]
        self.assertEqual([block["block"] for block in blocks], [1, 2, 3, 4])
        for block in blocks:
            top = block["channels"]
            self.assertEqual([(channel["channel"], channel["count"]) for channel in top], [(5, 3), (9, 3)])
            self.assertAlmostEqual(top[0]["mean"], 3000, delta=100)
            self.assertAlmostEqual(top[1]["mean"], -2000, delta=100)
            self.assertEqual({token["id"] for token in block["tokens"]}, {1})

    def test_quickstart_clamps_the_spikes(self):
        tokens = self.tokens([[1, 4, 5, 1], [7, 8, 9, 1]])
        done, out = self.run_well("quickstart", "--model", self.model_with_spikes(), "--tokens", tokens, "--limit", 8)
        self.assertEqual(done.stderr, "")
        self.assertIn("massive channels 5, 9", done.stdout)
        self.assertIn("clamped to 8", done.stdout)
        report = read_report(out)
        self.assertEqual(report["massive_activations"]["channels"], [5, 9])
        self.check_attention_sinks(report["attention_sinks"])
        self.check_perplexity(report["perplexity"], 6)

    def test_quickstart_without_spikes(self):
        done, out = self.run_well("quickstart", "--model", self.model, "--sequences", 2)
        self.assertIn("none", done.stdout)
        self.assertEqual(read_report(out)["massive_activations"]["blocks"], [])

    def test_overflow_is_said_and_counted(self):
        weights = read_safetensors(GOLDEN / "model.safetensors")
        names = [f"model.layers.0.mlp.{part}_proj.weight" for part in ("up", "down")]
        model = self.copy_model(tensors={name: weights[name].changed(lambda x: x * 1e30) for name in names})
        done, out = self.run_well("anatomy", "--model", model, "--sequences", 2)
        self.assertIn("NOT FINITE", done.stdout)
        self.assertNotIn("-nan", done.stdout)
        counts = [block["hidden_state"]["not_finite"] for block in read_report(out)["life_cycle"]["blocks"]]
        self.assertEqual(counts[0], 0)
        self.assertGreater(min(counts[1:]), 0)
        self.assertNotRegex((out / "report.json").read_text(), r"[:\[,]\s*-?(nan|NaN|inf|Infinity)\b")
        self.run_well("quickstart", "--model", model, "--sequences", 2)

    def model_beyond_float16(self):
        """The feed-forward of its first layer adds more than 65,504."""
        weights = read_safetensors(GOLDEN / "model.safetensors")
        names = [f"model.layers.0.mlp.{part}_proj.weight" for part in ("up", "down")]
        return self.copy_model(tensors={name: weights[name].changed(lambda x: x * 1e3) for name in names})

    def test_float16_says_where_it_ends(self):
        command = ["--model", self.model_beyond_float16(), "--sequences", 2]
        done, out = self.run_well("anatomy", *command, "--dtype", "float16")
        place = r"blocks\.0\.hook_mlp_out, \[\d+, \d+\] of sequence 0:"
        self.assertRegex(done.stdout, rf"NOT FINITE +at \d+ hook points; first at {place}")
        report = read_report(out)
        self.assertEqual(report["configuration"]["dtype"], "float16")
        first = report["not_finite"]["points"][0]
        self.assertEqual((first["point"], first["sequence"]), ("blocks.0.hook_mlp_out", 0))
        self.assertEqual(len(first["index"]), 2)
        output = report["life_cycle"]["blocks"][1]["output"]
        self.assertEqual(first["nan"] + first["infinite"], output["not_finite"])

    def test_float32_says_what_float16_could_not_hold(self):
        done, out = self.run_well("anatomy", "--model", self.model_beyond_float16(), "--sequences", 2)
        self.assertRegex(done.stdout, r"float16 +would overflow: \d{5,} in channel \d+ at block 2\n")
        self.assertNotIn("NOT FINITE", done.stdout)
        self.assertNotIn("not_finite", read_report(out))

    def test_float16_of_a_healthy_model(self):
        done, out = self.run_well("anatomy", "--model", self.model, "--sequences", 2, "--dtype", "float16")
        self.assertNotRegex(done.stdout, "NOT FINITE|float16 +would")
        self.assertNotIn("not_finite", read_report(out))

    def test_learned_sinks(self):
        model = GOLDENS / "models/gpt_oss/clamped"
        done, out = self.run_well("anatomy", "--model", model, "--tokens", self.tokens([[1, 2, 3, 4]]))
        self.assertRegex(done.stdout, r"learned sinks +take \d+\.\d % of the attention")
        report = read_report(out)
        learned, sizes = report["attention_sinks"]["learned"], report["model"]
        places = [(head["layer"], head["head"]) for head in learned]
        self.assertEqual(places, list(itertools.product(range(sizes["n_layers"]), range(sizes["n_heads"]))))
        for head in learned:
            self.assertGreater(head["mass"], 0)
            self.assertLess(head["mass"], 1)

    def test_infinite_values_are_not_massive_activations(self):
        """Token 1 carries 3000 in channel 5; the last block adds infinities to channel 9 alone."""
        weights = read_safetensors(GOLDEN / "model.safetensors")
        up, down = (f"model.layers.1.mlp.{part}_proj.weight" for part in ("up", "down"))
        width = weights[down].shape[1]  # of the hidden layer, whose number 3 goes into channel 9
        tensors = {
            EMBEDDING: weights[EMBEDDING].with_values({WIDTH + 5: 3000.0}),
            up: weights[up].with_values({3 * WIDTH + c: 1e30 for c in range(WIDTH)}),
            down: weights[down].with_values({c * width + 3: 1e30 if c == 9 else 0.0 for c in range(WIDTH)}),
        }
        report = self.report("anatomy", "--model", self.copy_model(tensors=tensors), "--tokens", self.tokens([[1, 2, 3]]))
        self.assertEqual(report["life_cycle"]["blocks"][-1]["hidden_state"]["not_finite"], 3)
        self.assertEqual(report["life_cycle"]["spike_channels"], [5])
        self.assertEqual(report["massive_activations"]["channels"], [5])


class OptionsTest(ProgramTest):
    def test_same_command_same_report(self):
        tokens = self.tokens([list(range(20)), list(range(30, 45))])
        for program, own in [("anatomy", []), ("export_activations", ["--hooks", "hook_embed", "--length", 15])]:
            with self.subTest(program):
                command = ["--model", self.model, "--tokens", tokens, "--sequences", 2, *own]
                _, first = self.run_well(program, *command)
                time.sleep(1.1)  # a time of day would be another
                _, second = self.run_well(program, *command)
                for file in sorted(first.iterdir()):
                    self.assertEqual(file.read_bytes(), (second / file.name).read_bytes(), file.name)

    def test_an_older_report_is_replaced(self):
        _, out = self.run_well("anatomy", "--model", self.model, "--sequences", 2)
        self.run_well("anatomy", "--model", self.model, "--sequences", 3, out=out)
        self.assertEqual(read_report(out)["configuration"]["sequences"], 3)

    def test_quiet_prints_nothing(self):
        tokens = self.tokens([[1, 2, 3], [4, 5, 6]])
        for program in ALL_PROGRAMS:
            for model in [self.model, self.bare]:
                with self.subTest(program, model=model):
                    own = ["--hooks", "hook_embed"] if program == "export_activations" else []
                    done, _ = self.run_well(program, "--model", model, "--tokens", tokens, "--quiet", *own)
                    self.assertEqual((done.stdout, done.stderr), ("", ""))

    def test_interventions_are_told_side_by_side(self):
        tokens = self.tokens([[7, 6, 5, 4, 3, 2, 1, 0], [1, 2, 3, 4, 5, 6, 7, 8], [9, 8, 7]])
        done, out = self.run_well("interventions", "--model", self.model, "--tokens", tokens)
        self.assertIn("left out: spikes/zero (the text shows no massive channels)", done.stdout)
        self.assertIn("norms/pre ([fit_norms] placement: got pre, which is what the model has)", done.stdout)
        rows = {row["name"]: row for row in read_report(out)["interventions"]}
        self.assertEqual(list(rows)[:2], ["clean", "sinks/mask"])
        self.assertEqual((rows["clean"]["norms"], len(rows["norms/post"]["norms"])), ([], 4 * LAYERS))
        for row in rows.values():
            low, high = row["interval"]
            self.assertTrue(low <= row["perplexity"] <= high, row)
            self.assertEqual(row["tokens"], 7 + 7 + 2)
            self.assertGreater(row["spike"], 0)
        self.assertEqual(rows["clean"]["kl"], 0)
        self.assertGreater(rows["sinks/mask"]["kl"], 0)
        chosen = ["--run", "sinks/mask,sinks/cap-0.3"]
        report = self.report("interventions", "--model", self.model, "--tokens", tokens, *chosen)
        self.assertEqual([row["name"] for row in report["interventions"]], ["clean", "sinks/mask", "sinks/cap-0.3"])
        self.assertEqual(report["interventions"][1], rows["sinks/mask"])
        by_layer = self.report("interventions", "--model", self.model, "--tokens", tokens, "--by-layer", "yes")
        self.assertEqual([row["name"] for row in by_layer["interventions"]], list(rows))
        for row in by_layer["interventions"]:
            self.assertAlmostEqual(row["perplexity"] / rows[row["name"]]["perplexity"], 1, places=4)
        done = self.start("interventions", ["--model", self.model, "--tokens", tokens, "--run", "sinks/nothing"])
        self.assert_one_sentence(done, ["--run", "sinks/nothing"])

    def test_interventions_of_a_file(self):
        tokens = self.tokens([[7, 6, 5, 4, 3, 2, 1, 0], [1, 2, 3, 4, 5, 6, 7, 8]])
        file = self.folder / "mine.json"

        def ran(entries):
            file.write_text(json.dumps(entries), encoding="utf-8")
            return ["--model", self.model, "--tokens", tokens, "--file", file]

        channels = {"change": "channels", "to": {"set": 3}, "channels": [4, 9], "layers": [0], "tokens": [0, -1]}
        heads = {"change": "heads", "to": {"scale": 0}, "heads": [[1, 2]]}
        norms = {"change": "norms", "to": "sandwich", "blocks": [2]}
        sinks = {"change": "sinks", "to": {"logit": 0.5}}
        mine = [
            {"name": "all at once", "parts": [channels, heads, norms, sinks, {"change": "prefix", "tokens": [5]}]},
            {"name": "alone", "parts": [sinks]},
        ]
        rows = self.report("interventions", *ran(mine))["interventions"]
        self.assertEqual([row["name"] for row in rows], ["clean", "all at once", "alone"])
        self.assertEqual([row["tokens"] for row in rows], [14] * 3)
        self.assertEqual([norm["site"] for norm in rows[1]["norms"]], ["output"])
        self.assertGreater(len({row["perplexity"] for row in rows}), 2)
        (row,) = self.report("interventions", *ran(mine), "--run", "alone")["interventions"][1:]
        self.assertEqual(row, rows[2])
        place = "mine.json[0].parts[0]"
        cases = [
            ("no list", {}, ["mine.json", "a list"]),
            ("key", [mine[1] | {"prts": 1}], ["prts", "mine.json[0]"]),
            ("kind", [{"name": "a", "parts": [{"change": "chanels"}]}], [place, "chanels", "prefix"]),
            ("value", [{"name": "a", "parts": [sinks | {"to": "msk"}]}], [f"{place}.to", "msk", "drop-value"]),
            ("number", [{"name": "a", "parts": [sinks | {"to": {"cap": "x"}}]}], [f"{place}.to.cap", "a number"]),
            ("channel", [{"name": "a", "parts": [channels | {"channels": [99]}]}], ["channel", "99"]),
            ("twice", [mine[1], mine[1]], ["alone", "a name of its own"]),
            ("nothing there", [{"name": "a", "parts": [{"change": "channels", "to": {"set": 0}}]}], ["no massive"]),
            ("no part", [{"name": "a"}], ["parts or a protocol"]),
        ]
        for name, entries, words in cases:
            with self.subTest(name):
                done = self.start("interventions", ran(entries))
                self.assert_one_sentence(done, words)

    def test_a_prefix_needs_room(self):
        tokens = self.tokens([[index % VOCABULARY_SIZE for index in range(CONTEXT)]])
        done, out = self.run_well("interventions", "--model", self.model, "--tokens", tokens)
        self.assertIn("sinks/prefix-register (with the prefix a sequence has 65 tokens", done.stdout)
        names = [row["name"] for row in read_report(out)["interventions"]]
        self.assertIn("sinks/mask", names)
        self.assertNotIn("sinks/prefix-register", names)

    def test_streaming(self):
        tokens = self.tokens([[7, 6, 5, 4, 3, 2, 1, 0], [1, 2, 3, 4, 5, 6, 7, 8]] * 4)
        options = ["--read", 60, "--cache", 16, "--step", 4]
        report = self.report("streaming", "--model", self.model, "--tokens", tokens, *options)
        rows = {row["name"]: row for row in report["streams"]}
        self.assertEqual(list(rows), ["window only", "sinks + window", "spike-aware"])
        for row in rows.values():
            self.assertEqual((row["tokens"], row["capacity"]), (59, 16))
            self.assertEqual(sum(part["last"] - part["first"] + 1 for part in row["by_position"]), 59)
            self.assertEqual(row["perplexity_before"], rows["window only"]["perplexity_before"])
        self.assertEqual((rows["sinks + window"]["first"], report["configuration"]["read"]), (4, 60))
        done = self.start("streaming", ["--model", self.model, "--tokens", tokens, "--cache", 8, "--step", 9])
        self.assert_one_sentence(done, ["step", "9"])

    def test_tokens_are_used_as_given(self):
        sequences = [[5, 4, 3, 2, 1], [1], [60, 0], [9, 8, 7, 6, 5, 4]]
        tokens = self.tokens(sequences)
        cases = [
            ("all", [], 4 + 0 + 1 + 5, 4, 6),
            ("two sequences", ["--sequences", 2], 4 + 0, 2, 5),
            ("cut", ["--length", 3], 2 + 0 + 1 + 2, 4, 3),
        ]

        def check(arguments, predicted, count, longest):
            report = self.report("anatomy", "--model", self.model, "--tokens", tokens, *arguments)
            self.assertEqual(report["perplexity"]["tokens"], predicted)
            configuration = report["configuration"]
            self.assertEqual((configuration["sequences"], configuration["length"]), (count, longest))
            self.assertEqual((configuration["tokens"], configuration["bos"]), (str(tokens), False))
            self.assertNotIn("text", configuration)

        self.for_each(cases, check)

    def test_text_becomes_windows(self):
        """--sequences, --length and --bos decide which ids the model sees."""
        text = self.file(TEXT)
        ids = ids_of(TEXT)
        no_template = self.copy_model(adds_bos=False)
        cases = [
            ("auto, tokenizer with BOS", self.model, ["--bos", "auto"], True),
            ("yes", self.model, ["--bos", "yes"], True),
            ("no", self.model, ["--bos", "no"], False),
            ("auto, tokenizer without BOS", no_template, [], False),
        ]

        def check(model, arguments, bos):
            command = ["--model", model, "--text", text, "--sequences", 3, "--length", 10, "--hooks", "hook_embed"]
            _, out = self.run_well("export_activations", *command, *arguments)
            windows = [ids[start : start + 10] for start in (0, 10, 20)]
            expected = [[1] + window[:-1] for window in windows] if bos else windows
            seen = read_safetensors(out / "activations.safetensors")["tokens"]
            self.assertEqual((seen.shape, seen.values().tolist()), ([3, 10], sum(expected, [])))
            configuration = read_report(out)["configuration"]
            self.assertEqual((configuration["bos"], configuration["text"]), (bos, str(text)))
            self.assertEqual((configuration["sequences"], configuration["length"]), (3, 10))

        self.for_each(cases, check)

    def test_fewer_windows_than_asked_for(self):
        report = self.report("anatomy", "--model", self.model, "--text", self.file(TEXT), "--length", 64)
        self.assertEqual(report["configuration"]["sequences"], len(TEXT) // 64)

    def test_a_short_context_shortens_the_windows(self):
        model = self.copy_model(config={"max_position_embeddings": 16})
        self.assertEqual(self.report("anatomy", "--model", model)["configuration"]["length"], 16)

    def test_dtypes(self):
        tokens = self.tokens([list(range(40))])

        def loss(dtype):
            report = self.report("anatomy", "--model", self.model, "--tokens", tokens, "--dtype", dtype)
            self.assertEqual(report["configuration"]["dtype"], dtype)
            return report["perplexity"]["mean_loss"]

        exact = loss("float64")
        for dtype, delta in [("float32", 1e-5), ("float16", 0.02), ("bfloat16", 0.1)]:
            rounded = loss(dtype)
            self.assertNotEqual(rounded, exact, dtype)
            self.assertAlmostEqual(rounded, exact, delta=delta, msg=dtype)

    def test_a_folder_without_tokenizer_needs_tokens(self):
        done, _ = self.run_well("anatomy", "--model", self.bare, "--tokens", self.tokens([[1, 2, 3]]))
        self.assertLessEqual(done.stderr.count("\n"), 1)
        self.assert_refused("tokenizer.json", "--model", self.bare)

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


class ExportTest(ProgramTest):
    def test_every_point_of_the_golden_model(self):
        expected = read_safetensors(GOLDEN / "expected_float32.safetensors")
        count, length = expected["tokens"].shape
        tokens = expected["tokens"].values().tolist()
        given = self.tokens([tokens[row * length : (row + 1) * length] for row in range(count)])
        done, out = self.run_well(
            "export_activations", "--model", self.model, "--tokens", given, "--sequences", count, "--hooks", "**"
        )
        self.assertEqual(done.stderr, "")
        got = read_safetensors(out / "activations.safetensors")
        self.assertEqual(set(got), set(expected))
        for name, tensor in expected.items():
            self.assertEqual((got[name].dtype, got[name].shape), (tensor.dtype, tensor.shape), name)
            for a, b in zip(got[name].values(), tensor.values()):
                self.assertTrue(math.isclose(a, b, rel_tol=1e-4, abs_tol=1e-4), f"{name}: {a} is not {b}")
        listed = {entry["name"]: (entry["dtype"], entry["shape"]) for entry in read_report(out)["activations"]}
        self.assertEqual(listed, {name: (tensor.dtype, tensor.shape) for name, tensor in got.items()})

    def test_patterns_choose_points(self):
        cases = [
            ("one", ["hook_embed"], {"hook_embed"}),
            ("star", ["blocks.*.hook_attn_out"], {"blocks.0.hook_attn_out", "blocks.1.hook_attn_out"}),
            ("several", ["hook_embed", "blocks.1.mlp.hook_act"], {"hook_embed", "blocks.1.mlp.hook_act"}),
            ("overlapping", ["blocks.0.hook_mlp_out", "**.hook_mlp_out"], {f"blocks.{i}.hook_mlp_out" for i in range(2)}),
        ]

        def check(patterns, expected):
            command = ["--model", self.model, "--sequences", 2, "--length", 6, "--hooks", *patterns]
            _, out = self.run_well("export_activations", *command)
            tensors = read_safetensors(out / "activations.safetensors")
            self.assertEqual(set(tensors), expected | {"tokens"})
            for name, tensor in tensors.items():
                self.assertEqual(tensor.shape[:2], [2, 6], name)

        self.for_each(cases, check)

    def test_bfloat16_is_kept(self):
        command = ["--model", self.model, "--dtype", "bfloat16", "--sequences", 1, "--length", 5]
        _, out = self.run_well("export_activations", *command, "--hooks", "blocks.1.hook_resid_post", "unembed.hook_out")
        tensors = read_safetensors(out / "activations.safetensors")
        self.assertEqual(
            {name: (tensor.dtype, tensor.shape) for name, tensor in tensors.items()},
            {
                "tokens": ("I64", [1, 5]),
                "blocks.1.hook_resid_post": ("BF16", [1, 5, WIDTH]),
                "unembed.hook_out": ("BF16", [1, 5, VOCABULARY_SIZE]),
            },
        )

    def test_bad_hooks(self):
        command = ["--model", self.model]
        ragged = ["--tokens", self.tokens([[1, 2, 3], [4, 5]]), "--sequences", 2, "--hooks", "hook_embed"]
        cases = [
            ("missing", ["--hooks", "required"], []),
            ("without a pattern", "--hooks", ["--hooks"]),
            ("misspelt", ["blocks.0.hook_resid_pots", "blocks.0.hook_resid_post"], ["--hooks", "blocks.0.hook_resid_pots"]),
            ("a layer too far", "blocks.2.hook_attn_out", ["--hooks", "blocks.2.hook_attn_out"]),
            ("a star stops at a dot", "'*hook_scale'", ["--hooks", "*hook_scale"]),
            ("one of two", "hook_embedding", ["--hooks", "hook_embed", "hook_embedding"]),
            ("empty", "''", ["--hooks", ""]),
            ("sequences of two lengths", "one length", ragged),
        ]
        self.for_each(
            cases, lambda words, more: self.assert_refused(words, *command, *more, program="export_activations")
        )


class ParityTest(ProgramTest):
    EXPECTED = GOLDEN / "expected_float32.safetensors"

    def reference(self, **changes):
        """The golden tensors with these in place of their own; None takes one out."""
        tensors = read_safetensors(self.EXPECTED) | changes
        path = self.new_path(".safetensors")
        write_safetensors(path, {name: tensor for name, tensor in tensors.items() if tensor is not None})
        return path

    def differs(self, words, *arguments):
        """The points of the report."""
        out = self.new_path("-out")
        done = self.start("parity", ["--out", out, *arguments])
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"\Aspikesink-parity: [^\n]+\n\Z")
        self.assertNotIn("verdict", done.stdout)
        for word in words:
            self.assertIn(word, done.stderr)
        return read_report(out)["parity"]["points"]

    def assert_reference_refused(self, words, reference, *more):
        self.assert_refused(words, "--model", self.bare, "--reference", reference, *more, program="parity")

    def test_agrees_with_transformers(self):
        done, out = self.run_well("parity", "--model", self.bare, "--reference", self.EXPECTED)
        self.assertRegex(done.stdout, r"verdict +equal\n\Z")
        report = read_report(out)
        self.assertEqual(report["program"], "parity")
        self.assertEqual(report["configuration"]["reference"], str(self.EXPECTED))
        self.assertFalse({"text", "tokens"} & set(report["configuration"]))
        self.assertEqual(report["parity"]["options"], {"absolute": 1e-4, "relative": 1e-3})
        expected = read_safetensors(self.EXPECTED)
        points = {point["point"]: point for point in report["parity"]["points"]}
        self.assertEqual(set(points), set(expected) - {"tokens"})
        for name, point in points.items():
            self.assertEqual(point["shape"], expected[name].shape)
            self.assertEqual(point["outside"], 0)
            self.assertLessEqual(point["error"], 1)
            self.assertEqual(len(point["worst"]), len(point["shape"]))

    def test_float64_agrees_closely(self):
        limits = ["--absolute", 1e-10, "--relative", 1e-10]
        exact = ["--reference", GOLDEN / "expected_float64.safetensors", *limits]
        report = self.report("parity", "--model", self.bare, *exact, "--dtype", "float64")
        self.assertEqual(report["configuration"]["dtype"], "float64")
        self.differs(["--dtype float64"], "--model", self.bare, *exact)

    def test_what_was_exported_is_the_same(self):
        command = ["--model", self.model, "--sequences", 3, "--length", 7, "--hooks", "**"]
        _, out = self.run_well("export_activations", *command)
        reference = out / "activations.safetensors"
        limits = ["--absolute", 0, "--relative", 0]
        done, _ = self.run_well("parity", "--model", self.model, "--reference", reference, *limits, "--quiet")
        self.assertEqual((done.stdout, done.stderr), ("", ""))

    def test_a_changed_value_is_named(self):
        name = "blocks.0.hook_attn_out"
        wrong = read_safetensors(self.EXPECTED)[name].with_values({WIDTH + 3: 9.0})
        reference = self.reference(**{name: wrong})
        words = ["1 of ", " hook points differ", f"the first of them {name}: 1 value, by"]
        points = self.differs(words, "--model", self.bare, "--reference", reference)
        point = next(point for point in points if point["point"] == name)
        self.assertEqual((point["outside"], point["worst"], point["expected"]), (1, [0, 1, 3], 9.0))
        self.assertAlmostEqual(point["largest_difference"], abs(9 - point["got"]))

    def test_another_model_differs_where_it_is_another(self):
        name = "model.layers.1.mlp.up_proj.weight"
        weight = read_safetensors(GOLDEN / "model.safetensors")[name]
        model = self.copy_model(tensors={name: weight.with_values({0: 5.0})})
        words = ["the first of them blocks.1.mlp.hook_pre_linear"]
        self.differs(words, "--model", model, "--reference", self.EXPECTED)

    def test_bad_references(self):
        tensors = read_safetensors(self.EXPECTED)
        tokens, embedded = tensors["tokens"], tensors["hook_embed"]
        count, length = tokens.shape
        flat = Tensor("I64", [count * length], tokens.data)
        floats = Tensor("F64", tokens.shape, tokens.data)
        beyond = tokens.with_values({2: VOCABULARY_SIZE})
        one = Tensor("F32", [1, length, WIDTH], embedded.data[: len(embedded.data) // count])
        three = Tensor("F32", [3, length, WIDTH], one.data * 3)
        alone = self.new_path(".safetensors")
        write_safetensors(alone, {"tokens": tokens})
        cases = [
            ("missing", "missing.safetensors", self.folder / "missing.safetensors"),
            ("another kind of file", "header", self.file("text of no kind")),
            ("no tokens", ["no tensor 'tokens'", "[sequences, length] of int64"], self.reference(tokens=None)),
            ("flat tokens", ["'tokens'", f"[{count * length}]"], self.reference(tokens=flat)),
            ("tokens of another dtype", ["'tokens'", "double"], self.reference(tokens=floats)),
            ("past the vocabulary", ["vocabulary", "61"], self.reference(tokens=beyond)),
            ("nothing to compare", "no tensor named after a hook point", alone),
            ("unknown name", ["'hook_embedding'", "nearest", "hook_embed"], self.reference(hook_embedding=embedded)),
            ("too few rows", ["hook_embed", "[1, 11, 32]"], self.reference(hook_embed=one)),
            ("too many rows", ["hook_embed", "3 rows, expected 2"], self.reference(hook_embed=three)),
            ("a number", ["hook_embed", "[]"], self.reference(hook_embed=Tensor("F32", [], bytes(4)))),
        ]
        self.for_each(cases, self.assert_reference_refused)

    def test_bad_options(self):
        self.assert_refused(["--reference", "required"], "--model", self.bare, program="parity")
        self.assert_refused(["--model", "required"], "--reference", self.EXPECTED, program="parity")
        cases = [
            ("text", ["--reference", "--text"], ["--text", self.file(TEXT)]),
            ("tokens", ["--reference", "--tokens"], ["--tokens", self.tokens([[1, 2]])]),
            ("length", ["--reference", "--length"], ["--length", 3]),
            ("negative", ["absolute", "-1"], ["--absolute", -1]),
            ("not a number", ["relative", "nan"], ["--relative", "nan"]),
        ]
        self.for_each(cases, lambda words, more: self.assert_reference_refused(words, self.EXPECTED, *more))


class BadOptionsTest(ProgramTest):
    def test_missing_model(self):
        for program in ALL_PROGRAMS:
            with self.subTest(program):
                own = ["--hooks", "hook_embed"] if program == "export_activations" else []
                self.assert_refused(["--model", "required"], *own, program=program)

    def test_bad_options(self):
        cases = [
            ("unknown flag", "--nonsense", ["--nonsense"]),
            ("an argument too many", "surplus", ["surplus"]),
            ("a value is missing", "--text", ["--text"]),
            ("text and tokens", ["--text", "--tokens"], ["--text", self.file(TEXT), "--tokens", self.tokens([[1, 2]])]),
            ("length 0", ["--length", "0"], ["--length", 0]),
            ("length -3", ["--length", "-3"], ["--length", -3]),
            ("length abc", ["--length", "abc"], ["--length", "abc"]),
            ("length 1.5", ["--length", "1.5"], ["--length", 1.5]),
            ("length past 64 bits", "--length", ["--length", "99999999999999999999"]),
            ("length 1 for text", "at least 2", ["--length", 1]),
            ("length past the context", ["--length", "65", "64"], ["--length", 65]),
            ("sequences 0", ["--sequences", "0"], ["--sequences", 0]),
            ("sequences -1", ["--sequences", "-1"], ["--sequences", -1]),
            ("bos maybe", ["--bos", "maybe", "auto", "yes", "no"], ["--bos", "maybe"]),
            ("dtype float8", ["--dtype", "float8", "float32", "bfloat16"], ["--dtype", "float8"]),
            ("device tpu", ["--device", "tpu", "cpu", "cuda"], ["--device", "tpu"]),
            ("threads 0", ["--threads", "0"], ["--threads", 0]),
            ("threads -2", ["--threads", "-2"], ["--threads", -2]),
            ("threads past 32 bits", ["--threads", "99999999999"], ["--threads", "99999999999"]),
            ("more threads than can be made", ["--threads", "100000"], ["--threads", 100_000]),
            ("seed -1", ["--seed", "-1"], ["--seed", -1]),
            ("seed abc", ["--seed", "abc"], ["--seed", "abc"]),
            ("two models", "--model", ["--model", self.bare]),
        ]
        self.for_each(cases, lambda words, more: self.assert_refused(words, "--model", self.model, *more))

    def test_bos_that_cannot_be(self):
        tokens = self.tokens([[1, 2, 3]])
        self.assert_refused(["--bos yes", "--tokens"], "--model", self.model, "--tokens", tokens, "--bos", "yes")
        no_bos = self.copy_model(adds_bos=False)
        self.assert_refused("no BOS token", "--model", no_bos, "--bos", "yes")

    def test_limit(self):
        for limit in ["-1", "abc", "nan"]:
            with self.subTest(limit):
                self.assert_refused(["--limit", limit], "--model", self.model, "--limit", limit, program="quickstart")

    @unittest.skipIf(os.path.exists("/dev/nvidiactl"), "this machine may have CUDA")
    def test_cuda_without_cuda(self):
        self.assert_refused(["--device cuda", "no CUDA device"], "--model", self.model, "--device", "cuda")


class BadTextTest(ProgramTest):
    def test_bad_text(self):
        cases = [
            ("empty", "too short: got 0 tokens", self.file("")),
            ("shorter than one window", ["too short: got 7 tokens", "64"], self.file("the cat")),
            ("missing", ["cannot read", "missing.txt"], self.folder / "missing.txt"),
            ("a folder", ["is a folder", str(self.bare)], self.bare),
        ]
        self.for_each(cases, lambda words, text: self.assert_refused(words, "--model", self.model, "--text", text))

    def test_bad_tokens(self):
        kind = ["--tokens", "JSON array of arrays of token ids"]
        huge = 2**63
        cases = [
            ("not JSON", kind, "[[1, 2"),
            ("an empty file", kind, ""),
            ("not UTF-8", kind, b'[["\xff"]]'),
            ("a number", kind, "3"),
            ("an object", kind, '{"tokens": [[1, 2]]}'),
            ("one array", kind, "[1, 2, 3]"),
            ("an array and a number", kind, "[[1, 2], 3]"),
            ("fractions", kind, "[[1.5, 2]]"),
            ("text", kind, '[["the", "cat"]]'),
            ("booleans", kind, "[[true, false]]"),
            ("nulls", kind, "[[null]]"),
            ("past 64 bits", kind, f"[[{huge}, 1]]"),
            ("far past 64 bits", kind, f"[[{huge ** 3}, 1]]"),
            ("nested too deep", kind, "[" * 100_000),
            ("no sequences", "no sequences", "[]"),
            ("an empty sequence", "sequence 1 is empty", "[[1, 2], [], [3]]"),
            ("past the vocabulary", ["vocabulary", "61", "60"], "[[1, 2], [60, 61]]"),
            ("negative", ["vocabulary", "-1"], "[[1, 2, -1]]"),
            ("the bad id comes late", ["vocabulary", "61"], json.dumps([[1] * 60] * 90 + [[1, 61]])),
            ("longer than the context", ["context", "65", "64"], json.dumps([[1, 2], [3] * 65])),
        ]

        def check(words, content):
            self.assert_refused(words, "--model", self.model, "--tokens", self.file(content, ".json"))

        self.for_each(cases, check)

    def test_bad_tokens_files(self):
        missing = self.folder / "missing.json"
        self.assert_refused(["cannot read", "missing.json"], "--model", self.model, "--tokens", missing)
        self.assert_refused("is a folder", "--model", self.model, "--tokens", self.bare)

    def test_one_sentence_also_without_a_tokenizer(self):
        tokens = self.file("[[1, 61]]", ".json")
        self.assert_refused("vocabulary", "--model", self.bare, "--tokens", tokens)

    def test_bad_tokenizers(self):
        unfit = ["the tokenizer does not fit the model", "expected ids below 61"]
        beyond = json.loads((self.model / "tokenizer.json").read_text())
        beyond["model"]["vocab"]["t"] = VOCABULARY_SIZE
        cases = [
            ("of another model", unfit, (GOLDENS / "text/smollm/tokenizer.json").read_bytes()),
            ("one id too far", [*unfit, "id 61 ('t')"], json.dumps(beyond).encode()),
            ("not JSON", ["not JSON", "tokenizer.json"], b"{"),
            ("empty", ["is empty", "tokenizer.json"], b""),
            ("of another kind", ["WordLevel", "BPE"], b'{"model": {"type": "WordLevel", "vocab": {}}}'),
        ]

        def check(words, content):
            model = self.copy_model()
            (model / "tokenizer.json").write_bytes(content)
            self.assert_refused(words, "--model", model)

        self.for_each(cases, check)


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
            ("pickle in the folder", ["pickle", "pytorch_model.bin", ".safetensors"], with_bin),
            (".bin", ["pickle", ".bin"], self.file(pickle, ".bin")),
            (".pt", ["pickle", ".pt"], self.file(pickle, ".pt")),
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
            ("unknown key", ["sliding_window", "not understood"], {"sliding_window": 16}),
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


class BadOutTest(ProgramTest):
    def refused(self, words, out):
        done = self.start("anatomy", ["--model", self.model, "--sequences", 1, "--out", out])
        self.assert_one_sentence(done, words)

    def test_out_is_a_file(self):
        file = self.file("precious")
        self.refused(str(file), file)
        self.assertEqual(file.read_text(), "precious")

    def test_out_below_a_file(self):
        file = self.file("precious")
        self.refused(str(file / "out"), file / "out")
        self.assertEqual(file.read_text(), "precious")

    def test_out_cannot_be_made(self):
        self.refused("/proc/spikesink", Path("/proc/spikesink"))

    @unittest.skipIf(os.geteuid() == 0, "root writes anywhere")
    def test_out_is_read_only(self):
        out = self.new_path("-out")
        out.mkdir(mode=0o500)
        self.refused(str(out), out)

    def test_a_report_is_a_folder(self):
        """Neither file is replaced when one of them cannot be."""
        for name, other in [("report.json", "report.html"), ("report.html", "report.json")]:
            with self.subTest(name):
                out = self.new_path("-out")
                (out / name).mkdir(parents=True)
                (out / other).write_text("older")
                self.refused(name, out)
                self.assertEqual({path.name for path in out.iterdir()}, {name, other})
                self.assertEqual((out / other).read_text(), "older")

    def test_nothing_is_written_for_a_model_that_is_refused(self):
        out = self.new_path("-out")
        done = self.start("anatomy", ["--model", self.folder / "missing", "--out", out])
        self.assert_one_sentence(done, "no such file or folder")
        self.assertFalse(out.exists())


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
