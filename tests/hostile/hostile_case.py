"""What the tests with hostile files share: runs under limits of time and memory, and what one sentence is there."""

import io
import math
import os
import re
import resource
import signal
import struct
import subprocess
import sys
import tempfile
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "examples"))

from program_case import PROGRAMS, ProgramTest

# Raw in a terminal these move the cursor, change colours or turn text round; surrogates are bytes that were no UTF-8.
CONTROL = r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\udc80-\udcff]"
LONGEST_SENTENCE = 2000  # characters: more than any path and what is wrong with it
SANITIZED = b"__asan_init" in (PROGRAMS / "spikesink-anatomy").read_bytes()
BYTES_ALLOWED = 6 << 30  # of address space: what goes wrong ends before the machine's memory does
DEEP = 100_000
NESTED_ARRAYS = b"[" * DEEP
NESTED_OBJECTS = b'{"a":' * DEEP
ESCAPES = "\x1b[2J\x1b]0;owned\x07"  # for a terminal
SCRIPT = "<script>alert(1)</script>"
EMBEDDING = "model.embed_tokens.weight"


@dataclass(frozen=True)
class Finished:
    returncode: int
    stdout: str
    stderr: str


class HostileTest(ProgramTest):
    """A program that has nothing to do takes half a second and 120 MB, nearly all of it LibTorch; the report on a tiny
    model 3 seconds and 175 MB."""

    seconds_allowed = 20
    megabytes_allowed = 256

    def start(self, program, arguments, prefix=()):
        command = [str(part) for part in (*prefix, PROGRAMS / f"spikesink-{program}", *arguments)]
        with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, cwd=self.folder)
            if not SANITIZED:
                resource.prlimit(process.pid, resource.RLIMIT_AS, (BYTES_ALLOWED, BYTES_ALLOWED))
            usage = self.wait(process)
            done = Finished(process.returncode, *(self.written(file) for file in (stdout, stderr)))
        if not SANITIZED:
            self.assertLess(usage.ru_maxrss >> 10, self.megabytes_allowed, f"MB at the most: {done.stderr[:1000]}")
        return done

    def wait(self, process):
        """What the process used; one that takes too long is ended."""
        deadline = time.monotonic() + self.seconds_allowed * (5 if SANITIZED else 1)
        while True:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            if time.monotonic() > deadline:
                os.kill(process.pid, signal.SIGKILL)
            time.sleep(0.01)
        process.returncode = os.waitstatus_to_exitcode(status)
        self.assertLess(time.monotonic(), deadline, "took too long")
        return usage

    def written(self, file):
        file.seek(0)
        return file.read().decode("utf-8", "surrogateescape")

    def assert_one_sentence(self, done, words):
        """Status 1 and one line of text, in which each of these patterns is found."""
        super().assert_one_sentence(done, [])
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertNotRegex(done.stderr[:-1], CONTROL)
        self.assertLess(len(done.stderr), LONGEST_SENTENCE)
        for pattern in self.patterns(words):
            self.assertRegex(done.stderr, pattern)

    def assert_model_refused(self, words, model, named=None):
        """Token ids are given, so that nothing but the model is at fault. The sentence has the path of `named`."""
        words = [*self.patterns(words), re.escape(str(named or model))]
        self.assert_refused(words, "--model", model, "--tokens", self.tokens([[1, 2, 3]]))

    def patterns(self, words):
        return [words] if isinstance(words, str) else words

    def run_tiny(self, model, *arguments):
        """A run that succeeds on a few tokens; its text for the terminal and its folder."""
        done, out = self.run_well("anatomy", "--threads", 1, "--model", model, *arguments)
        self.assertEqual(done.stderr, "")
        self.assertNotRegex(done.stdout.replace("\n", ""), CONTROL)
        return done.stdout, out


# -- safetensors


def safetensors(header, data=b""):
    """A file with this text as its header."""
    return struct.pack("<Q", len(header)) + header + data


# -- GGUF

UINT8, UINT32, STRING, ARRAY, UINT64 = 0, 4, 8, 9, 10
F32 = 0


def u32(number):
    return struct.pack("<I", number)


def u64(number):
    return struct.pack("<Q", number)


def text(content):
    content = content if isinstance(content, bytes) else content.encode()
    return u64(len(content)) + content


def gguf(tensors=0, keys=0, body=b"", version=3):
    return b"GGUF" + u32(version) + u64(tensors) + u64(keys) + body


def gguf_tensor(name="x", shape=(1,), type=F32, offset=0):
    return text(name) + u32(len(shape)) + b"".join(u64(size) for size in shape) + u32(type) + u64(offset)


def gguf_tensors(*tensors, keys=0, body=b"", data=bytes(256)):
    """Metadata, descriptions of tensors and, from the next multiple of 32 on, data."""
    content = gguf(len(tensors), keys, body + b"".join(tensors))
    return content + bytes(-len(content) % 32) + data


# -- files of torch.save: a zip file of a pickle and of storages


def torch_file(pickle, storages=(bytes(16),), compression=zipfile.ZIP_STORED, more=()):
    """As torch.save writes it; `more` entries are (name, bytes)."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", compression) as archive:
        archive.writestr("a/data.pkl", pickle)
        for number, storage in enumerate(storages):
            archive.writestr(f"a/data/{number}", storage)
        for name, data in more:
            archive.writestr(name, data)
    return content.getvalue()


def pickled(opcodes):
    return b"\x80\x02" + opcodes + b"."


def pickled_text(content):
    content = content if isinstance(content, bytes) else content.encode()
    return b"X" + u32(len(content)) + content


def pickled_integer(value):
    return b"\x8a\x08" + struct.pack("<q", value)


def pickled_tuple(*items):
    return b"(" + b"".join(items) + b"t"


def pickled_global(module, name):
    return f"c{module}\n{name}\n".encode()


def pickled_tensor(shape=(4,), strides=(1,), offset=0, elements=4, key="0", type="FloatStorage"):
    storage = pickled_tuple(pickled_text("storage"), pickled_global("torch", type), pickled_text(key),
                            pickled_text("cpu"), pickled_integer(elements)) + b"Q"
    sizes = (pickled_tuple(*map(pickled_integer, numbers)) for numbers in (shape, strides))
    arguments = pickled_tuple(storage, pickled_integer(offset), *sizes, b"\x89", b"}")
    return pickled_global("torch._utils", "_rebuild_tensor_v2") + arguments + b"R"


def pickled_dict(items):
    """Of names and opcodes."""
    return pickled(b"}" + b"".join(pickled_text(name) + value + b"s" for name, value in items))


def pickled_state(tensors):
    """The pickle and the storages of tensors in F32, by name."""
    items = []
    for key, (name, tensor) in enumerate(tensors.items()):
        strides = [math.prod(tensor.shape[i + 1 :]) for i in range(len(tensor.shape))]
        items.append((name, pickled_tensor(tensor.shape, strides, 0, math.prod(tensor.shape), str(key))))
    return pickled_dict(items), [tensor.data for tensor in tensors.values()]
