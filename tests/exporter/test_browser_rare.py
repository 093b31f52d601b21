"""What is read of long lists beside a word that few pictures have."""

import random

import pytest

from picturerail_exporter import search_rows, search_state
from picturerail_exporter.search_file import Cut, packed_record
from picturerail_exporter.search_state import ROWS
from picturerail_native.search import Reader

from .helpers import index_only, plain

PICTURES = 6000


@pytest.fixture
def made(source, tmp_path, monkeypatch):
    """Make an index of pictures whose names and captions share words, in long lists."""
    monkeypatch.setattr(search_rows, "WHOLE", 900)
    small = {
        kind: (ROWS[kind][0], Cut(300, 600, packed_record, 1, terms=True))
        for kind in ("postings", "rest")
    }
    monkeypatch.setattr(search_state, "ROWS", {**ROWS, **small})
    rng = random.Random(3)
    number = 0
    for name in range(PICTURES):
        number += rng.choice([1, 1, 1, 1, 300])  # ids have gaps, so first ids share few bytes
        words = ["pier"] * (name % 10 > 1) + ["boat"] * (name % 3 > 0)
        words += ["gull"] if name % 400 == 7 else []
        words += rng.sample([f"w{other:03}" for other in range(900)], 3)
        rng.shuffle(words)
        caption = " ".join(words)
        source.add(f"IMG_{name:06}.jpg", plain((1, 2, 3)), number=number, caption=caption)
    index_only(source, {}, tmp_path)
    return tmp_path


def asked(node, made, queries):
    """Return what a browser with an empty cache finds for each query, with what it reads."""
    tasks = [
        task
        for query in queries
        for task in (["fresh", ""], ["search", query, {"limit": 20, "measure": True}])
    ]
    return node(made, tasks)["answers"][1::2]


def same_as_by_engine(made, queries, answers):
    """Compare what is found with what the engine finds."""
    with Reader(made / "engine") as reader:
        for query, answer in zip(queries, answers, strict=True):
            best = reader.search(query, limit=20)
            assert best.relaxed == answer["relaxed"], query
            scores = [hit["score"] for hit in answer["hits"]]
            assert scores == pytest.approx([hit.score for hit in best.hits], rel=1e-5), query


def test_a_name_is_found_in_few_files(node, made):
    """Of words that all names share only the files are read that hold the picture."""
    rng = random.Random(4)
    names = [f"IMG_{rng.randrange(PICTURES):06}.jpg" for _ in range(40)]
    queries = [*names, *(f'name:"IMG {name[4:10]}"' for name in names)]
    answers = asked(node, made, queries)

    same_as_by_engine(made, queries, answers)
    assert all(len(answer["hits"]) == 1 for answer in answers)
    files = [answer["cost"]["files"] for answer in answers]
    assert max(files[: len(names)]) <= 7
    assert max(files[len(names) :]) <= 4


def test_a_rare_word_beside_long_lists(node, made):
    """The best of them are the engine's, also where none has all words, and with less read."""
    queries = [
        "gull pier",
        "gull boat pier",
        '"gull pier"',
        'gull "pier boat"',
        "gull pier IMG_000007",
        "gull pier IMG_000008",
        "IMG_000001 pier",
        "w001 IMG_000001 pier",
        "gull -boat pier",
        "gull pier OR boat",
        "caption:gull pier boat",
        "gul pier",
    ]

    answers = asked(node, made, queries)

    same_as_by_engine(made, queries, answers)
    assert any(answer["relaxed"] for answer in answers)
    assert any(not answer["relaxed"] and len(answer["hits"]) < 20 for answer in answers)
