#!/usr/bin/env python3
"""scripts/arrow_to_tokens.py: the order of the paper's training code, and one sentence for a bad folder.

    tests/train/arrow_to_tokens_test.py REPOSITORY [arguments of unittest]
"""

import array
import pathlib
import subprocess
import sys
import tempfile
import unittest

REPOSITORY = pathlib.Path(sys.argv.pop(1)).resolve()
PACKAGES = REPOSITORY / ".deps/python"
sys.path.append(str(PACKAGES))

import pyarrow
import pyarrow.ipc

FILES, RECORDS, TOKENS = 2, 3, 10
HEADER_BYTES = 1024


def write_chunk(path, sequences):
    schema = pyarrow.schema([("input_ids", pyarrow.list_(pyarrow.int32()))])
    with pyarrow.OSFile(str(path), "wb") as file, pyarrow.ipc.new_file(file, schema) as writer:
        for sequence in sequences:
            writer.write_batch(pyarrow.record_batch([pyarrow.array([sequence], pyarrow.list_(pyarrow.int32()))], schema=schema))


def sequence(number):
    return [100 * number + token for token in range(TOKENS)]


class ArrowToTokensTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name) / "chunks"
        self.folder.mkdir()
        self.out = pathlib.Path(folder.name) / "tokens"
        for chunk in range(FILES):
            write_chunk(self.chunk(chunk), [sequence(FILES * record + chunk) for record in range(RECORDS)])

    def chunk(self, number):
        return self.folder / f"chunk.{number:05d}.arrow"

    def convert(self, *options):
        command = [sys.executable, REPOSITORY / "scripts/arrow_to_tokens.py", self.folder, self.out, *options]
        return subprocess.run([*map(str, command)], capture_output=True, text=True, env={"PYTHONPATH": str(PACKAGES)})

    def assert_refused(self, sentence, *options):
        done = self.convert(*options)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, sentence)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        self.assertFalse(self.out.exists())
        self.assertEqual([*self.out.parent.iterdir()], [self.folder], "nothing is left behind")

    def test_sequences_have_the_order_of_training(self):
        done = self.convert("--length", "4")
        self.assertEqual(done.returncode, 0, done.stderr)
        (shard,) = self.out.iterdir()
        ids = array.array("H", shard.read_bytes()[HEADER_BYTES:])
        self.assertEqual([*ids], [id for number in range(FILES * RECORDS) for id in sequence(number)[:5]])

    def test_large_ids_need_uint32(self):
        write_chunk(self.chunk(1), [[70000] * TOKENS] * RECORDS)
        self.assert_refused("got ids from 70000 to 70000, expected 0 to 65535; larger ones need --uint32", "--length", "4")
        self.assertEqual(self.convert("--length", "4", "--uint32").returncode, 0)
        (shard,) = self.out.iterdir()
        self.assertEqual(array.array("I", shard.read_bytes()[HEADER_BYTES:])[5], 70000)

    def test_a_truncated_file(self):
        whole = self.chunk(1).read_bytes()
        for size in (0, 5, len(whole) // 2, len(whole) - 1):
            with self.subTest(size=size):
                self.chunk(1).write_bytes(whole[:size])
                self.assert_refused(r"the file is damaged or no Arrow file: .* \(.*chunk.00001.arrow\)", "--length", "4")

    def test_a_short_sequence(self):
        self.assert_refused("the sequence is too short: got 10 tokens, expected at least 11", "--length", "10")

    def test_a_missing_column(self):
        schema = pyarrow.schema([("ids", pyarrow.int32())])
        with pyarrow.OSFile(str(self.chunk(1)), "wb") as file, pyarrow.ipc.new_file(file, schema) as writer:
            for _ in range(RECORDS):
                writer.write_batch(pyarrow.record_batch([pyarrow.array([1], pyarrow.int32())], schema=schema))
        self.assert_refused("there is no column input_ids", "--length", "4")

    def test_files_of_different_sizes(self):
        write_chunk(self.chunk(1), [sequence(0)])
        self.assert_refused("the files have from 1 to 3 record batches", "--length", "4")

    def test_an_empty_folder(self):
        for chunk in range(FILES):
            self.chunk(chunk).unlink()
        self.assert_refused("there is no chunk.NNNNN.arrow", "--length", "4")


if __name__ == "__main__":
    unittest.main()
