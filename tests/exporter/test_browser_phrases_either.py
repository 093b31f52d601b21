"""Phrases, and one or another of two words: what they find, and what of lists is not read."""

import itertools
import random

import pytest

from picturerail_exporter import search_beside, search_rows, search_state
from picturerail_exporter.collection import published
from picturerail_exporter.recipe import Recipe
from picturerail_exporter.rules import Rules
from picturerail_exporter.search_file import Cut, packed_record, rows_of, unpacked
from picturerail_exporter.search_index import SearchIndex
from picturerail_exporter.search_state import ROWS
from picturerail_exporter.state import open_state

from .helpers import found_as_by_engine, index_only

FREQUENT = ["harbour", "boat", "sea"]
COMMON = ["pier", "quay"]
RARE = ["anchor", "rope", "sail"]
WHOLE = 900


@pytest.fixture(autouse=True)
def _long_lists(monkeypatch):
    """Some thousand pictures are many; what is there of frequent words is cut into small files."""
    monkeypatch.setattr(search_beside, "LONG", 1280)
    monkeypatch.setattr(search_rows, "WHOLE", WHOLE)
    monkeypatch.setattr(search_rows, "BANDED", 150)
    small = {
        kind: (ROWS[kind][0], Cut(600, 1200, packed_record, 1, terms=True))
        for kind in ("front", "rest")
    }
    monkeypatch.setattr(search_state, "ROWS", {**ROWS, **small})


def form(word, rng, share):
    """Return a word, or another form of it."""
    return word + "s" if rng.random() < share else word


def about(rng, share):
    """Return what is said of a picture: words that often stand side by side, some in tags."""
    words = [f"w{rng.randrange(3000):04}" for _ in range(rng.randrange(1, 9))]
    words += [form(word, rng, share) for word in FREQUENT for _ in "12" if rng.random() < 0.45]
    words += [form(word, rng, share) for word in COMMON if rng.random() < 0.45]
    words += [form(word, rng, share) for word in RARE for _ in "12" if rng.random() < 0.04]
    words += ["the"] * (rng.random() < 0.6)
    rng.shuffle(words)
    tags = [" ".join(rng.sample(FREQUENT + RARE, 2)) for _ in range(2) if rng.random() < 0.05]
    return {"caption": " ".join(words), "tags": tuple(tags), "width": 30, "height": 20}


def fill(source, rng, count, share=0.2):
    """Add pictures."""
    for number in range(1, count + 1):
        source.add(f"{number}.jpg", b"%d" % number, **about(rng, share))


def without(source, folder, words, *kinds):
    """Remove the files of these kinds that have nothing but the lists of these words."""
    with open_state(None) as state:
        for photo in published(source, Rules())[0]:
            state.put(photo)
        SearchIndex(state, folder / "other", source.uuid, Recipe()).rebuild(lambda _: ())
        names = [name for kind in kinds for _, name in state.search.files(kind)]
    removed = set()
    for name in names:
        rows = rows_of(unpacked((folder / name).read_bytes()))
        here = {key.partition(b"\0")[0].decode() for key, _ in rows}
        if here <= {each for word in words for each in (word, word + "s")}:
            removed |= here
            (folder / name).unlink()
    assert removed >= set(words)


@pytest.mark.parametrize("seed", range(3))
def test_phrases_find_the_engines_best(seed, node, source, tmp_path):
    """Of frequent and rare words, in any order and form, alone and beside others."""
    print(f"seed {seed}")
    rng = random.Random(seed)
    fill(source, rng, 3000)
    index_only(source, {}, tmp_path)
    words = FREQUENT + COMMON + RARE
    phrases = [
        " ".join(form(word, rng, 0.3) for word in both) for both in itertools.permutations(words, 2)
    ]
    phrases += [" ".join(form(word, rng, 0.2) for word in rng.sample(words, 3)) for _ in range(12)]
    phrases += [
        f"the {rng.choice(words)}",
        f"{rng.choice(FREQUENT)} the",
        "sea sea",
        "sea boat sea",
    ]
    phrases += ["w0001 sea", "boat nowhere", "nowhere boat"]
    queries = [f'"{phrase}"' for phrase in phrases]
    queries += [f'"{rng.choice(phrases)}" {rng.choice(words)}' for _ in range(8)]
    queries += [f'{rng.choice(words)} -"{rng.choice(phrases)}"' for _ in range(8)]
    queries += [f'"{rng.choice(phrases)}" OR {rng.choice(RARE)}' for _ in range(8)]
    queries += [f'"{rng.choice(phrases)}" "{rng.choice(phrases)}"' for _ in range(4)]
    queries += [f'{field}:"{rng.choice(phrases)}"' for field in ("tags", "caption") for _ in "1234"]

    answers = found_as_by_engine(node, tmp_path, queries)

    assert sum(len(found["hits"]) == 5 for found in answers) > len(queries) / 2


