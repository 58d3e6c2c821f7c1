#!/usr/bin/env python3
"""Tests of programs that are several processes of one job, on the loopback interface.

    tests/examples/processes_test.py FOLDER_OF_PROGRAMS REPOSITORY [arguments of unittest]
"""

import math
import os
import random
import signal
import socket
import subprocess
import sys
import time
import unittest

from program_case import GOLDEN, PROGRAMS, ProgramTest, read_log, read_report
from tiny_models import read_safetensors

SECONDS_TO_NOTICE = 30
EMBEDDING = "model.embed_tokens.weight"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class ProcessesTest(ProgramTest):
    def begin(self, count, program, *arguments, last=None):
        """The processes, and what they write into; the last one has arguments of its own, if `last` gives any."""
        job = {"WORLD_SIZE": str(count), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port()), "OMP_NUM_THREADS": "1"}
        out = self.new_path("-out")

        def start(rank):
            own = last if last and rank == count - 1 else arguments
            process = subprocess.Popen(
                [str(part) for part in (PROGRAMS / f"spikesink-{program}", *own, "--out", out)],
                env=os.environ | job | {"RANK": str(rank)},
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=self.folder)
            self.addCleanup(process.communicate)
            self.addCleanup(process.kill)
            return process

        return [start(rank) for rank in range(count)], out

    def run_together(self, count, *arguments):
        """What they write; all end well, and only the first one speaks."""
        processes, out = self.begin(count, *arguments)
        said = [process.communicate(timeout=100) for process in processes]
        self.assertEqual([process.returncode for process in processes], [0] * count, said)
        self.assertTrue(said[0][0])
        self.assertEqual(said[1:], [("", "")] * (count - 1), "the others say nothing")
        return out

    def report_of(self, count, *arguments):
        return read_report(self.run_together(count, "anatomy", *arguments))

    def many_tokens(self):
        """More than are read within half a minute."""
        draw = random.Random(1)
        return self.tokens([[draw.randrange(60) for _ in range(60)] for _ in range(20000)])

    def assert_same(self, seen, expected, where=""):
        self.assertIs(type(seen), type(expected), where)
        if isinstance(expected, dict):
            self.assertEqual(seen.keys(), expected.keys(), where)
            for key, value in expected.items():
                self.assert_same(seen[key], value, f"{where}/{key}")
        elif isinstance(expected, list):
            self.assertEqual(len(seen), len(expected), where)
            for index, value in enumerate(expected):
                self.assert_same(seen[index], value, f"{where}/{index}")
        elif isinstance(expected, float):
            self.assertAlmostEqual(seen, expected, delta=1e-6 * max(1, abs(expected)), msg=where)
        else:
            self.assertEqual(seen, expected, where)

    def test_more_processes_give_the_same_report(self):
        arguments = ["--model", self.model, "--sequences", 21, "--threads", 1]
        alone = read_report(self.run_well("anatomy", *arguments)[1])
        self.assertEqual(alone["configuration"].pop("processes"), 1)
        for count in 2, 4:
            together = self.report_of(count, *arguments)
            self.assertEqual(together["configuration"].pop("processes"), count)
            self.assert_same(together, alone)

    def test_fewer_sequences_than_processes(self):
        report = self.report_of(3, "--model", self.bare, "--tokens", self.tokens([[1, 2, 3], [4, 5]]))
        self.assertEqual(report["perplexity"]["tokens"], 3)

    def test_weights_by_layer_in_several_processes(self):
        arguments = ["--model", self.model, "--sequences", 9, "--threads", 1]
        alone = read_report(self.run_well("anatomy", *arguments)[1])
        together = self.report_of(2, *arguments, "--by-layer", "yes")
        for report in alone, together:
            report.pop("configuration")
        self.assert_same(together, alone)

    def test_a_process_that_is_killed_is_noticed(self):
        many = self.many_tokens()
        for victim in 0, 1:
            processes, out = self.begin(2, "anatomy", "--model", self.bare, "--tokens", many, "--threads", 1)
            time.sleep(5)
            processes[victim].send_signal(signal.SIGKILL)
            self.assertIsNone(processes[1 - victim].poll(), "there is still work to do")
            said = processes[1 - victim].communicate(timeout=SECONDS_TO_NOTICE)[1]
            self.assertEqual(processes[1 - victim].returncode, 1)
            self.assertRegex(said, r"\Aspikesink-anatomy: \[ProcessGroup\] [^\n]+\n\Z")
            self.assertFalse(out.exists() and list(out.iterdir()), "nothing half written")

    def test_a_process_that_hangs_is_noticed(self):
        for victim, words in (1, "process 1 sent no heartbeat for"), (0, "usually process 0, has not answered"):
            processes, _ = self.begin(2, "train", "--steps", 100000, "--threads", 1)
            time.sleep(5)
            processes[victim].send_signal(signal.SIGSTOP)
            said = processes[1 - victim].communicate(timeout=SECONDS_TO_NOTICE)[1]
            processes[victim].send_signal(signal.SIGKILL)
            self.assertEqual(processes[1 - victim].returncode, 1)
            self.assertIn(words, said)

    def test_an_error_of_one_process_ends_the_others(self):
        embedding = read_safetensors(GOLDEN / "model.safetensors")[EMBEDDING]
        spoilt = self.copy_model(tokenizer=False, tensors={EMBEDDING: embedding.with_values({5: math.nan})})
        arguments = ["--tokens", self.many_tokens(), "--threads", 1, "--model"]
        processes, out = self.begin(2, "anatomy", *arguments, self.bare, last=[*arguments, spoilt])
        said = [process.communicate(timeout=SECONDS_TO_NOTICE)[1] for process in processes]
        self.assertEqual([process.returncode for process in processes], [1, 1])
        self.assertRegex(said[0], r"\Aspikesink-anatomy: \[ProcessGroup\] process 1 ended with an error[^\n]*\n\Z")
        self.assertIn("NaN", said[1])
        self.assertFalse(out.exists() and list(out.iterdir()))

    def test_they_train_what_one_process_trains(self):
        arguments = ["--steps", 30, "--sequences", 10]
        alone = read_log(self.train(*arguments)[1])
        self.assertEqual(len(alone), 30)
        for count in 2, 4:
            out = self.run_together(count, "train", *arguments, "--threads", 1)
            for seen, expected in zip(read_log(out), alone, strict=True):
                self.assert_same(seen, expected, f"{count} processes, step {expected['step']}")
            self.assertTrue((out / "report.html").exists())
            self.assertTrue((out / "model/config.json").exists())

    def test_a_training_whose_process_was_killed_goes_on(self):
        arguments = ["--config", self.training_config(steps=2000, measure_every=20, checkpoint_every=20)]
        processes, out = self.begin(2, "train", *arguments, "--threads", 1)
        while not (out / "checkpoints/step-40").exists():
            self.assertIsNone(processes[0].poll(), "there is still work to do")
            time.sleep(0.01)
        processes[1].send_signal(signal.SIGKILL)
        said = processes[0].communicate(timeout=SECONDS_TO_NOTICE)[1]
        self.assertEqual(processes[0].returncode, 1)
        self.assertRegex(said, r"\Aspikesink-train: \[ProcessGroup\] [^\n]+; the last good checkpoint is [^\n]+step-[0-9]+\n\Z")
        done, _ = self.train(*arguments, out=out)
        self.assertIn("going on after step", done.stdout)
        self.assertEqual([step["step"] for step in read_log(out)], list(range(1, 2001)))

    def test_other_programs_are_one_process(self):
        for command in ["interventions", "--model", self.model], ["ablation-table"]:
            for process in self.begin(2, *command)[0]:
                said = process.communicate(timeout=60)[1]
                self.assertIn("does not share its work", said)
                self.assertEqual(process.returncode, 1)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
