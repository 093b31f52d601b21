"""The analyser against the written rule, and against vectors that the site's script shares."""

from __future__ import annotations

import itertools
import json
import random
import re
import unicodedata
from pathlib import Path

import pytest
import snowballstemmer

from picturerail_native.search import SearchArgumentError, analyse, stem, stems

VECTORS = json.loads(Path(__file__).with_name("analysis-vectors.json").read_text("utf-8"))
FOLDS = str.maketrans(
    {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ð": "d", "ħ": "h", "ł": "l", "þ": "th"}
    | {"\u0131": "i", "\u03c2": "\u03c3"}
)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: ascii(vector["text"])[:30])
def test_shared_vectors(vector: dict[str, object]) -> None:
    """Every shared text yields exactly its terms at their bytes and places, tails marked."""
    text = vector["text"]
    assert isinstance(text, str)
    tokens = analyse(text)

    seen = [[t.term, t.begin, t.end, t.position] + ([1] if t.tail else []) for t in tokens]
    assert vector["terms"] == seen
    ends = [token for token in tokens if not token.tail]
    assert list(range(len(ends))) == [token.position for token in ends]


def test_every_code_point_follows_the_rule() -> None:
    """Each code point folds as ANALYSIS.md says, computed by the interpreter's own Unicode."""
    known = [
        char
        for char in map(chr, range(0x110000))
        if unicodedata.category(char) not in {"Cn", "Cs", "Co"}
    ]
    wrong = []
    # Framed by letters, so that a mark shows that it continues and a separator that it cuts.
    tokens = (t for t in analyse("".join(f"x{char}y " for char in known)) if not t.tail)
    for char in known:
        folded = ""
        for part in unicodedata.normalize("NFKD", char):
            if unicodedata.category(part)[0] == "M":
                continue
            lower = part.lower().translate(FOLDS)
            folded += lower if unicodedata.category(part)[0] in "LN" else " "
        alone = len(folded) > 1 and len(analyse(folded[0] * 2)) == 2
        if alone:  # ideographs and kana: each two that follow each other
            folded = "".join(a + b for a, b in itertools.pairwise(folded))
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


def test_stems_are_porters() -> None:
    """Stems are those of the algorithm's author, for many real words and any ending on them."""
    rng = random.Random(1)
    print("seed 1")
    readme = Path(__file__).parents[2].joinpath("README.md").read_text("utf-8").lower()
    words = sorted(set(re.findall("[a-z]+", readme)))
    endings = [
        "s",
        "es",
        "ed",
        "ing",
        "ingly",
        "edly",
        "eed",
        "ied",
        "ies",
        "ational",
        "enci",
        "anci",
        "izer",
        "ization",
        "li",
        "ogist",
        "ogi",
    ]
    endings += [
        "ative",
        "icate",
        "ness",
        "ful",
        "ement",
        "ment",
        "ent",
        "sion",
        "tion",
        "e",
        "l",
        "ll",
        "y",
        "yed",
        "ying",
        "ism",
        "ize",
        "past",
    ]
    words += [rng.choice(words)[: rng.randint(1, 9)] + rng.choice(endings) for _ in range(20_000)]
    author = snowballstemmer.stemmer("english")

    assert [author.stemWord(word) for word in words] == [stem(word) for word in words]
    assert [stem(word) for word in ("img2041", "größe", "北京", "as")] == [
        "img2041", "größe", "北京", "as"
    ]  # fmt: skip
    assert stem("running", "none") == "running"
    with pytest.raises(SearchArgumentError, match='language "elvish" is not known'):
        stem("running", "elvish")


@pytest.mark.parametrize("language", ["english", "german", "none"])
def test_many_stems_are_those_of_each(language: str) -> None:
    """The stems of many words are those of one after the other, in their order."""
    words = [term for vector in VECTORS for term, *_ in vector["terms"]]
    words += ["running", "hauser", "北京", "x", "", *reversed(words)]
    assert stems(words, language) == [stem(word, language) for word in words]
    assert stems([], language) == []


def test_german_stems_are_snowballs() -> None:
    """So are German ones, for the shared words, for words of few letters, and for any endings."""
    rng = random.Random(1)
    print("seed 1")
    shared = json.loads(Path(__file__).with_name("german-stems.json").read_text("utf-8"))
    words = [word for word, _ in shared]
    words += [
        rng.choice(words)[: rng.randint(1, 9)] + rng.choice(words)[-rng.randint(1, 7) :]
        for _ in range(20_000)
    ]
    words += [
        "".join(letters)
        for n in (1, 2, 3, 4)
        for letters in itertools.product("aeuyqsnt", repeat=n)
    ]
    author = snowballstemmer.stemmer("german")

    assert [found for _, found in shared] == [stem(word, "german") for word, _ in shared]
    assert [author.stemWord(word) for word in words] == [stem(word, "german") for word in words]
    assert [stem(word, "german") for word in ("img2041", "größe", "北京")] == [
        "img2041",
        "größe",
        "北京",
    ]
