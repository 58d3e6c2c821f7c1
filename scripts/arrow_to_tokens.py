#!/usr/bin/env python3
"""Converts the data folder of the paper's training code to token shards: arrow_to_tokens.py FOLDER OUT --length N [--uint32]

Needs pyarrow (PyPI). FOLDER has files chunk.00000.arrow, chunk.00001.arrow, ... in Arrow's IPC file format; each record batch has
one sequence of token ids in its column `input_ids`. As in that code (github.com/savinasun/SpikeSparseSink, one process), sequence i is
record i // n of file i % n, and its first N + 1 tokens are used: N inputs, and the last target. OUT is a folder of shards
tokens-00000.bin, ... in the format of llm.c. Ids are uint16, which is enough for the paper's vocabulary of 32,000, or uint32.

To train in the same order: `--data OUT --length N`, and in the configuration `data.starts_with_separator` and `data.shuffled` false.
"""
import argparse
import array
import re
import struct
import sys
import tempfile
from pathlib import Path

HEADER_INTS = 256
FORMATS = {"H": (20240520, 1), "I": (20240801, 7)}  # magic and version of uint16 and uint32 ids
SHARD_TOKENS = 1 << 28


def fail(sentence):
    sys.exit(f"arrow_to_tokens: {sentence}")


def chunk_files(folder):
    files = sorted(path for path in folder.iterdir() if re.fullmatch(r"chunk\.\d+\.arrow", path.name))
    if not files:
        fail(f"there is no chunk.NNNNN.arrow, expected at least one ({folder})")
    return files


def open_chunk(file, pyarrow):
    try:
        return pyarrow.ipc.open_file(pyarrow.memory_map(str(file)))
    except (pyarrow.ArrowInvalid, OSError) as error:
        fail(f"the file is damaged or no Arrow file: {str(error).splitlines()[0]} ({file})")


def record(reader, index, file, length, pyarrow):
    """Returns the first length + 1 ids of a record batch."""
    where = f"{file}, record batch {index}"
    try:
        ids = reader.get_batch(index)["input_ids"].to_pylist()[0]
    except KeyError:
        fail(f"there is no column input_ids, expected one ({where})")
    except (pyarrow.ArrowInvalid, OSError, IndexError) as error:
        fail(f"the record cannot be read: {str(error).splitlines()[0]} ({where})")
    if len(ids) <= length:
        fail(f"the sequence is too short: got {len(ids)} tokens, expected at least {length + 1} ({where})")
    return ids[: length + 1]


def read(folder, length):
    """Yields the sequences in the order of training."""
    try:
        import pyarrow
        import pyarrow.ipc
    except ImportError:
        fail("pyarrow is not installed: pip install pyarrow")
    files = chunk_files(folder)
    readers = [open_chunk(file, pyarrow) for file in files]
    counts = {reader.num_record_batches for reader in readers}
    if len(counts) > 1:
        fail(f"the files have from {min(counts)} to {max(counts)} record batches, expected equally many ({folder})")
    for index in range(counts.pop()):
        for file, reader in zip(files, readers):
            yield record(reader, index, file, length, pyarrow)


def write_shard(ids, folder, number):
    with (folder / f"tokens-{number:05d}.bin").open("wb") as file:
        file.write(struct.pack(f"<3i{(HEADER_INTS - 3) * 4}x", *FORMATS[ids.typecode], len(ids)))
        ids.tofile(file)


def write(sequences, folder, kind):
    """Writes whole sequences to each shard. Returns the number of tokens."""
    ids, tokens, shards = array.array(kind), 0, 0
    for sequence in sequences:
        try:
            ids.extend(sequence)
        except OverflowError:
            fail(f"got ids from {min(sequence)} to {max(sequence)}, expected 0 to {(1 << 8 * ids.itemsize) - 1}; "
                 "larger ones need --uint32")
        if len(ids) + len(sequence) > SHARD_TOKENS:
            write_shard(ids, folder, shards)
            tokens, shards, ids = tokens + len(ids), shards + 1, array.array(kind)
    if ids:
        write_shard(ids, folder, shards)
    return tokens + len(ids)


def convert(arguments):
    """Writes OUT, which exists only when it is complete. Returns the number of tokens."""
    out = arguments.out
    if out.exists():
        fail(f"there is already a '{out}', expected a new folder")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=out.name) as partial:
        complete = Path(partial) / "complete"
        complete.mkdir()
        tokens = write(read(arguments.folder, arguments.length), complete, "I" if arguments.uint32 else "H")
        complete.rename(out)
    return tokens


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--length", type=int, required=True, help="predictions per sequence")
    parser.add_argument("--uint32", action="store_true", help="ids of 65536 and more")
    arguments = parser.parse_args()
    if not arguments.folder.is_dir():
        fail(f"there is no folder '{arguments.folder}'")
    if arguments.length < 1:
        fail(f"--length: got {arguments.length}, expected at least 1")
    print(f"{arguments.out}: {convert(arguments)} tokens, sequences of {arguments.length + 1}")


if __name__ == "__main__":
    main()
