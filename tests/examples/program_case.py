"""What tests of the programs share: where these are, how they are run, and what one sentence of error is."""

import itertools
import json
import os
import subprocess
import sys
import tempfile
import unittest
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tiny_models import copy_model

PROGRAMS, REPOSITORY = (Path(argument).resolve() for argument in sys.argv[1:3])
GOLDENS = REPOSITORY / "tests/goldens"
GOLDEN = GOLDENS / "tiny_llama/plain"
SECONDS_ALLOWED = 60
KILOBYTES_ALLOWED = 8 << 20  # of address space, where a lying file asks for too much


def refuse_constant(name):
    raise ValueError(f"{name} is not JSON")


def read_report(folder):
    return json.loads((folder / "report.json").read_text(encoding="utf-8"), parse_constant=refuse_constant)


def read_log(folder):
    return [json.loads(line) for line in (folder / "log.jsonl").read_text(encoding="utf-8").splitlines()]


class ProgramTest(unittest.TestCase):
    """Each test has a folder of its own, in which `model` is a model with a tokenizer and `bare` one without."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="spikesink-test-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.numbers = itertools.count()
        self.model = self.copy_model()
        self.bare = self.copy_model(tokenizer=False)

    def new_path(self, suffix=""):
        return self.folder / f"{next(self.numbers)}{suffix}"

    def copy_model(self, **changes):
        return copy_model(GOLDEN, self.new_path("-model"), **changes)

    def file(self, content, suffix=".txt"):
        path = self.new_path(suffix)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def tokens(self, sequences):
        return self.file(json.dumps(sequences), ".json")

    def start(self, program, arguments, prefix=()):
        command = [*prefix, PROGRAMS / f"spikesink-{program}", *arguments]
        return subprocess.run(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=SECONDS_ALLOWED,
            cwd=self.folder,
        )

    def run_well(self, program, *arguments, out=None):
        """The finished process and the folder it wrote into."""
        out = out or self.new_path("-out")
        done = self.start(program, ["--out", out, *arguments])
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue((out / "report.html").is_file())
        self.assertEqual([path for path in out.iterdir() if path.suffix == ".tmp"], [])
        return done, out

    def train(self, *arguments, out=None):
        """The finished process and its folder."""
        out = out or self.new_path("-training")
        done = self.start("train", ["--threads", 1, "--out", out, *arguments])
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done, out

    def training_config(self, **changes):
        """A file with the configuration of a training of some seconds."""
        _, out = self.train("--steps", 1)
        config = json.loads((out / "train.json").read_text(encoding="utf-8"))
        config["model"].update(n_layers=1, d_model=32, d_mlp=64, d_head=32)
        config.update(length=16, sequences=8, measured_sequences=4, **changes)
        return self.file(json.dumps(config), ".json")

    def report(self, program, *arguments):
        return read_report(self.run_well(program, *arguments)[1])

    def assert_one_sentence(self, done, words):
        self.assertGreater(done.returncode, 0, "ended by a signal" if done.returncode < 0 else done.stdout)
        self.assertRegex(done.stderr, r"\Aspikesink-[a-z-]+: [^\n]+\n\Z")
        for word in [words] if isinstance(words, str) else words:
            self.assertIn(word, done.stderr)
        # No person wrote these for a reader.
        self.assertNotRegex(done.stderr, r"Exception raised|enforce fail|Storage size|terminate called|filesystem error|std::")
        self.assertNotRegex(done.stderr, r"\d{30}")
        self.assertNotRegex(done.stdout, r"report|tensors in|perplexity|sink ratio")

    def assert_refused(self, words, *arguments, program="anatomy", prefix=()):
        """One sentence that has these words; an older report stays as it was, and nothing is left beside it."""
        out = self.new_path("-out")
        out.mkdir()
        older = {"report.json": "older", "report.html": "older", "activations.safetensors": "older"}
        for name, content in older.items():
            (out / name).write_text(content)
        done = self.start(program, ["--out", out, *arguments], prefix)
        self.assert_one_sentence(done, words)
        self.assertEqual({path.name: path.read_text() for path in out.iterdir()}, older)

    def for_each(self, cases, check):
        """`check(*case)`, several at a time; a case begins with its name."""
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            checks = [(what, pool.submit(check, *case)) for what, *case in cases]
            for what, done in checks:
                with self.subTest(what):
                    done.result()