def test_of_two_frequent_words_no_list_is_read(node, source, tmp_path):
    """What has them side by side, in this order, is told beforehand: the best, or that none has."""
    fill(source, random.Random(8), 3000, share=0)
    for number in range(2000):
        text = "dune shore" if number % 3 else "dune far shore"
        source.add(f"d{number}.jpg", b"d%d" % number, caption=text, width=3, height=2)
    index_only(source, {}, tmp_path)
    pairs = [*itertools.permutations([*FREQUENT, "the"], 2), ("dune", "shore")]
    queries = [f'"{one} {other}"' for one, other in pairs]
    tasks = [["search", query, {"limit": 20}] for query in queries]
    whole = node(tmp_path, tasks)
    found_as_by_engine(node, tmp_path, queries)

    without(source, tmp_path, [*FREQUENT, "the", "dune", "shore"], "front", "rest")
    told = node(tmp_path, tasks)

    assert not told["problems"]
    assert told["answers"] == whole["answers"]
    for found in whole["answers"]:
        assert len(found["hits"]) >= 20
        assert {way["via"] for hit in found["hits"] for way in hit["matches"]} == {"phrase"}


def test_of_a_rare_word_beside_a_frequent_one_its_list_is_enough(node, source, tmp_path):
    """It tells on which side the frequent one stands."""
    fill(source, random.Random(9), 3000, share=0)
    index_only(source, {}, tmp_path)
    queries = [
        f'"{" ".join(both)}"'
        for one, other in itertools.product(FREQUENT, RARE)
        for both in ((one, other), (other, one))
    ]
    tasks = [["search", query, {"limit": 5}] for query in queries]
    whole = node(tmp_path, tasks)
    found_as_by_engine(node, tmp_path, queries)

    without(source, tmp_path, FREQUENT, "front", "rest")
    told = node(tmp_path, tasks)

    assert not told["problems"]
    assert told["answers"] == whole["answers"]
    assert sum(len(answer["hits"]) for answer in whole["answers"]) > 3 * len(queries)


@pytest.mark.parametrize("seed", range(3))
def test_one_or_another_finds_the_engines_best(seed, node, source, tmp_path):
    """Of frequent and rare words, in any form, with beginnings and neighbours of either."""
    print(f"seed {seed}")
    rng = random.Random(seed)
    fill(source, rng, 3000)
    for number in range(40):
        text = " ".join(rng.sample(["boathouse", "seaside", "sea", "quay", "port"], 3))
        source.add(
            f"b{number}.jpg", b"b%d" % number, caption=text, tags=("port",), width=3, height=2
        )
    near = {"port": [("sea", 0.7), ("quay", 0.6)]} if seed else {}
    index_only(source, near, tmp_path)
    words = FREQUENT + COMMON + RARE[:1]
    queries = [
        " OR ".join(form(word, rng, 0.2) for word in both)
        for both in itertools.permutations(words, 2)
    ]
    queries += [" OR ".join(rng.sample(words, 3)) for _ in range(4)]
    queries += [f"{' OR '.join(rng.sample(words, 2))} {rng.choice(words)}" for _ in range(4)]
    queries += [f"{' OR '.join(rng.sample(words, 2))} -{rng.choice(words)}" for _ in range(4)]
    queries += ["sea OR sea", "sea OR seas", "caption:sea OR boat", '"sea boat" OR harbour']

    answers = found_as_by_engine(node, tmp_path, queries)

    assert all(found["hits"] for found in answers)


def test_of_one_or_another_no_list_is_read_to_its_end(node, source, tmp_path):
    """What has both is told, and what has one of them is among the first of its list."""
    fill(source, random.Random(8), 3000, share=0)
    index_only(source, {}, tmp_path)
    queries = [f"{one} OR {other}" for one, other in itertools.permutations(FREQUENT, 2)]
    tasks = [["search", query, {"limit": 20}] for query in queries]
    whole = node(tmp_path, tasks)
    found_as_by_engine(node, tmp_path, queries)

    without(source, tmp_path, FREQUENT, "rest")
    told = node(tmp_path, tasks)

    assert not told["problems"]
    assert told["answers"] == whole["answers"]
