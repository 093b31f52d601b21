"""Similar pictures: the nearest are found, and a change finds whose lists it touches."""

import random
import re
import sqlite3
from dataclasses import replace

import msgspec
import numpy as np
import pytest

from picturerail_exporter import similar_many, similar_state, similar_tries
from picturerail_exporter.similar import Packed, keys_of
from picturerail_exporter.similar_codes import codes_of
from picturerail_exporter.similar_state import SimilarState
from picturerail_exporter.similar_tries import Coded, Tries
from picturerail_native.records import Corrections

from .helpers import broken_links, nth_day, plain, public, searched_texts


def clusters(count, seed=1, spread=0.5, centres=12, dimension=160):
    """Vectors around some centres, as float16 bytes."""
    rng = np.random.default_rng(seed)
    middles = rng.normal(size=(centres, dimension))
    which = rng.integers(centres, size=count)
    vectors = middles[which] + spread * rng.normal(size=(count, dimension))
    return [vector.astype("<f2").tobytes() for vector in vectors]


@pytest.fixture
def state():
    """An empty state of similar pictures."""
    connection = sqlite3.connect(":memory:")
    connection.executescript(SimilarState.TABLES)
    yield SimilarState(connection)
    connection.close()


def coded(vectors):
    """Codes by id, each of a content of its own."""
    codes = codes_of(vectors)
    return {at + 1: Coded("s", b"%d" % at, code) for at, code in enumerate(codes)}


def lists(state, numbers, most=5):
    """Every picture's list."""
    return {number: state.to(number, most) for number in numbers}


def test_codes_are_the_same_alone_and_together():
    """A picture's code does not depend on what it is computed beside."""
    vectors = clusters(40)

    odd = [bytes(320), np.full(160, 3, "<f2").tobytes(), np.full(160, np.inf, "<f2").tobytes()]
    vectors += [*odd, np.array([65504, -65504] * 80, "<f2").tobytes()]

    together = codes_of(vectors)
    assert [codes_of([vector])[0] for vector in vectors] == together
    assert together[40:43] == [b"", b"", b""]
    for dimension in (3, 77, 1280):
        vectors = clusters(200, dimension, dimension=dimension)
        assert codes_of(vectors) == [codes_of([vector])[0] for vector in vectors]


def test_codes_are_compared_alike_few_or_many():
    """How alike codes are is the same whether few are compared or many, and as defined."""
    codes = codes_of(clusters(300))
    extremes = [bytes([193] * 256), bytes([63] * 256), bytes(256)]

    for few in (codes[:1], codes, extremes):
        for code in (codes[7], *extremes):
            wanted = [
                int(np.frombuffer(code, np.int8).astype(int) @ np.frombuffer(each, np.int8))
                for each in few
            ]
            assert list(Packed(few).scores(code)) == wanted
            assert list(similar_many.Rows(few).scores(code)) == wanted
    bits = np.packbits(np.frombuffer(codes[0], np.int8)[:128] > 0)
    assert keys_of(codes[0]) == tuple(bits.view(">u4").tolist())


def test_the_nearest_are_found(state):
    """Lists hold what an exact search by cosine finds, nearly always, though few are compared."""
    vectors = clusters(4000, spread=0.35, centres=60)
    state.change(coded(vectors), 6)

    matrix = np.array([np.frombuffer(v, "<f2") for v in vectors], float)
    matrix -= matrix.mean(axis=1, keepdims=True)
    matrix /= np.linalg.norm(matrix, axis=1, keepdims=True)
    hits = near = 0
    for at in range(0, 4000, 40):
        cosine = matrix @ matrix[at]
        cosine[at] = -1
        found = [number - 1 for number in state.to(at + 1, 6)]
        assert len(found) == 6
        best = np.sort(cosine)[-6:].mean()
        hits += cosine[found].mean() >= 0.94 * best
        near += cosine[found].min() > 0.8
    assert hits >= 95
    assert near >= 99


