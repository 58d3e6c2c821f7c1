#!/usr/bin/env python3
"""What people can rely on when they train: logs, models, going on after whatever ended a run, and the table.

    tests/examples/training_test.py FOLDER_OF_PROGRAMS REPOSITORY [arguments of unittest]
"""

import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
import unittest

from program_case import PROGRAMS, SECONDS_ALLOWED, ProgramTest, read_log, read_report

KILLS = 30
TEXT = "A head with nothing to do looks at the first token, and the norm keeps what it finds there small. "


def results(folder):
    """All that a training leaves for good."""
    names = ["train.json", "log.jsonl", "model/config.json", "model/model.safetensors"]
    return {name: (folder / name).read_bytes() for name in names}


class TrainingTest(ProgramTest):
    def text(self, suffix=".txt"):
        return self.file("".join(f"{number} {TEXT}" for number in range(100)), suffix)


class RunTest(TrainingTest):
    def test_a_row(self):
        done, out = self.train("--row", "table7/conditional-head", "--steps", 2)
        self.assertIn("table7/conditional-head: loss", done.stdout)
        steps = read_log(out)
        self.assertEqual([step["step"] for step in steps], [1, 2])
        config = json.loads((out / "train.json").read_text(encoding="utf-8"))
        self.assertEqual(len(steps[1]["validation"]["kurtosis"]), config["model"]["n_layers"])
        self.assertEqual((config["steps"], config["model"]["gate"]), (2, {"input": "hidden", "width": "head"}))
        (run,) = read_report(out)["training"]["runs"]
        self.assertEqual((run["steps_done"], run["row"], run["seed"]), (2, "table7/conditional-head", 2025))
        self.assertEqual(run["validation"][-1]["loss"], steps[1]["validation"]["loss"])
        _, again = self.train("--config", out / "train.json", "--quiet")
        self.assertEqual(results(again), results(out))
        tokens = self.tokens([[64, 5, 6, 7, 8], [64, 1, 2, 3, 4]])
        report = self.report("anatomy", "--model", out / "model", "--tokens", tokens, "--only", "life_cycle,attention_sinks")
        self.assertEqual(len(report["life_cycle"]["blocks"]), 2 * config["model"]["n_layers"])

    def test_a_row_without_a_network_has_its_anatomy(self):
        tokens = self.tokens([[64, 5, 6, 7, 8], [64, 1, 2, 3, 4]])
        for row, with_matrix in ("table4/linear", True), ("table4/attention-only", False):
            _, out = self.train("--row", row, "--steps", 1)
            layers = json.loads((out / "train.json").read_text(encoding="utf-8"))["model"]["n_layers"]
            report = self.report("anatomy", "--model", out / "model", "--tokens", tokens)
            self.assertEqual(len(report["life_cycle"]["blocks"]), 2 * layers)
            self.assertEqual(len(report["quadratic_form"]["blocks"]), layers if with_matrix else 0)
            self.assertEqual(report["quadratic_form"]["prediction"]["spike_channels"], [])

    def test_a_text(self):
        text = self.text()
        arguments = ["--data", text, "--vocabulary", 300, "--length", 32, "--sequences", 4, "--steps", 3]
        _, out = self.train(*arguments)
        self.assertEqual(json.loads((out / "train.json").read_text(encoding="utf-8"))["data"]["training"], [str(text)])
        report = self.report("anatomy", "--model", out / "model", "--text", text, "--sequences", 2, "--only", "life_cycle")
        self.assertTrue(report["configuration"]["bos"])
        _, other = self.train(*arguments, "--tokenizer", out / "model", "--bfloat16")
        self.assertNotEqual(results(out)["log.jsonl"], results(other)["log.jsonl"])
        self.assertEqual((other / "model/tokenizer.json").read_bytes(), (out / "model/tokenizer.json").read_bytes())

    def test_a_folder_holds_one_training(self):
        _, out = self.train("--steps", 2)
        before = results(out)
        done, _ = self.train("--steps", 2, out=out)
        self.assertIn("going on after step 2", done.stdout)
        self.assertEqual(results(out), before)
        done = self.start("train", ["--steps", 2, "--row", "table5/sandwich", "--out", out])
        self.assert_one_sentence(done, ["another training", "/model/norm_placement", "sandwich"])
        self.assertEqual(results(out), before)

    def test_what_cannot_be_is_told_in_one_sentence(self):
        out = self.new_path("-training")
        brief = self.file("too short")
        for name, arguments, words in (
            ("row", ["--row", "table5/sandwitch"], ["table5/sandwich"]),
            ("scale", ["--scale", "2b"], ["2b", "nano"]),
            ("key", ["--config", self.file('{"stps": 1}', ".json")], ["stps"]),
            ("print-config", ["--row", "table5/sandwitch", "--print-config"], ["table5/sandwich"]),
            ("no such text", ["--data", self.folder / "none.txt"], ["there is no", "none.txt"]),
            ("a missing shard", ["--data", brief, self.folder / "1.bin", "--vocabulary", 300], ["1.bin"]),
            ("a short corpus", ["--data", brief, "--vocabulary", 300], ["too short", "windows of 65 tokens"]),
            ("a small vocabulary", ["--data", self.text()], ["257"]),
        ):
            with self.subTest(name):
                self.assert_one_sentence(self.start("train", ["--out", out, *arguments]), words)
                self.assertFalse((out / "model").exists())

    def test_a_loss_that_is_not_finite(self):
        path = self.training_config(steps=50, checkpoint_every=2)
        config = json.loads(path.read_text(encoding="utf-8"))
        config["optimizer"].update(learning_rate=1e6, min_rate_ratio=0, clip=0, warm_up=0)
        out = self.new_path("-training")
        done = self.start("train", ["--config", self.file(json.dumps(config), ".json"), "--out", out])
        self.assert_one_sentence(done, ["finite", "step", "checkpoint"])


