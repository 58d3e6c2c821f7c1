#!/usr/bin/env python3
"""The options that the programs share.

    tests/examples/options_test.py FOLDER_OF_PROGRAMS REPOSITORY [arguments of unittest]
"""

import os
import re
import sys
import time
import unittest

from program_case import ProgramTest

ALL_PROGRAMS = ["anatomy", "quickstart", "interventions", "streaming", "export-activations"]
COMMON_OPTIONS = (
    "--model --text --tokens --sequences --length --bos --dtype --device --threads --seed --out --quiet --help".split()
)
TEXT = "the cat sat on the mat, and the dog looked at it. " * 20


class HelpTest(ProgramTest):
    def test_help_lists_every_option(self):
        own_options = {
            "anatomy": [],
            "quickstart": ["--limit"],
            "export-activations": ["--hooks"],
            "parity": ["--reference", "--absolute", "--relative"],
        }
        for program, own in own_options.items():
            with self.subTest(program):
                done = self.start(program, ["--help"])
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                listed = set(re.findall(r"--[a-z]+", done.stdout))
                self.assertLessEqual({*COMMON_OPTIONS, *own}, listed)


class OptionsTest(ProgramTest):
    def test_same_command_same_report(self):
        tokens = self.tokens([list(range(20)), list(range(30, 45))])
        for program, own in [("anatomy", []), ("export-activations", ["--hooks", "hook_embed", "--length", 15])]:
            with self.subTest(program):
                command = ["--model", self.model, "--tokens", tokens, "--sequences", 2, *own]
                _, first = self.run_well(program, *command)
                time.sleep(1.1)  # a time of day would be another
                _, second = self.run_well(program, *command)
                for file in sorted(first.iterdir()):
                    self.assertEqual(file.read_bytes(), (second / file.name).read_bytes(), file.name)

    def test_quiet_prints_nothing(self):
        tokens = self.tokens([[1, 2, 3], [4, 5, 6]])
        for program in ALL_PROGRAMS:
            for model in [self.model, self.bare]:
                with self.subTest(program, model=model):
                    own = ["--hooks", "hook_embed"] if program == "export-activations" else []
                    done, _ = self.run_well(program, "--model", model, "--tokens", tokens, "--quiet", *own)
                    self.assertEqual((done.stdout, done.stderr), ("", ""))


class BadOptionsTest(ProgramTest):
    def test_missing_model(self):
        for program in ALL_PROGRAMS:
            with self.subTest(program):
                own = ["--hooks", "hook_embed"] if program == "export-activations" else []
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

    def test_bos_without_a_bos_token(self):
        tokens = self.tokens([[1, 2, 3]])
        self.assert_refused(["--bos yes", "--tokens"], "--model", self.model, "--tokens", tokens, "--bos", "yes")
        no_bos = self.copy_model(adds_bos=False)
        self.assert_refused("no BOS token", "--model", no_bos, "--bos", "yes")

    @unittest.skipIf(os.path.exists("/dev/nvidiactl"), "this machine may have CUDA")
    def test_cuda_without_cuda(self):
        self.assert_refused(["--device cuda", "no CUDA device"], "--model", self.model, "--device", "cuda")


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
