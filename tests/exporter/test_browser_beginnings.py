"""What begins with a frequent word: where its pictures are told."""

import random

import pytest

from picturerail_exporter import search_beside, search_rows
from picturerail_exporter.collection import published
from picturerail_exporter.recipe import Recipe
from picturerail_exporter.rules import Rules
from picturerail_exporter.search_beside import Beside
from picturerail_exporter.search_index import SearchIndex
from picturerail_exporter.state import open_state

from .helpers import Follower, found_as_by_engine, index_only

INVITING = 14
"""In place of `search_rows.INVITING`: words of 256 pictures."""


@pytest.fixture(autouse=True)
def _fewer_are_many(monkeypatch):
    monkeypatch.setattr(search_rows, "INVITING", INVITING)


def add(source, rng, count, *words):
    """Add pictures with these words among others."""
    for _ in range(count):
        said = [*words, *(f"w{rng.randrange(300):03}" for _ in range(rng.randrange(1, 9)))]
        rng.shuffle(said)
        number = max(source.rows, default=0) + 1
        source.add(f"{number}.jpg", b"%d" % number, caption=" ".join(said), width=30, height=20)


def now(source):
    """Return the pictures that are shown, by their ids."""
    return {photo.id: photo for photo in published(source, Rules())[0]}


def kinds_of(state, word):
    """Return of which kinds the rows of a word are."""
    return {kind for kind, rows in state.search.term(word.encode() + b"\0w").items() if rows}


@pytest.mark.parametrize("few", [1, 7, 20])
def test_what_few_have_is_read_with_the_list_of_words(few, node, source, tmp_path):
    """For what begins with a frequent word no file but those of the words themselves is read."""
    rng = random.Random(few)
    add(source, rng, 300, "boat", "pier")
    add(source, rng, 300, "boat")
    add(source, rng, few, "boathouse", "pier")
    add(source, rng, few, "boatyard", "w001", "pierhead")
    index_only(source, {}, tmp_path)
    with open_state(None) as state:
        for photo in now(source).values():
            state.put(photo)
        SearchIndex(state, tmp_path / "other", source.uuid, Recipe()).rebuild(lambda _: ())
        for word in ("boathouse", "boatyard", "pierhead"):
            assert kinds_of(state, word) == {"terms"}
        assert kinds_of(state, "boat") == {"terms", "postings"}

    answers = found_as_by_engine(
        node, tmp_path, ["boat pier", "boathouse", "boat", "boatyard w001", "boatho", '"boat pier"']
    )

    assert all(answer["hits"] for answer in answers)
    whole = found_as_by_engine(node, tmp_path, ["boathouse pier"])[1]["hits"]
    assert {hit["id"] for hit in whole} >= set(range(601, 601 + few))


def test_what_many_have_has_its_own_place(source, tmp_path):
    """Where it would make the list of words long, where it is a number, and of short beginnings."""
    rng = random.Random(4)
    add(source, rng, 300, "boat", "bo", "777", "1970")
    add(source, rng, 200, "boating")
    add(source, rng, 9, "boathouse", "bottle", "7771")

    with open_state(None) as state:
        for photo in now(source).values():
            state.put(photo)
        SearchIndex(state, tmp_path / "engine", source.uuid, Recipe()).rebuild(lambda _: ())
        found = {word: kinds_of(state, word) for word in ("boating", "bottle", "7771", "boathouse")}

    own = {"terms", "postings"}
    assert found == {"boating": own, "bottle": own, "7771": own, "boathouse": {"terms"}}


@pytest.mark.parametrize("large", [False, True])
def test_in_a_large_collection_more_lies_in_the_list_of_words(large, source, tmp_path, monkeypatch):
    """As rare a word is in more pictures there."""
    monkeypatch.setattr(search_rows, "BANDED", 300)
    monkeypatch.setattr(search_beside, "LONG", 500)
    if large:
        monkeypatch.setattr(search_beside, "LONGEST", 128)
    rng = random.Random(6)
    for times in range(1, 4):
        add(source, rng, 270, *["boat"] * times)
    add(source, rng, 440)
    add(source, rng, 250, "boathouse")
    with open_state(None) as state:
        for photo in now(source).values():
            state.put(photo)
        SearchIndex(state, tmp_path / "engine", source.uuid, Recipe()).rebuild(lambda _: ())
        assert Beside.read(state.note("search beside")).is_large == large
        found = kinds_of(state, "boathouse")

    assert found == ({"terms"} if large else {"terms", "postings"})


def test_as_a_word_becomes_frequent_and_is_no_more(source, tmp_path):
    """What begins with it moves to the list of words and back, as if all were made anew."""
    rng = random.Random(5)
    add(source, rng, 250, "boat")
    add(source, rng, 9, "boathouse")
    add(source, rng, 9, "boat", "boatyard")
    places = []
    with open_state(None) as state:
        follower = Follower(source, state, tmp_path)
        for step in range(4):
            for number in rng.sample(range(1, 251), 9) if step == 1 else ():
                source.delete(number)
            if step == 2:
                add(source, rng, 30, "boat")
                add(source, rng, 1, "boathouse", "boatman", "boat")
            for number in sorted(source.rows)[:200] if step == 3 else ():
                source.delete(number)
            follower.follow()
            places.append(kinds_of(state, "boathouse"))
    own = {"terms", "postings"}
    assert places == [{"terms"}, own, {"terms"}, own]