class InterruptionTest(TrainingTest):
    def test_killed_at_any_moment_it_goes_on_bit_for_bit(self):
        config = self.training_config(steps=400, checkpoint_every=7, measure_every=50)
        begin = time.monotonic()
        _, whole = self.train("--config", config)
        longest = time.monotonic() - begin
        out = self.new_path("-killed")
        dice = random.Random(5)
        kills, resumed = 0, 0
        while kills < KILLS:
            process = self.begin(config, out)
            try:
                process.communicate(timeout=dice.uniform(0.05, longest))
                self.assertEqual(results(out), results(whole))
                out = self.new_path("-killed")
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.communicate()
                kills += 1
                resumed += any(self.whole_checkpoints(out))
        self.train("--config", config, out=out)
        self.assertEqual(results(out), results(whole))
        self.assertEqual(list((out / "checkpoints").glob("*.unfinished")), [])
        self.assertGreater(resumed, KILLS // 4)

    def begin(self, config, out):
        command = [PROGRAMS / "spikesink-train", "--config", config, "--threads", "1", "--quiet", "--out", out]
        return subprocess.Popen([str(part) for part in command])

    def whole_checkpoints(self, out):
        """True for each; none is half written."""
        for folder in (out / "checkpoints").glob("step-*[0-9]"):
            manifest = json.loads((folder / "checkpoint.json").read_text(encoding="utf-8"))
            for file in manifest["files"]:
                self.assertEqual((folder / file["name"]).stat().st_size, file["bytes"])
            yield True

    def start_with_files_of(self, limit, arguments):
        """A disk that is full once a file has `limit` bytes. What gcov writes where coverage is measured goes elsewhere, for it would be cut off."""

        def prepare():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

        return subprocess.run(
            [str(part) for part in (PROGRAMS / "spikesink-train", *arguments)],
            capture_output=True,
            encoding="utf-8",
            timeout=SECONDS_ALLOWED,
            env=os.environ | {"GCOV_PREFIX": str(self.folder), "GCOV_ERROR_FILE": "/dev/null"},
            preexec_fn=prepare,
        )

    def test_a_full_disk_loses_nothing(self):
        for name, every, limit, words in (
            ("no room for a checkpoint", 5, 20000, ["cannot write", "step-5", "there was no checkpoint yet"]),
            ("no room for the log", 0, 8000, ["cannot write", "log.jsonl", "File too large"]),
        ):
            with self.subTest(name):
                config = self.training_config(steps=80, checkpoint_every=every)
                _, whole = self.train("--config", config)
                out = self.new_path("-full")
                arguments = ["--config", config, "--threads", 1, "--out", out]
                self.assert_one_sentence(self.start_with_files_of(limit, arguments), words)
                self.assertEqual(list(out.glob("checkpoints/*")), [])
                self.train("--config", config, out=out)
                self.assertEqual(results(out), results(whole))

    def test_the_last_good_checkpoint_is_named(self):
        config = self.training_config(steps=40, checkpoint_every=5)
        out = self.new_path("-full")
        process = self.begin(config, out)
        while not (out / "checkpoints/step-5").exists():
            time.sleep(0.01)
        process.kill()
        process.wait()
        done = self.start_with_files_of(20000, ["--config", config, "--threads", 1, "--out", out])
        self.assert_one_sentence(done, ["cannot write", "the last good checkpoint is", "checkpoints/step-"])


class TableTest(TrainingTest):
    def test_rows_beside_the_paper(self):
        out = self.new_path("-table")
        arguments = ["--rows", "table5", "table7/conditional-head", "--steps", 2, "--sequences", 2]
        done, _ = self.run_well("ablation-table", *arguments, "--seeds", 2, out=out)
        section = read_report(out)["training"]
        names = ["baseline", "table5/sandwich", "table5/sandwich-qk", "table5/dynamic-tanh", "table7/conditional-head"]
        self.assertEqual([row["row"] for row in section["rows"]], names)
        self.assertEqual([row["runs"] for row in section["rows"]], [2] * 5)
        self.assertEqual(section["rows"][1]["paper"]["spike"], 520)
        self.assertEqual(len(section["runs"]), 10)
        for row in section["rows"]:
            losses = [run["validation"][-1]["loss"] for run in section["runs"] if run["row"] == row["row"]]
            self.assertAlmostEqual(row["loss"]["mean"], sum(losses) / 2)
            self.assertEqual((row["loss"]["low"], row["loss"]["high"]), (min(losses), max(losses)))
            self.assertRegex(done.stdout, rf"(?m)^{row['row']} .* {row['paper']['spike']:g}$")
        # What is done is skipped, what is not is done.
        kept = {path: path.stat().st_mtime_ns for path in out.rglob("log.jsonl")}
        self.run_well("ablation-table", *arguments, "--seeds", 3, out=out)
        now = {path: path.stat().st_mtime_ns for path in out.rglob("log.jsonl")}
        self.assertEqual(len(now), 15)
        self.assertEqual({path: now[path] for path in kept}, kept)

    def test_a_row_that_fails_ends_it(self):
        out = self.new_path("-table")
        done = self.start("ablation-table", ["--rows", "table9", "--out", out])
        self.assert_one_sentence(done, ["table9"])
        done = self.start("ablation-table", ["--data", self.folder / "none", "--out", out])
        self.assert_one_sentence(done, ["there is no", "none"])


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
