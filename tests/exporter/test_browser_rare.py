"""What is read of long lists where only some pictures may match: of a rare word, of a time."""

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
    for place in range(PICTURES):
        number += rng.choice([1, 1, 1, 1, 300])  # ids have gaps, so first ids share few bytes
        words = ["pier"] * (place % 10 > 1) + ["boat"] * (place % 3 > 0)
        words += ["gull"] if place % 400 == 7 else []
        words += rng.sample([f"w{other:03}" for other in range(900)], 3)
        rng.shuffle(words)
        caption = " ".join(words)
        taken = f"{2001 + place // 600}-05-01T{place % 24:02}:00:00"
        name = f"IMG_{place:06}.jpg"
        source.add(name, plain((1, 2, 3)), number=number, caption=caption, taken=taken)
    index_only(source, {}, tmp_path)
    return tmp_path


def asked(node, made, queries, limit=20):
    """Return what a browser with an empty cache finds for each query, with what it reads."""
    tasks = [
        task
        for query in queries
        for task in (["fresh", ""], ["search", query, {"limit": limit, "measure": True}])
    ]
    return node(made, tasks)["answers"][1::2]


def same_as_by_engine(made, queries, answers, limit=20):
    """Compare what is found with what the engine finds."""
    with Reader(made / "engine") as reader:
        for query, answer in zip(queries, answers, strict=True):
            best = reader.search(query, limit=limit)
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


def test_in_a_time_only_its_pictures_are_read(node, made):
    """Of long lists, and of how long fields are, only that is read which may be of the time."""
    queries = [
        "pier date:2004",
        "pier",
        "boat date:2004 pier",
        "date:2003..2004 date:2004..2006 pier",
        "pier date:2004 caption:boat",
        '"pier boat" date:2003',
        "pier -date:2004",
        "pier (date:2003 OR date:2005)",
        "nothing boat pier date:2004",
        "pier date:1999",
        "gull pier date:2004",
    ]

    answers = asked(node, made, queries, limit=450)

    same_as_by_engine(made, queries, answers, limit=450)
    one_after_the_other = [
        ["search", query, {"limit": 450}] for query in [*queries, *queries[::-1]]
    ]
    again = node(made, one_after_the_other)["answers"]
    same_as_by_engine(made, [*queries, *queries[::-1]], again, limit=450)
    files = {query: answer["cost"]["files"] for query, answer in zip(queries, answers, strict=True)}
    assert files["pier date:1999"] <= 4, "where none was taken then no long list is read"
    assert files["boat date:2004 pier"] <= 12


def test_a_field_that_all_uses_of_a_word_are_in_costs_nothing(node, made):
    """Where a word stands in no other field, how many have it there is known."""
    queries = ["pier", "caption:pier", "pier boat", "caption:pier caption:boat"]

    answers = asked(node, made, queries)

    same_as_by_engine(made, queries, answers)
    costs = [answer["cost"]["bytes"] for answer in answers]
    assert costs[1] == costs[0]
    assert costs[3] == costs[2]