@pytest.mark.parametrize(("leaf", "spare"), [(4, 1), (8, 6), (8, 0), (512, 2)])
@pytest.mark.parametrize("seed", range(3))
def test_incremental_lists_equal_full_ones(state, monkeypatch, leaf, spare, seed):
    """Whatever comes, changes and goes, lists are those that all pictures together would have."""
    print(f"seed {seed}")
    monkeypatch.setattr(similar_many, "LEAF", leaf)
    monkeypatch.setattr(similar_tries, "LEAF", leaf)
    monkeypatch.setattr(similar_state, "_SPARE", spare)
    rng = random.Random(seed)
    held = {}
    pool = coded(clusters(300, seed, spread=0.8, centres=5))
    for step in range(14):
        new = {}
        for _ in range(60 if step == 0 else rng.randrange(1, 6)):
            number = rng.randrange(1, 90)
            kind = rng.random()
            chosen = pool[rng.randrange(1, 301)]
            if kind < 0.15:
                chosen = msgspec.structs.replace(chosen, content=b"copy", code=pool[1].code)
            elif kind < 0.2:
                chosen = msgspec.structs.replace(chosen, space="other")
            elif kind < 0.4:  # no copy, and as alike as others are
                chosen = msgspec.structs.replace(chosen, code=pool[number % 3 + 1].code)
            new[number] = None if kind > 0.75 else chosen
        before = lists(state, range(1, 91))
        changed = state.change(new, 5)
        held |= new

        connection = sqlite3.connect(":memory:")
        connection.executescript(SimilarState.TABLES)
        fresh = SimilarState(connection)
        fresh.change(dict.fromkeys(range(1000, 1100), pool[1]), 5)  # and away again, all at once
        fresh.change(dict.fromkeys(range(1000, 1100)) | held, 5)
        now = lists(state, range(1, 91))
        assert lists(fresh, range(1, 91)) == now
        assert {number for number in now if now[number] != before[number]} == changed
        connection.close()


@pytest.fixture
def looked(monkeypatch):
    """The leaves whose pictures were read."""
    leaves = []
    real = Tries.members
    monkeypatch.setattr(
        Tries, "members", lambda self, leaf: leaves.append(leaf) or real(self, leaf)
    )
    return leaves


def test_one_more_looks_at_few(state, looked):
    """One picture more among many reads a few leaves, not the library."""
    state.change(coded(clusters(6000, centres=100)), 6)
    (code,) = codes_of(clusters(1, seed=9, centres=1))

    state.change({9000: Coded("s", b"new", code)}, 6)

    assert 1 <= len(looked) <= 100


def test_one_less_looks_at_none(state, looked):
    """Where a picture goes, others are known already that take its place on lists."""
    held = coded(clusters(6000, centres=100))
    state.change(held, 6)
    (gone, *others) = state.to(1, 7)

    changed = state.change({gone: None}, 6)

    assert 1 in changed
    assert state.to(1, 6) == others
    assert looked == []


def shown(options, number):
    """Return the pictures that a page shows as similar."""
    page = (options.path / f"photo/{number}/index.html").read_text()
    _, _, section = page.partition('class="similar"')
    return [int(found) for found in re.findall(r'data-photo-id="(\d+)"', section)]


def test_pages_show_similar_pictures(source, options, publish, tmp_path):
    """A page shows what looks alike, nothing hidden, no copy, and follows every change."""
    rng = np.random.default_rng(3)
    kinds = rng.normal(size=(3, 64))
    for at in range(12):
        source.add(f"{at}.jpg", plain((at * 20, 9, 9)), taken=nth_day(at), caption=f"Nr {at}")
        source.looks(at + 1, kinds[at % 3] + 0.1 * rng.normal(size=64))
    publish()
    assert set(shown(options, 1)) == {4, 7, 10}

    source.change(4, corrections=Corrections(hidden=True))
    publish()
    assert set(shown(options, 1)) == {7, 10}
    source.change(7, corrections=Corrections(added=("sea",)))
    source.add("copy.jpg", plain((0, 9, 9)), taken=nth_day(40))
    source.looks(13, kinds[0])
    publish()
    assert set(shown(options, 1)) == {7, 10}
    assert set(shown(options, 13)) == {7, 10}
    source.looks(2, kinds[0])
    publish()
    assert set(shown(options, 1)) == {2, 7, 10}
    source.looks(10, None)
    source.delete(7)
    report = publish()
    assert set(shown(options, 1)) == {2}
    assert "photo/3/index.html" not in report.changed_files

    fresh = replace(options, path=tmp_path / "fresh")
    publish(fresh)
    assert public(fresh.path) == public(options.path)
    assert broken_links(options.path) == []
    publish(replace(options, similar=0))
    assert shown(options, 1) == []


def test_words_of_a_format_are_no_chips(source, options, publish):
    """The model's word for a picture's shape is found by a search, and is no tag on its page."""
    source.add("a.jpg", plain((1, 2, 3)), tags=("sea",))
    row = source.rows[1].metadata
    local = type(row.descriptions["sidecar"])(
        "1",
        tags=tuple(
            type(row.descriptions["sidecar"].tags[0])(name)
            for name in ("landscape format", "beach")
        ),
    )
    source.change(1, descriptions={**row.descriptions, "local": local})
    publish()

    page = (options.path / "photo/1/index.html").read_text()
    assert ">beach</a>" in page
    assert "landscape" not in page
    assert "landscape" in searched_texts(options.path)
