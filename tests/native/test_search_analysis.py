"""The analyser against the written rule, and against vectors that the site's script shares."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import pytest

from picturerail_native.search import analyse

VECTORS = json.loads(Path(__file__).with_name("analysis-vectors.json").read_text("utf-8"))
FOLDS = str.maketrans(
    {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ð": "d", "ħ": "h", "ł": "l", "þ": "th"}
    | {"\u0131": "i", "\u03c2": "\u03c3"}
)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: ascii(vector["text"])[:30])
def test_shared_vectors(vector: dict[str, object]) -> None:
    """Every shared text yields exactly its terms at their bytes, numbered from 0."""
    text = vector["text"]
    assert isinstance(text, str)
    tokens = analyse(text)

    assert vector["terms"] == [[token.term, token.begin, token.end] for token in tokens]
    assert list(range(len(tokens))) == [token.position for token in tokens]


def test_every_code_point_follows_the_rule() -> None:
    """Each code point folds as ANALYSIS.md says, computed by the interpreter's own Unicode."""
    known = [
        char
        for char in map(chr, range(0x110000))
        if unicodedata.category(char) not in {"Cn", "Cs", "Co"}
    ]
    wrong = []
    # Framed by letters, so that a mark shows that it continues and a separator that it cuts.
    tokens = iter(analyse("".join(f"x{char}y " for char in known)))
    for char in known:
        folded = ""
        for part in unicodedata.normalize("NFKD", char):
            if unicodedata.category(part)[0] == "M":
                continue
            lower = part.lower().translate(FOLDS)
            folded += lower if unicodedata.category(part)[0] in "LN" else " "
        expected = f"x{folded}y".replace(" ", "")
        seen = ""
        while len(seen) < len(expected):
            seen += next(tokens).term
        if seen != expected:
            wrong.append((hex(ord(char)), seen, expected))
            break  # the tokens no longer stand beside the characters

    assert wrong == []
    assert next(tokens, None) is None
    assert len(known) > 140_000
    separated = "".join(c for c in known if unicodedata.category(c)[0] in "PSZC" and c != "x")
    cut = [c for c in separated if len(analyse(f"x{c}y")) < 2]
    # None of these may join words, but those that NFKD makes letters of.
    assert all(any(d.isalnum() for d in unicodedata.normalize("NFKD", c)) for c in cut)


def test_broken_bytes_separate() -> None:
    """Half a surrogate pair is no UTF-8: it separates, and offsets still count given bytes."""
    tokens = analyse("ab\ud800cd")

    assert [(t.term, t.begin, t.end) for t in tokens] == [("ab", 0, 2), ("cd", 5, 7)]
