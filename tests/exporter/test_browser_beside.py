"""What the postings of the browser's index tell of very frequent words beside others."""

import itertools
import random

import pytest

from picturerail_exporter import search_beside, search_index, search_rows, search_state
from picturerail_exporter.collection import published
from picturerail_exporter.media import shape
from picturerail_exporter.recipe import Recipe
from picturerail_exporter.rules import Rules
from picturerail_exporter.search_beside import Beside
from picturerail_exporter.search_file import (
    Cut,
    packed_bits,
    packed_record,
    rows_of,
    texts_of,
    unpacked,
)
from picturerail_exporter.search_index import SearchIndex
from picturerail_exporter.search_state import ROWS
from picturerail_exporter.search_together import near_key_of
from picturerail_exporter.state import open_state

from .helpers import Follower, found_as_by_engine, index_only

FREQUENT = ["harbour", "boat", "sea"]
MANY = ["pier", "quay"]
"""Words of which nothing is told beside others, and that tell nothing."""
OTHERS = ["anchor", "rope", "sail", "gull"]
LONG = 1280
OWN = 1700
APART = 120
APART_OF_MANY = 90
LARGE = 362
SIZE = {"width": 30, "height": 20}
WHOLE = 900
BANDED = 150
SHOWN = 1400
"""In place of those of `search_beside` and `search_rows`: some thousand pictures are many."""


@pytest.fixture(autouse=True)
def _long_lists(monkeypatch):
    monkeypatch.setattr(search_beside, "LONG", LONG)
    monkeypatch.setattr(search_beside, "OWN", OWN)
    monkeypatch.setattr(search_beside, "APART", APART)
    monkeypatch.setattr(search_beside, "APART_OF_MANY", APART_OF_MANY)
    monkeypatch.setattr(search_rows, "WHOLE", WHOLE)
    monkeypatch.setattr(search_rows, "BANDED", BANDED)
    monkeypatch.setattr(search_rows, "SHOWN", SHOWN)


def form(word, rng):
    """Return a word, or another form of it."""
    return word + rng.choice(["s", "ing"]) if rng.random() < 0.3 else word


def about(rng):
    """Return what is said of a picture: words in several fields and forms, some once more."""
    words = [f"w{rng.randrange(3000):04}" for _ in range(rng.randrange(1, 9))]
    words += [form(word, rng) for word in FREQUENT for _ in range(2) if rng.random() < 0.42]
    words += [form(word, rng) for word in MANY for _ in range(2) if rng.random() < 0.32]
    words += [form(word, rng) for word in OTHERS for _ in range(2) if rng.random() < 0.04]
    words += ["the"] * (rng.random() < 0.6)
    words += ["boathouse"] * (rng.random() < 0.02)
    rng.shuffle(words)
    chosen = [word for word in FREQUENT + MANY + OTHERS if rng.random() < 0.03]
    tags = tuple(form(word, rng) for word in chosen) + ("old town",) * (rng.random() < 0.1)
    return {"caption": " ".join(words), "tags": tags, "width": 30, "height": 20}


def fill(source, rng, count):
    """Add pictures."""
    for _ in range(count):
        number = max(source.rows, default=0) + 1
        source.add(f"{number}.jpg", b"%d" % number, **about(rng))


def beside_of(state):
    """Return of which stems postings tell."""
    return Beside.read(state.note("search beside"))


