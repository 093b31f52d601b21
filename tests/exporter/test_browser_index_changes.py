"""What changes of the browser's index with the pictures, and that nothing else does."""

import collections
import itertools
import math
import random
from dataclasses import replace

import pytest

from picturerail_exporter import search_state
from picturerail_exporter.collection import published
from picturerail_exporter.recipe import Recipe
from picturerail_exporter.rules import Rules
from picturerail_exporter.search_file import (
    Cut,
    cut,
    is_number,
    packed_record,
    packed_size,
    separator,
)
from picturerail_exporter.search_index import SearchIndex
from picturerail_exporter.search_state import ROWS
from picturerail_exporter.state import open_state

from .helpers import plain, tree


def test_a_change_touches_few_files(source, tmp_path, monkeypatch):
    """Of each word of one more picture one file is made anew, the list of words for a few."""
    small = {
        "terms": ("search_entry", Cut(500, 4000, packed_size, 20)),
        "postings": ("search_record", Cut(500, 4000, packed_record, 6, terms=True)),
    }
    monkeypatch.setattr(search_state, "ROWS", {**ROWS, **small})
    rng = random.Random(5)
    print("seed 5")
    having = collections.Counter()
    for at in range(1200):
        words = {f"w{rng.randrange(2000):05}" for _ in range(12)}
        having.update(words)
        source.add(f"{at}.jpg", plain((1, 2, 3)), caption=" ".join(words))
    common = [word for word, _ in having.most_common(9)]

    def names(state):
        return {kind: {name for _, name in state.search.files(kind)} for kind in ROWS}

    with open_state(tmp_path / "state") as state:
        for photo in published(source, Rules())[0]:
            state.put(photo)
        index = SearchIndex(state, tmp_path / "engine", source.uuid, Recipe())
        index.rebuild(lambda _: ())
        before = names(state)
        source.add("new.jpg", plain((1, 2, 3)), caption=" ".join(common))
        photo = published(source, Rules())[0][-1]
        state.put(photo)
        brought = index.update({photo.id: (None, photo)}, (), lambda _: ())
        new = {kind: len(files - before[kind]) for kind, files in names(state).items()}
    assert sum(new.values()) == len(brought.written)
    assert len(before["terms"]) > 20
    assert len(before["postings"]) > 60
    of_words = len({"jpg", "new", "pictures", "1970", "01", "w", *common})
    # A cut may move where a row grows.
    assert new["postings"] + new["rest"] <= of_words + 2
    # "new" comes, and two others are had by so many more now that it is told.
    assert new["terms"] <= 1 + sum(
        math.floor(4 * math.log2(having[word])) < math.floor(4 * math.log2(having[word] + 1))
        for word in common
    )
    assert all(
        new[kind] <= 1
        for kind in ("pictures", "looks", "values", "facts", "orders", "times", "spelling")
    )


def test_very_much_is_cut_into_smaller_files(monkeypatch):
    """As rows become more and fewer again, the files are those that all are cut into anew."""
    print("seed 12")
    rng = random.Random(12)
    where = Cut(300, 900, packed_size, 3, fine=9000, fine_steps=2)
    monkeypatch.setattr(search_state, "ROWS", {**ROWS, "values": ("search_values", where)})
    sizes = {}
    with open_state(None) as state, open_state(None) as anew:
        for count in (40, 140, 40):
            values = [rng.randbytes(100) if number < count else None for number in range(140)]
            changed = [b"w%03d" % number for number in range(140)]
            for search in (state.search, anew.search):
                for key, value in zip(changed, values, strict=True):
                    search.set_row("values", key, value)
            state.search.cut_again("values", changed)
            files = anew.search.cut_all("values")
            assert state.search.files("values") == anew.search.files("values")
            sizes[count] = sum(map(len, files.values())) / len(files)
    assert sizes[140] < sizes[40] * 0.8, sizes


@pytest.mark.parametrize("seed", range(20))
def test_rows_are_cut_again_as_if_anew(seed, monkeypatch):
    """After any changes of rows the files are those that all rows together are cut into."""
    print(f"seed {seed}")
    rng = random.Random(seed)
    where = Cut(300, 900, packed_size, rng.choice([1, 3, 9]), terms=seed % 2 == 0)
    if seed > 3:
        where = replace(where, group=lambda key: key[:3] < b"w03")
    monkeypatch.setattr(search_state, "ROWS", {**ROWS, "values": ("search_values", where)})

    def key():
        # Of some words there are more rows than a file holds, so that it begins amid a word.
        word = rng.randrange(60)
        if word % 7 == 0:  # where it is near some others: of one there is more than a file holds
            other = rng.randrange(3)
            part = rng.randrange(30 if other == 2 else 4)
            return f"w{word:03}\0a{other}\0".encode() + part.to_bytes(2, "big")
        band = bytes([rng.randrange(30 if word % 5 == 0 else 3)])
        if word % 9 == 4:  # what a band tells apart of some stem
            return f"w{word:03}\0w".encode() + bytes([rng.randrange(9)]) + band + b"b"
        return f"w{word:03}\0w".encode() + band

    with open_state(None) as state, open_state(None) as anew:
        files = {}
        rows = {}
        for changes in (400, *(rng.choice([1, 2, 30]) for _ in range(40)), 0, 100):
            changed = [
                key() if rng.random() < 0.4 or not rows else rng.choice(sorted(rows))
                for _ in range(changes)
            ] or sorted(rows)
            for each in changed:
                keep = changes and rng.random() < 0.7
                value = rng.randbytes(rng.randrange(200)) if keep else None
                rows.pop(each, None)
                if value is not None:
                    rows[each] = value
                for search in (state.search, anew.search):
                    search.set_row("values", each, value)
            files |= state.search.cut_again("values", changed)
            expected = anew.search.cut_all("values")
            assert state.search.files("values") == anew.search.files("values")
            assert {name: files[name] for name in expected} == expected


