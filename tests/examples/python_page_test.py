#!/usr/bin/env python3
"""The Python of docs/python.md, run on what its two commands write for a tiny model.

    tests/examples/python_page_test.py FOLDER_OF_PROGRAMS REPOSITORY [arguments of unittest]
"""

import contextlib
import importlib.util
import io
import os
import re
import shlex
import sys
import unittest

from program_case import REPOSITORY, ProgramTest, read_report
from tiny_models import read_safetensors

PAGE = (REPOSITORY / "docs/python.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def packages(block):
    return {name for name in re.findall(r"^import (\w+)", block, re.MULTILINE) if name not in sys.stdlib_module_names}


@contextlib.contextmanager
def inside(folder):
    before = os.getcwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


class PythonPageTest(ProgramTest):
    def run_commands(self, *more):
        """Those of the page, in the folder of the test, on the tiny model and a few tokens."""
        (commands,) = blocks("sh")
        for line in commands.splitlines():
            program, *arguments = shlex.split(line)
            program = program.rsplit("/spikesink-", 1)[1]
            arguments = [str(self.model) if part == "path/to/model" else part for part in arguments]
            done = self.start(program, [*arguments, "--length", 16, *more])
            self.assertEqual(done.returncode, 0, done.stderr)

    def run_blocks(self, needed):
        """The blocks that import no package but `needed`, in order: the names they leave, and what they print."""
        if needed and importlib.util.find_spec(needed) is None:
            self.skipTest(f"there is no {needed} here")
        chosen = [block for block in blocks("python") if packages(block) <= {needed}]
        names, printed = {}, io.StringIO()
        with inside(self.folder), contextlib.redirect_stdout(printed):
            for block in chosen:
                exec(compile(block, "docs/python.md", "exec"), names)
        return names, printed.getvalue()

    def test_every_block_is_run_by_one_of_these(self):
        for block in blocks("python"):
            self.assertIn(packages(block), [set(), {"pandas"}, {"numpy"}])

    def test_a_report_by_the_standard_library(self):
        self.run_commands()
        _, printed = self.run_blocks(None)
        states = read_report(self.folder / "spikesink-out")["life_cycle"]["blocks"]
        self.assertEqual(
            printed.splitlines()[: len(states)],
            [f"{block['block']} {block['kind']} {state['top'][0]['channel']} {state['top'][0]['magnitude']} {state['median']}"
             for block in states for state in [block["hidden_state"]]],
        )

    def test_a_report_by_pandas(self):
        self.run_commands()
        names, _ = self.run_blocks("pandas")
        report = read_report(self.folder / "spikesink-out")
        sinks = report["attention_sinks"]["heads"]
        self.assertEqual(names["heads"]["importance"].tolist(), [head["importance"] for head in sinks])
        tops = [top for block in report["life_cycle"]["blocks"] for top in block["hidden_state"]["top"]]
        self.assertEqual(names["tops"]["magnitude"].tolist(), [top["magnitude"] for top in tops])

    def test_activations_by_numpy(self):
        self.run_commands()
        names, _ = self.run_blocks("numpy")
        expected = read_safetensors(self.folder / "activations/activations.safetensors")
        self.assertEqual(names["seen"].keys(), expected.keys())
        for name, tensor in expected.items():
            self.assertEqual(list(names["seen"][name].shape), tensor.shape)
            self.assertEqual(names["seen"][name].ravel().tolist(), tensor.values().tolist())

    def test_bfloat16_by_numpy(self):
        self.run_commands("--dtype", "bfloat16")
        names, _ = self.run_blocks("numpy")
        got = names["widened"](names["state"])
        stored = read_safetensors(self.folder / "activations/activations.safetensors")["blocks.0.hook_resid_post"]
        self.assertEqual((stored.dtype, list(got.shape)), ("BF16", stored.shape))
        values = memoryview(b"".join(b"\0\0" + stored.data[at : at + 2] for at in range(0, len(stored.data), 2))).cast("f")
        self.assertEqual(got.ravel().tolist(), values.tolist())


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