@pytest.mark.parametrize("seed", range(3))
def test_words_beside_others_find_the_engines_best(seed, node, source, tmp_path, monkeypatch):
    """In any order, number and form, with what else a query may have, as the engine does."""
    print(f"seed {seed}")
    rng = random.Random(seed)
    if seed == 1:  # none has with its list where it is near the stems
        monkeypatch.setattr(search_beside, "OWN", 0)
    if seed == 2:  # words that have a rest tell of others, too
        monkeypatch.setattr(search_rows, "WHOLE", APART)
        monkeypatch.setattr(search_beside, "LONGEST", LARGE)
    fill(source, rng, 3000)
    near = {"sea": [("anchor", 0.7)], "rope": [("boat", 0.6)], "gull": [("sea", 0.8)]}
    index_only(source, near if seed else {}, tmp_path)
    queries = []
    for frequent, other in itertools.product(FREQUENT, OTHERS):
        queries.append(" ".join(rng.sample([form(frequent, rng), form(other, rng)], 2)))
    for other in OTHERS:
        for several in itertools.permutations(FREQUENT, 2):
            words = [*(form(word, rng) for word in several), form(other, rng)]
            queries.append(" ".join(words))
            queries.append(" ".join(rng.sample(words, 3)))
        for frequent, less in itertools.product(FREQUENT, MANY):
            words = [form(word, rng) for word in (frequent, less, other)]
            queries.append(" ".join(rng.sample(words, 3)))
        queries.append(" ".join(rng.sample([*MANY, other], 3)))
        queries.append(" ".join(rng.sample([*FREQUENT, other], 4)))
        # Nothing is told of so many together, and all have a rest.
        several = [rng.sample(FREQUENT + MANY, 4) for _ in range(9)]
        queries += [" ".join(form(word, rng) for word in words) for words in several]
        queries.append(" ".join(rng.sample([rng.choice(FREQUENT), other, "w0017"], 3)))
        queries.append(f"the {rng.choice(FREQUENT)} {other}")
        queries.append(f"{rng.choice(FREQUENT)} -{other}")
        queries.append(f"{other} -{rng.choice(FREQUENT)}")
        queries.append(f"{other} OR {rng.choice(FREQUENT)}")
        queries.append(f"{rng.choice(FREQUENT)} {other[:3]}")
        queries.append(f"{rng.choice(FREQUENT)} {other[0]}{other[2]}{other[1]}{other[3:]}")
        queries.append(f"{rng.choice(FREQUENT)} {rng.choice(FREQUENT)} {other}")
        queries.append(f'{rng.choice(FREQUENT)} "{other} {rng.choice(FREQUENT)}"')
        queries.append(f"caption:{rng.choice(FREQUENT)} {other}")
        queries.append(f"{rng.choice(FREQUENT)} tags:{other}")
        queries.append(f"{rng.choice(FREQUENT)} w{rng.randrange(3000):04}")

    answers = found_as_by_engine(node, tmp_path, queries)

    known = sum(len(found["hits"]) for found in answers)
    assert known > len(queries)


def is_near(path):
    """Tell whether a file has rows of where words are near each other."""
    keys = [key for key, _ in rows_of(unpacked(path.read_bytes()))]
    return any(key.partition(b"\0")[2].startswith(b"a") for key in keys)


@pytest.fixture
def small_files(monkeypatch):
    """Cut what is there of frequent words into small files."""
    small = {
        kind: (ROWS[kind][0], Cut(600, 1200, packed_record, 1, terms=True))
        for kind in ("front", "rest")
    }
    monkeypatch.setattr(search_state, "ROWS", {**ROWS, **small})


@pytest.mark.usefixtures("small_files")
def test_less_is_read(node, source, tmp_path):
    """Of a very frequent word beside another neither front nor rest is read."""
    rng = random.Random(8)
    fill(source, rng, 3000)
    index_only(source, {}, tmp_path)
    photos, _ = published(source, Rules())
    with open_state(None) as state:
        for photo in photos:
            state.put(photo)
        SearchIndex(state, tmp_path / "other", source.uuid, Recipe()).rebuild(lambda _: ())
        assert [stem for stem, _ in beside_of(state).stems] == ["boat", "harbour", "sea"]
        names = [name for kind in ("front", "rest") for _, name in state.search.files(kind)]
        names = [name for name in names if not is_near(tmp_path / name)]
    queries = ["harbour anchor", "rope boat", "sea harbour sail", "gull harbours boats"]
    queries += ["anchor -harbour", "-boats rope -sea", "sail gull -boat"]
    tasks = [["search", query, {"limit": 20}] for query in queries]
    whole = node(tmp_path, tasks)
    found_as_by_engine(node, tmp_path, queries)
    assert len(names) > 9

    for name in names:
        (tmp_path / name).unlink()
    without = node(tmp_path, tasks)

    assert not without["problems"]
    assert without["answers"] == whole["answers"]
    assert all(len(answer["hits"]) > 3 for answer in whole["answers"])


