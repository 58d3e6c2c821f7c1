#!/usr/bin/env python3
"""Writes a SentencePiece unigram model as a tokenizer.json, without added tokens: unigram_tokenizer.py MODEL OUT

For scripts/setup, which has only Python's standard library. Normalizer and spaces are those of transformers' conversion, which also
assumes SentencePiece's defaults (a space before the text, runs of spaces joined). tests/text/tokenizer_kinds_test.cpp compares the
result with the model's ids in `tokenizers`.
"""

import base64
import json
import pathlib
import struct
import sys

METASPACE = "\u2581"


def varint(data: bytes, offset: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[offset]
        value |= (byte & 0x7F) << shift
        offset, shift = offset + 1, shift + 7
        if byte < 0x80:
            return value, offset


def fields(data: bytes):
    """Yields the number and the value (int or bytes) of each field of a protocol buffer."""
    offset = 0
    while offset < len(data):
        key, offset = varint(data, offset)
        kind = key & 7
        if kind == 0:
            value, offset = varint(data, offset)
        else:
            if kind == 2:
                size, offset = varint(data, offset)
            elif kind in (1, 5):
                size = 8 if kind == 1 else 4
            else:
                sys.exit(f"unigram_tokenizer: a field's wire type is {kind}, expected 0, 1, 2 or 5")
            value, offset = data[offset:offset + size], offset + size
        yield key >> 3, value


def tokenizer(model: bytes) -> dict:
    """Reads the model; the field numbers are those of sentencepiece_model.proto."""
    unigram, unk_id = 1, 0
    vocabulary, charsmap = [], b""
    for number, value in fields(model):
        if number == 1:  # pieces
            piece = dict(fields(value))
            vocabulary.append([piece[1].decode(), struct.unpack("<f", piece.get(2, bytes(4)))[0]])
        elif number == 2:  # trainer_spec
            spec = dict(fields(value))
            unk_id = spec.get(40, 0)
            if spec.get(3, unigram) != unigram:
                sys.exit(f"unigram_tokenizer: model_type is {spec[3]}, expected {unigram}, a unigram model")
        elif number == 3:  # normalizer_spec
            charsmap = dict(fields(value)).get(2, b"")
    spaces = {"type": "Metaspace", "replacement": METASPACE, "prepend_scheme": "always", "split": True}
    normalizers = [{"type": "Precompiled", "precompiled_charsmap": base64.b64encode(charsmap).decode()},
                   {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": METASPACE}]
    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": [],
        "normalizer": {"type": "Sequence", "normalizers": normalizers},
        "pre_tokenizer": spaces, "post_processor": None, "decoder": spaces,
        "model": {"type": "Unigram", "unk_id": unk_id, "vocab": vocabulary, "byte_fallback": False},
    }


if __name__ == "__main__":
    source, target = map(pathlib.Path, sys.argv[1:])
    target.write_text(json.dumps(tokenizer(source.read_bytes()), ensure_ascii=False, separators=(",", ":")), encoding="utf-8")
