"""Builds what the gate asks of WordNet 3.0: lemmas, senses and hypernyms of known words.

    apt-get download wordnet-base && dpkg-deb -x wordnet-base_*.deb wordnet
    python daemon/tools/build_wordnet.py wordnet/usr/share/wordnet \
        daemon/picturerail_daemon/meaning/data/words.bin \
        daemon/picturerail_daemon/meaning/data

Known are the words of the built-in vectors with their lemmas, and every noun of two words. Of
each part of speech a word keeps its three most frequent senses, and of the synsets only those
that a kept sense leads to. `wordnet.bin` is "PRWN", a little-endian u32 format (1), and a zstd
frame of MessagePack, as `picturerail_daemon.meaning.wordnet` reads it.
"""

from __future__ import annotations

import struct
import sys
from pathlib import Path

import msgspec
import zstandard
from build_labels import TOO_GENERAL, read_ranks

MAGIC = b"PRWN"
FORMAT = 1
SENSES = 3
PARTS = {"noun": "n", "verb": "v", "adj": "a", "adv": "r"}

Synset = tuple[str, str]


def read_data(folder: Path) -> dict[Synset, tuple[list[str], list[Synset]]]:
    """Return synset → (words, hypernyms), as wndb(5WN) describes the files."""
    synsets: dict[Synset, tuple[list[str], list[Synset]]] = {}
    for name, part in PARTS.items():
        for line in (folder / f"data.{name}").read_text(encoding="ascii").splitlines():
            if line.startswith(" "):
                continue
            fields = line.partition("|")[0].split()
            count = int(fields[3], 16)
            words = [fields[4 + 2 * i].partition("(")[0].lower() for i in range(count)]
            start = 4 + 2 * count
            pointers = [
                fields[start + 1 + 4 * i : start + 5 + 4 * i] for i in range(int(fields[start]))
            ]
            above = [("a" if p == "s" else p, o) for mark, o, p, _ in pointers if mark[0] == "@"]
            synsets[part, fields[0]] = ([w.replace("_", " ") for w in words], above)
    return synsets


def read_senses(folder: Path) -> dict[str, list[Synset]]:
    """Return lemma → its most frequent senses of each part of speech."""
    senses: dict[str, list[Synset]] = {}
    for name, part in PARTS.items():
        for line in (folder / f"index.{name}").read_text(encoding="ascii").splitlines():
            if not line.startswith(" "):
                fields = line.split()
                offsets = fields[-int(fields[2]) :][:SENSES]
                lemma = fields[0].replace("_", " ")
                senses.setdefault(lemma, []).extend((part, offset) for offset in offsets)
    return senses


def read_exceptions(folder: Path) -> dict[str, list[str]]:
    """Return irregular form → its lemmas."""
    forms: dict[str, list[str]] = {}
    for name in PARTS:
        for line in (folder / f"{name}.exc").read_text(encoding="ascii").splitlines():
            form, lemma = line.split()[:2]
            if form != lemma:
                forms.setdefault(form.replace("_", " "), []).append(lemma.replace("_", " "))
    return forms


def main(folder: Path, words_bin: Path, target: Path) -> None:
    """Write `wordnet.bin` into the target folder."""
    synsets, senses, exceptions = read_data(folder), read_senses(folder), read_exceptions(folder)
    known = set(read_ranks(words_bin))
    exceptions = {form: lemmas for form, lemmas in exceptions.items() if form in known}
    known |= {lemma for lemmas in exceptions.values() for lemma in lemmas}
    known |= {lemma for lemma in senses if lemma.count(" ") == 1 and senses[lemma][0][0] == "n"}
    kept = {lemma: found for lemma, found in senses.items() if lemma in known}
    general = {" ".join(word.split()) for word in TOO_GENERAL}

    numbers: dict[Synset, int] = {}
    waiting = [synset for found in kept.values() for synset in found]
    for synset in waiting:  # grows while it is walked
        if synset not in numbers:
            numbers[synset] = len(numbers)
            waiting += [above for above in synsets[synset][1] if above in synsets]
    body = msgspec.msgpack.encode(
        {
            "exceptions": exceptions,
            "senses": {
                lemma: (
                    [numbers[synset] for synset in found if synset[0] == "n"],
                    [numbers[synset] for synset in found if synset[0] != "n"],
                )
                for lemma, found in kept.items()
            },
            "above": [
                [numbers[above] for above in synsets[synset][1] if above in numbers]
                for synset in numbers
            ],
            "words": [
                []
                if synsets[synset][0][0] in general
                else [word for word in synsets[synset][0] if word in kept]
                for synset in numbers
            ],
        }
    )
    packed = zstandard.ZstdCompressor(level=19, write_checksum=True).compress(body)
    (target / "wordnet.bin").write_bytes(MAGIC + struct.pack("<I", FORMAT) + packed)
    print(len(kept), "lemmas,", len(numbers), "synsets,", len(packed), "bytes")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