@pytest.mark.usefixtures("small_files")
@pytest.mark.parametrize("own", [OWN, 0])
def test_where_frequent_words_are_near_is_told(own, node, source, tmp_path, monkeypatch):
    """Of a very frequent word, a frequent and a rarer one the list of the first is not read.

    Where the list of the second is short, it tells where it is near the first, else a file apart.
    """
    monkeypatch.setattr(search_beside, "OWN", own)
    rng = random.Random(9)
    fill(source, rng, 3000)
    index_only(source, {}, tmp_path)
    with open_state(None) as state:
        for photo in published(source, Rules())[0]:
            state.put(photo)
        SearchIndex(state, tmp_path / "other", source.uuid, Recipe()).rebuild(lambda _: ())
        beside = beside_of(state)
        assert [stem for stem, _ in beside.stems] == ["boat", "harbour", "sea"]
        assert beside.frequent == ("pier", "quay")
        names = [name for kind in ("front", "rest") for _, name in state.search.files(kind)]
    lists = {word: [] for word in FREQUENT}
    near = []
    for name in names:
        if is_near(tmp_path / name):
            near.append(name)
            continue
        rows = rows_of(unpacked((tmp_path / name).read_bytes()))
        words = {key.partition(b"\0")[0].decode() for key, _ in rows}
        if len(words) == 1 and words < lists.keys():
            lists[words.pop()].append(name)
    queries = ["pier harbour anchor", "boat quay rope", "sea pier boat sail"]
    tasks = [["search", query, {"limit": 10}] for query in queries]
    whole = node(tmp_path, tasks)
    assert all(len(answer["hits"]) == 10 for answer in whole["answers"])

    for word in FREQUENT:
        for name in lists[word]:
            (tmp_path / name).unlink()
    without = node(tmp_path, tasks)
    for name in near:
        (tmp_path / name).unlink()
    unknown = node(tmp_path, tasks)

    assert all(lists.values())
    assert not without["problems"]
    assert without["answers"] == whole["answers"]
    assert bool(unknown["problems"]) == (not own)
    assert (unknown["answers"] == whole["answers"]) == bool(own)


def names_of(source, folder, *kinds):
    """Return the paths of an index's files of these kinds."""
    with open_state(None) as state:
        for photo in published(source, Rules())[0]:
            state.put(photo)
        SearchIndex(state, folder, source.uuid, Recipe()).rebuild(lambda _: ())
        return [name for kind in kinds for _, name in state.search.files(kind)]


@pytest.mark.parametrize("whole", [APART, WHOLE])
def test_what_long_lists_tell_of_others_is_read_where_it_is_asked(
    whole, node, source, tmp_path, monkeypatch
):
    """What lists with a rest, or of several bands, tell of others lies apart; else lists do."""
    monkeypatch.setattr(search_rows, "WHOLE", whole)
    fill(source, random.Random(11), 3000)
    index_only(source, {}, tmp_path)
    apart = names_of(source, tmp_path / "other", "beside")
    alone = ["anchor", "rope sail", "anchor gull rope", "gull OR sail", "anchor pier"]
    beside = ["harbour anchor", "rope boats", "sea sail boat", "gull boat pier"]
    alone, beside = (
        [["search", query, {"limit": 10}] for query in queries] for queries in (alone, beside)
    )
    before = node(tmp_path, alone), node(tmp_path, beside)

    data = {name: (tmp_path / name).read_bytes() for name in apart}
    for name in apart:
        (tmp_path / name).unlink()

    assert apart
    texts = {text for name in apart for text in texts_of(name, data[name])}
    assert texts >= {"boats", "seaing", "anchor"}
    assert all(answer["hits"] for found in before for answer in found["answers"])
    assert node(tmp_path, alone) == before[0]
    without = node(tmp_path, beside)
    assert without["problems"]
    hits = [[hit["id"] for hit in answer["hits"]] for answer in without["answers"]]
    assert hits == [[hit["id"] for hit in answer["hits"]] for answer in before[1]["answers"]]


def test_what_lies_apart_is_read_stem_by_stem(node, source, tmp_path, monkeypatch):
    """Who asks for one very frequent word reads nothing that is told of the others."""
    small = {"beside": (ROWS["beside"][0], Cut(300, 600, packed_bits, 1, terms=True))}
    monkeypatch.setattr(search_state, "ROWS", {**ROWS, **small})
    fill(source, random.Random(13), 3000)
    index_only(source, {}, tmp_path)
    apart = names_of(source, tmp_path / "other", "beside")
    tasks = [["search", "harbour anchor", {"limit": 10}]]
    before = node(tmp_path, tasks)
    harbour = b"anchor\0w" + bytes([["boat", "harbour", "sea"].index("harbour")])
    others = []
    for name in apart:
        keys = [key for key, _ in rows_of(unpacked((tmp_path / name).read_bytes()))]
        if not any(key.startswith(harbour) for key in keys):
            others += [name] * any(key.startswith(b"anchor\0w") for key in keys)
            (tmp_path / name).unlink()

    assert len(others) > 1
    assert len(before["answers"][0]["hits"]) == 10
    assert node(tmp_path, tasks) == before


