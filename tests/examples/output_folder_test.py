#!/usr/bin/env python3
"""What happens where --out cannot be written.

    tests/examples/output_folder_test.py FOLDER_OF_PROGRAMS REPOSITORY [arguments of unittest]
"""

import os
import sys
import unittest
from pathlib import Path

from program_case import ProgramTest


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
