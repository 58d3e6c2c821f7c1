#!/usr/bin/env python3
"""The command line that all programs share: docs/programs.md matches --help, --version, names and groups of options.

    tests/examples/programs_test.py FOLDER_OF_PROGRAMS REPOSITORY [arguments of unittest]
"""

import re
import subprocess
import sys
import unittest

from program_case import PROGRAMS, REPOSITORY, ProgramTest

NAMES = [source.stem.replace("_", "-") for source in sorted((REPOSITORY / "examples").glob("*.cpp"))]
GROUPS = ["Model", "Text", "Compute", "Output", "Help"]  # of every program, beside its own
WIDTH = 80


class ProgramsTest(ProgramTest):
    def help(self, program):
        done = self.start(program, ["--help"])
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout

    def test_the_page_matches_the_help(self):
        script = REPOSITORY / "scripts/describe_programs.py"
        done = subprocess.run([sys.executable, "-B", script, "--check", PROGRAMS], capture_output=True, encoding="utf-8")
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)

    def test_every_program_is_found(self):
        self.assertIn("export-activations", NAMES)
        for name in NAMES:
            self.assertTrue((PROGRAMS / f"spikesink-{name}").is_file(), name)

    def test_version(self):
        for name in NAMES:
            with self.subTest(name):
                done = self.start(name, ["--version"])
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                self.assertRegex(done.stdout, rf"\Aspikesink-{name} \d+\.\d+\.\d+ \(LibTorch \d+\.\d+\S*, \w+ kernels\)\n\Z")

    def test_options_are_grouped(self):
        for name in NAMES:
            with self.subTest(name):
                text = self.help(name)
                groups = re.findall(r"^(\S.*):\n  -", text, re.MULTILINE)
                self.assertLessEqual(set(GROUPS), set(groups))
                self.assertEqual(len(groups), len(set(groups)))
                self.assertEqual((groups[0], groups[-1]), ("Model", "Help"))

    def test_help_fits_a_terminal(self):
        for name in NAMES:
            for line in self.help(name).splitlines():
                self.assertLessEqual(len(line), WIDTH, f"{name}: {line}")

    def test_names_have_hyphens(self):
        for name in NAMES:
            with self.subTest(name):
                text = self.help(name)
                self.assertIn(f"Usage: spikesink-{name} [OPTIONS]", text)
                for option in re.findall(r"(?<![\w-])--?[a-z][\w-]*", text):
                    self.assertNotIn("_", option)

    def test_a_name_stands_once(self):
        """A list of names is not repeated in the options that take them."""
        listed = re.search(r"^Names for --run:\n((?:  .*\n)*)", self.help("interventions"), re.MULTILINE)[1]
        for name in re.findall(r"^  (\S+)", listed, re.MULTILINE):
            self.assertEqual(len(re.findall(rf"(?<![\w/-]){re.escape(name)}(?![\w/.-])", self.help("interventions"))), 1, name)
        sections = re.findall(r"^  ([a-z][\w-]*)$", self.help("anatomy"), re.MULTILINE)
        self.assertIn("life-cycle", sections)
        for name in sections:
            self.assertEqual(len(re.findall(rf"(?m)^\s*{name}\s*$|{name},|,{name}", self.help("anatomy"))), 1, name)

    def test_a_wrong_command_line(self):
        for name in NAMES:
            with self.subTest(name):
                done = self.start(name, ["--nonsense"])
                self.assertEqual(done.returncode, 2)
                self.assertRegex(done.stderr, rf"\Aspikesink-{name}: .*--(nonsense|model|hooks|reference).*--help lists the options.*\n\Z")


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