def test_the_other_word_tells_lengths(node, source, tmp_path):
    """How long fields are is read only where neither another word nor the best pictures tell it.

    That is so where all is asked.
    """
    rng = random.Random(10)
    for number in range(3000):
        words = [form(word, rng) for word in FREQUENT + MANY if rng.random() < 0.5]
        words += [form(word, rng) for word in OTHERS if rng.random() < 0.1]
        words += [f"w{rng.randrange(3000):04}" for _ in range(rng.randrange(1, 9))]
        rng.shuffle(words)
        said = {"caption": " ".join(words), "tags": ("old town",) * (number % 9 == 0)}
        source.add(f"{number}.jpg", b"%d" % number, **said, width=30, height=20)
    index_only(source, {}, tmp_path)
    lengths = names_of(source, tmp_path / "other", "lengths")
    told = [
        "pier anchor",
        "quay sail pier",
        "pier quay rope gull",
        '"rope pier" quay',
        "caption:pier anchor",
        "w0007 pier",
        "w0007 pier anchor rope",
        "pier old",
        "pier quay old",
        "pier OR quay",
        "pier OR anchor",
        "pier -quay",
        "quay -pier -anchor",
        '-"pier quay" rope',
        "caption:pier",
        '"pier quay"',
    ]
    tasks = [["search", query, {"limit": 10}] for query in told]
    tasks.append(["search", "pier old", {}])
    whole = [node(tmp_path, [task]) for task in tasks]
    found_as_by_engine(node, tmp_path, told)

    for name in lengths:
        (tmp_path / name).unlink()
    without = [node(tmp_path, [task]) for task in tasks]

    assert lengths
    assert all(answer["answers"][0]["hits"] for answer in whole)
    assert without[: len(told)] == whole[: len(told)]
    assert without[-1]["problems"]