def test_what_tells_where_two_words_are_near_is_in_one_file():
    """A file ends before it rather than within, if a file can hold it."""
    where = Cut(60, 100, packed_size, 1, terms=True)
    rows = [(b"w\0w", b"x" * 90)]
    rows += [(b"w\0a%d\0\0%c" % (other, part), b"x" * 60) for other in (1, 2) for part in (0, 1)]
    rows += [(b"w\0a3\0\0%c" % part, b"x" * 120) for part in (0, 1)]
    assert [len(of) for of in cut(rows, where)] == [1, 2, 2, 1, 1]


def test_numbers_and_words_share_no_file():
    """Where rows of one kind end and those of the other begin a file ends, however small."""
    rows = [(b"1\0w", b"x"), (b"12\0w", b"x"), (b"a\0w", b"x"), (b"b1\0w", b"x")]
    where = Cut(1000, 2000, packed_size, 1)
    assert list(cut(rows, where)) == [rows]
    assert list(cut(rows, replace(where, group=is_number))) == [rows[:2], rows[2:]]


@pytest.mark.parametrize("seed", range(3))
def test_what_files_begin_with_tells_them_apart(seed):
    """It is no longer than it must be: above the key before, and a beginning of the first one."""
    print(f"seed {seed}")
    rng = random.Random(seed)
    keys = {bytes(rng.choices(b"ab\0", k=rng.randrange(1, 9))) for _ in range(300)}
    assert separator(None, min(keys)) == b""
    for before, key in itertools.pairwise(sorted(keys)):
        found = separator(before, key)
        assert before < found <= key
        assert key.startswith(found)
        assert found[:-1] <= before


def test_files_grow_with_the_collection(source, tmp_path, monkeypatch):
    """Of few pictures files are smaller; as there are more, all are cut as if made anew."""
    where = Cut(1500, 3000, packed_size, 8, files=4)
    monkeypatch.setattr(search_state, "ROWS", {**ROWS, "terms": ("search_entry", where)})
    assert (where.step(3000), where.step(6000), where.step(80_000)) == (4, 2, 0)
    assert (where.smaller(2).least, where.smaller(2).most) == (750, 1500)
    rng = random.Random(6)
    print("seed 6")
    sizes = []
    with open_state(tmp_path / "state") as state:
        index = SearchIndex(state, tmp_path / "engine", source.uuid, Recipe())
        index.rebuild(lambda _: ())
        for count in (20, 400):
            for at in range(count):
                caption = " ".join(f"w{rng.randrange(4000):04}" for _ in range(12))
                source.add(f"{count}-{at}.jpg", plain((1, 2, 3)), caption=caption)
            photos = {photo.id: photo for photo in published(source, Rules())[0]}
            added = {at: (None, photo) for at, photo in photos.items() if not state.photo(at)}
            for _, photo in added.values():
                state.put(photo)
            index.update(added, (), lambda _: ())
            state.commit()
            files = state.search.files("terms")
            sizes.append(len(files))
    with open_state(None) as anew:
        for photo in photos.values():
            anew.put(photo)
        SearchIndex(anew, tmp_path / "other", source.uuid, Recipe()).rebuild(lambda _: ())
        assert anew.search.files("terms") == files
    assert 2 <= sizes[0] < sizes[1] <= 24, sizes


def test_what_is_purged_is_in_no_file(source, tmp_path):
    """A deleted picture's words may wait to be merged away, a purged one's are gone at once."""
    for number in range(40):
        source.add(f"{number}.jpg", plain((1, 2, 3)), caption="meadow")
    for _ in range(2):
        source.add("secret.jpg", plain((1, 2, 4)), caption="zyxwvutsrq")
    photos, _ = published(source, Rules())
    first, second = sorted(photo.id for photo in photos)[-2:]
    with open_state(None) as state:
        for photo in photos:
            state.put(photo)
        index = SearchIndex(state, tmp_path / "engine", source.uuid, Recipe())
        index.rebuild(lambda _: ())

        def remove(number, *, purged):
            before = state.photo(number)
            state.drop(number)
            index.update({number: (before, None)}, (), lambda _: (), purged=purged)
            return b"".join(tree(tmp_path / "engine").values())

        assert b"zyxwvutsrq" in remove(first, purged=False)
        assert b"zyxwvutsrq" not in remove(second, purged=True)