def test_of_few_pictures_alone_it_is_looked_up_how_long_fields_are(
    node, source, tmp_path, monkeypatch
):
    """Where nothing else tells it, and few may be among the best."""
    small = {"lengths": (ROWS["lengths"][0], Cut(1, 1, packed_record, 1))}
    monkeypatch.setattr(search_state, "ROWS", {**ROWS, **small})
    monkeypatch.setattr(search_index, "BLOCKS", {**search_index.BLOCKS, "lengths": 64})
    rng = random.Random(13)
    rare = set(rng.sample(range(3000), 7))
    for number in range(3000):
        words = [word for word in MANY if rng.random() < 0.5 or number in rare]
        words += [f"w{rng.randrange(3000):04}" for _ in range(rng.randrange(1, 9))]
        rng.shuffle(words)
        tags = ("zeppelin",) * (number in rare)
        source.add(f"{number}.jpg", b"%d" % number, caption=" ".join(words), tags=tags, **SIZE)
    index_only(source, {}, tmp_path)
    numbers = {photo.filename: photo.id for photo in published(source, Rules())[0]}
    blocks = {numbers[f"{number}.jpg"] // 64 for number in rare}
    lengths = names_of(source, tmp_path / "other", "lengths")
    queries = ["pier zeppelin", "zeppelin quay pier"]
    tasks = [["search", query, {"limit": 10}] for query in queries]
    whole = node(tmp_path, tasks)
    found_as_by_engine(node, tmp_path, queries)

    for block, name in enumerate(lengths):
        if block not in blocks:
            (tmp_path / name).unlink()

    assert len(lengths) > 40
    assert [len(answer["hits"]) for answer in whole["answers"]] == [7, 7]
    assert node(tmp_path, tasks) == whole


def test_what_frequent_words_have_in_common_is_known_by_its_look(
    node, source, tmp_path, monkeypatch
):
    """What has several words is known by its look from their lists, wherever it lies in these."""
    small = {"looks": (ROWS["looks"][0], Cut(2000, 4000, packed_record, 1))}
    monkeypatch.setattr(search_state, "ROWS", {**ROWS, **small})
    monkeypatch.setattr(search_index, "BLOCKS", {**search_index.BLOCKS, "looks": 128})
    rng = random.Random(12)
    for number in range(3000):
        words = [word for word in OTHERS if rng.random() < 0.4]
        words += [f"w{rng.randrange(3000):04}" for _ in range(rng.randrange(1, 9))]
        rng.shuffle(words)
        size = {"width": 30 + number % 9, "height": 20, "revision": rng.randrange(300)}
        source.add(f"{number}.jpg", b"%d" % number, caption=" ".join(words), **size)
    index_only(source, {}, tmp_path)
    tasks = [["looks", query, {"limit": 20}] for query in ("anchor rope", "sail gull rope")]
    photos = {photo.id: photo for photo in published(source, Rules())[0]}

    for name in names_of(source, tmp_path / "other", "looks"):
        (tmp_path / name).unlink()
    found = node(tmp_path, tasks)

    for answer in found["answers"]:
        assert len(answer) == 20
        for number, look, _ in answer:
            photo = photos[number]
            assert look["revision"] == photo.revision % 256
            assert look["form"] == shape(photo.width, photo.height)


@pytest.mark.parametrize("seed", range(2))
def test_brought_up_to_date_as_if_anew(seed, source, tmp_path, monkeypatch):
    """After changes the files are those of an index made anew, where other words are told, too."""
    print(f"seed {seed}")
    rng = random.Random(seed)
    fill(source, rng, 3000)
    if seed:
        monkeypatch.setattr(search_beside, "LONGEST", LARGE)

    told, owners, large = [], set(), set()
    with open_state(None) as state:
        follower = Follower(source, state, tmp_path)
        for count in (1, 1, 30, 700, 700, 2):
            for number in rng.sample(sorted(source.rows), min(count, len(source.rows) - 1000)):
                if count > 300 or rng.random() < 0.4:
                    source.delete(number)
                else:
                    source.add(f"{number}.jpg", b"1%d" % number, number=number, **about(rng))
            fill(source, rng, 1400 if count == 2 else count // 3)
            follower.follow()
            told.append(len(beside_of(state).stems))
            owners.add(beside_of(state).owners)
            large.add(beside_of(state).is_large)
    assert max(told) >= 2
    assert min(told) < max(told), told
    assert len(owners) > 1, owners
    assert large == ({False, True} if seed else {False})


def test_a_word_that_more_and_more_have(source, tmp_path):
    """As a word comes to tell nothing of others, and goes back, the files are as if made anew."""
    rng = random.Random(3)

    def add(count, *words):
        for _ in range(count):
            said = [*words, *(word for word in FREQUENT if rng.random() < 0.6)]
            said += ["x"] * rng.randrange(30)
            rng.shuffle(said)
            number = max(source.rows, default=0) + 1
            content = b"%d" % number
            source.add(f"{number}.jpg", content, caption=" ".join(said), width=3, height=2)

    add(2610)
    add(390, "quay")
    told = []
    with open_state(None) as state:
        follower = Follower(source, state, tmp_path)
        for step in range(3):
            if step == 1:
                add(300, "quay")
            for number in range(3001, 3301) if step == 2 else ():
                source.delete(number)
            follower.follow()
            told.append(beside_of(state).frequent)
    assert told == [(), ("quay",), ()]


def test_which_words_are_told_of(source, tmp_path):
    """Those that many have; not those that nearly all do, nor such as say little."""
    for number in range(4000):
        words = ["everywhere", "the"] if number < 3800 else []
        words += ["boat"] * (number % 2) + ["boats"] * (number % 3 == 0)
        words += ["sea"] * (number % 3 == 1) + ["gull"] * (number < 395)
        words += ["x"] * (number % 37)
        caption = " ".join(words)
        source.add(
            f"{number}.jpg", b"%d" % number, caption=caption, camera="Canon", width=3, height=2
        )

    with open_state(None) as state:
        for photo in published(source, Rules())[0]:
            state.put(photo)
        SearchIndex(state, tmp_path / "engine", source.uuid, Recipe()).rebuild(lambda _: ())
        beside = beside_of(state)

    assert beside.stems == (("boat", "boat"), ("sea", "sea"))
    assert 4000 / 8 / 2**0.5 <= beside.up_to <= 4000 / 8
    assert Beside.read(beside.note()) == beside
    assert Beside.read("") == Beside()
    assert list(beside.pairs({"sea", "gull", "boat"})) == [("boat", "sea")]
    more = Beside(beside.stems, beside.up_to, ("gull",))
    assert list(more.pairs({"sea", "gull"})) == [("sea", "gull")]
    own = Beside(beside.stems, beside.up_to, ("gull",), ("gull",))
    assert list(own.pairs({"sea", "gull", "boat"})) == [("boat", "sea")]
    assert near_key_of(("sea", "gull")) == b"sea\0agull\0"
    assert set(more.pairs({"sea", "gull", "boat", "x"})) == {
        ("boat", "sea"),
        ("boat", "gull"),
        ("sea", "gull"),
    }
    assert more.tells_as(beside)
    assert more != beside
