"""The index and its reader, run in Node against a brute force over the same pictures."""

import collections
import dataclasses
import json
import random
from pathlib import Path

import pytest

from picturerail_exporter import search_rows, search_state
from picturerail_exporter.collection import order_of, published
from picturerail_exporter.media import shape
from picturerail_exporter.rules import Rules
from picturerail_exporter.search_file import Cut, packed_record
from picturerail_exporter.search_state import ROWS
from picturerail_native.fields import searched_fields
from picturerail_native.search import Reader, Writer, analyse, stem

from .helpers import index_only, plain

GERMAN_STEMS = Path(__file__).parents[1] / "native" / "german-stems.json"
VECTORS_FILE = Path(__file__).parents[1] / "native" / "analysis-vectors.json"


TEXTS = {
    "Straße nach Lißabon": ["strasse", "nach", "lissabon"],
    "Crème brûlée": ["creme", "brulee"],
    "ÅNGSTRÖM İstanbul": ["angstrom", "istanbul"],
    "IMG_1234-2.JPG": ["img", "1234", "2", "jpg"],
    "ﬁne ½ Ⅷ ①": ["fine", "1", "2", "viii", "1"],
    "日本語 テスト2": ["日本", "本語", "語", "テス", "スト", "ト", "2"],
    "IMG2041 mp3 1080p": ["img", "2041", "mp3", "1080", "p"],
    "Łódź Ærø ΟΔΟΣ": ["lodz", "aero", "οδοσ"],
    "Привет, Мир!": ["привет", "мир"],
    "😀 don't": ["don", "t"],
    "": [],
}


def test_analyser_by_hand(node):
    """The browser's analyser cuts and folds as the rule says, in many scripts."""
    answers = node("", [["analyse", text] for text in TEXTS])["answers"]

    assert list(TEXTS.values()) == answers
    assert answers == [[word.term for word in analyse(text)] for text in TEXTS]


@pytest.mark.skipif(not VECTORS_FILE.exists(), reason="the engine's vectors are not there")
def test_analyser_by_the_engines_vectors(node):
    """The browser's analyser gives exactly the engine's terms for every shared vector."""
    cases = json.loads(VECTORS_FILE.read_text())

    answers = node("", [["analyse", case["text"]] for case in cases])["answers"]

    assert [[term for term, *_ in case["terms"]] for case in cases] == answers


STEMS = {
    "running": "run",
    "flies": "fli",
    "dying": "die",
    "happily": "happili",
    "inning": "inning",
    "exceedingly": "exceed",
    "generously": "generous",
    "sky": "sky",
    "relational": "relat",
    "straße": "straße",
}


def test_stems_are_the_engines(node):
    """The browser's stems are the engine's, for words of every kind of ending."""
    rng = random.Random(3)
    print("seed 3")
    endings = "s es ed ing ingly eed ies ational izer li ogist ative ness ful ement ion e ll y ying"
    parts = [
        "run",
        "hop",
        "past",
        "fly",
        "succ",
        "gener",
        "univers",
        "beach",
        "care",
        "happ",
        "sens",
        "adopt",
        "control",
        "agre",
        "out",
    ]
    words = [*STEMS, *(rng.choice(parts) + rng.choice(endings.split()) for _ in range(2000))]

    answers = node("", [["stem", word] for word in words])["answers"]

    assert list(STEMS.values()) == answers[: len(STEMS)]
    assert [stem(word) for word in words] == answers


def test_german_stems_are_the_engines(node):
    """Forms of German words find each other in the browser as they do in the engine."""
    rng = random.Random(4)
    print("seed 4")
    parts = ["haus", "haeus", "blum", "berg", "quell", "bau", "einig", "syst", "freund", "lauf"]
    endings = [
        "e",
        "en",
        "er",
        "ern",
        "es",
        "em",
        "et",
        "st",
        "est",
        "ln",
        "lns",
        "heit",
        "keit",
        "lich",
        "ung",
        "ig",
        "ik",
        "isch",
        "end",
        "erinnen",
    ]
    listed = dict(json.loads(GERMAN_STEMS.read_text()))
    made = [
        rng.choice(parts) + rng.choice(endings) + rng.choice([*endings, ""]) for _ in range(2000)
    ]
    words = [*listed, *made]

    answers = node("", [["stem", word, "german"] for word in words])["answers"]

    assert answers[: len(listed)] == list(listed.values())
    assert answers == [stem(word, "german") for word in words]


def test_a_site_in_german(node, source, publish, options, tmp_path):
    """A site whose texts are German finds other forms, and takes German words for stop words."""
    for number, caption in enumerate(
        ["Häuser am Fluss", "Das alte Haus", "Ein Bauer und der Fluss", "der die das"], 1
    ):
        source.add(f"{number}.jpg", plain((1, 2, number)), caption=caption)
    with Writer(tmp_path / "index", source.uuid, language="german") as writer:
        for row in source.images():
            fields = searched_fields(row.path, row.metadata, root_name="Pictures")
            writer.put(row.id, fields, order=order_of(row, row.metadata))
        writer.commit(source.seq)
    publish(dataclasses.replace(options, search_language="german"))
    queries = ["haus", "haeuser", "der Fluss", "das Haus", "der", "Bauern", "houses"]

    answers = node(options.path, [["search", query] for query in queries])["answers"]

    assert {hit["id"] for hit in answers[0]["hits"]} == {1, 2}
    with Reader(tmp_path / "index") as reader:
        for query, answer in zip(queries, answers, strict=True):
            best = reader.search(query).hits
            assert [hit["id"] for hit in answer["hits"]] == [hit.id for hit in best], query


WORDS = [
    "the",
    "sea",
    "seal",
    "season",
    "beach",
    "beaches",
    "cat",
    "cats",
    "catalogue",
    "sun",
    "sunset",
    "straße",
    "strand",
    "öl",
    "北京天",
]


QUERIES = [
    *WORDS,
    "ocean",
    "kitten",
    "s",
    "be",
    "nothing",
    "9",
    "t-shirt",
    "北",
    "北京",
    "of",
    "catting",
    '"sea sun"',
    '"cat',
]


@pytest.mark.parametrize("seed", range(6))
def test_search_against_the_engine(seed, node, source, publish, options, tmp_path):
    """For random pictures and queries the browser finds, ranks and explains as the engine does."""
    print(f"seed {seed}")
    rng = random.Random(seed)
    for _ in range(rng.choice([3, 80])):
        name = f"{rng.choice(WORDS)}_{rng.randrange(99)}.jpg"
        source.add(
            rng.choice(["", "sea/", "a cat/Öl/"]) + name,
            plain((1, 2, 3)),
            number=max(source.rows, default=0) + rng.randrange(1, 400),
            tags=tuple(rng.sample([*WORDS, "sea bear"], rng.randrange(3))),
            caption=" ".join(rng.choices(WORDS, k=rng.randrange(5))),
            taken=rng.choice([None, "2019-07-14T10:00:00", "2021-01-01T08:00:00"]),
            camera=rng.choice(["", "Canon EOS"]),
        )
    near = {
        "sea": [("ocean", 0.7), ("beach", 0.6)],
        "cat": [("kitten", 0.8), ("ocean", 0.1)],
        "sea bear": [("ocean", 0.4), ("t shirt", 0.3)],
    }
    with Writer(tmp_path / "index", source.uuid) as writer:
        for row in source.images():
            fields = searched_fields(row.path, row.metadata, root_name="Pictures")
            writer.put(row.id, fields, order=order_of(row, row.metadata))
        for tag, words in near.items():
            source.near(tag, *words)
            writer.set_neighbours(tag, words)
        writer.commit(source.seq)
    publish()
    queries = [" ".join(rng.sample(QUERIES, rng.randrange(1, 4))) for _ in range(100)]

    answers = node(options.path, [["search", query] for query in queries])["answers"]

    with Reader(tmp_path / "index") as reader:
        for query, answer in zip(queries, answers, strict=True):
            results = reader.search(query, limit=1000)
            assert results.relaxed == answer["relaxed"], query
            assert [hit.id for hit in results.hits] == [hit["id"] for hit in answer["hits"]], query
            for hit, found in zip(results.hits, answer["hits"], strict=True):
                assert hit.score == pytest.approx(found["score"], rel=1e-5), query
                ways = {(match.word, match.via.name.lower()) for match in hit.matches}
                shown = {
                    (word, way["via"])
                    for way in found["matches"]
                    for word in (way["tags"] or [way["word"]])
                }
                assert ways == shown, query


VOCABULARY = ["sea", "sun", "cat", "cats", "beach", "beaches", "harbour", "strand", "mountains"]
RARE = ["lighthouse", "lighthouses", "seagull", "sundial", "catamaran", "strandkorb"]


def random_query(rng):
    """Return some query of the engine's language, well formed or not."""
    words = [*VOCABULARY, *RARE, "lighthuose", "montains", "the", "of", "ocean", "se", "nothing"]

    def word():
        return rng.choice(words)

    forms = [
        word,
        word,
        lambda: f"{word()} {word()}",
        lambda: f"{word()} of the {word()}",
        lambda: f'"{word()} {word()}"',
        lambda: f"{word()}*",
        lambda: f"-{word()}",
        lambda: f"{word()} OR {word()}",
        lambda: f"({word()} OR {word()} {word()})",
        lambda: f"-({word()} {word()})",
        lambda: f"tag:{word()}",
        lambda: f'caption:"{word()} {word()}"',
        lambda: f"name:{word()}",
        lambda: rng.choice(["2019..2020", "date:2019-06", "..2019-03", "camera:canon", "x:y", "-"]),
        lambda: rng.choice(
            [
                '"',
                "(",
                ")",
                "OR",
                "date:20",
                "tag:",
                "2019..",
                "IMG_7.jpg",
                "IMG_99999",
                "x-cat",
                "the-sea",
            ]
        ),
    ]
    return " ".join(rng.choice(forms)() for _ in range(rng.randrange(1, 4)))


def zipf(rng, count):
    """Return words of which few are frequent."""
    return " ".join(VOCABULARY[min(int(rng.expovariate(0.5)), 8)] for _ in range(count))


@pytest.mark.parametrize("seed", range(4))
def test_the_best_of_many_are_the_engines(seed, node, source, tmp_path, monkeypatch):
    """Of many pictures the best are the engine's for queries of every kind, not all being read."""
    print(f"seed {seed}")
    if seed < 3:  # fewer words are frequent
        monkeypatch.setattr(search_rows, "WHOLE", 900)
    rng = random.Random(seed)
    for number in range(2000):
        caption = zipf(rng, rng.randrange(2, 14))
        for little, share in (("the", 0.8), ("of", 0.5), ("the", 0.3)):
            if rng.random() < share:
                caption = caption.replace(" ", f" {little} ", 1)
        if rng.random() < 0.05:
            caption += " " + rng.choice(RARE)
        source.add(
            f"{rng.choice(VOCABULARY)}/IMG_{number}.jpg",
            plain((1, 2, 3)),
            tags=tuple(rng.sample(VOCABULARY, rng.randrange(3))),
            caption=caption,
            taken=f"20{rng.randrange(17, 22)}-0{rng.randrange(1, 9)}-14T10:00:00",
            camera=rng.choice(["", "Canon EOS"]),
        )
    near = {"sea": [("ocean", 0.7), ("harbour", 0.4)], "cat": [("lighthouse", 0.3)]}
    with Writer(tmp_path / "index", source.uuid) as writer:
        for row in source.images():
            fields = searched_fields(row.path, row.metadata, root_name="Pictures")
            writer.put(row.id, fields, order=order_of(row, row.metadata))
        for tag, words in near.items():
            writer.set_neighbours(tag, words)
        writer.commit(source.seq)
    index_only(source, near, tmp_path)
    queries = [random_query(rng) for _ in range(250)]
    tasks = [["search", query, {"limit": limit}] for query in queries for limit in (5, 20)]

    answers = iter(node(tmp_path, tasks)["answers"])

    with Reader(tmp_path / "index") as reader:
        for query in queries:
            for limit in (5, 20):
                found = next(answers)
                best = reader.search(query, limit=limit)
                assert best.relaxed == found["relaxed"], query
                assert len(best.hits) == len(found["hits"]), query
                scores = [hit["score"] for hit in found["hits"]]
                assert scores == pytest.approx([hit.score for hit in best.hits], rel=1e-5), query
                last = min(scores, default=0) * (1 + 1e-5)
                above = {hit.id for hit in best.hits if hit.score > last}
                assert above <= {hit["id"] for hit in found["hits"]}, query
                assert found["total"] <= best.total, query
                assert not found["all"] or found["total"] == best.total, query


def test_words_that_say_little_cost_nothing(node, source, tmp_path, monkeypatch):
    """Of "the" beside others nothing is read; of another word as frequent it is."""
    monkeypatch.setattr(search_rows, "WHOLE", 900)
    rng = random.Random(9)
    for number in range(6000):
        words = [f"w{rng.randrange(3000):04}" for _ in range(rng.randrange(3, 12))]
        words += [word for word in ("the", "pier") if rng.random() < 0.9]
        words += ["sea"] if number % 50 == 0 else []
        rng.shuffle(words)
        source.add(f"{number}.jpg", plain((1, 2, 3)), caption=" ".join(words))
    index_only(source, {}, tmp_path)
    queries = ["sea", "sea the", "sea pier"]
    tasks = [
        task
        for query in queries
        for task in (["fresh", ""], ["search", query, {"limit": 20, "measure": True}])
    ]

    answers = node(tmp_path, tasks)["answers"][1::2]

    alone, little, much = (answer["cost"]["bytes"] for answer in answers)
    assert little == alone < much
    with Reader(tmp_path / "engine") as reader:
        for query, answer in zip(queries, answers, strict=True):
            best = reader.search(query, limit=20)
            assert [hit["score"] for hit in answer["hits"]] == pytest.approx(
                [hit.score for hit in best.hits], rel=1e-5
            ), query
    assert all([way["word"] for way in hit["matches"]] == ["sea"] for hit in answers[1]["hits"])


@pytest.mark.parametrize("whole", [900, 2400])
def test_no_file_is_read_in_vain(whole, node, source, tmp_path, monkeypatch):
    """All of a word is in the files that hold rows of it, and no other is read."""
    monkeypatch.setattr(search_rows, "WHOLE", whole)
    small = {
        kind: (ROWS[kind][0], Cut(least, most, packed_record, 1, terms=True))
        for kind, least, most in (
            ("postings", 600, 4000),
            ("front", 600, 4000),
            ("rest", 900, 2000),
        )
    }
    monkeypatch.setattr(search_state, "ROWS", {**ROWS, **small})
    rng = random.Random(11)
    words = [f"{letter}pier" for letter in "abcdefghij"]
    having = collections.Counter()
    for number in range(4000):
        some = rng.sample(words, rng.randrange(3, 8))
        having.update(some)
        caption = " ".join(some + ["x"] * rng.randrange(9))
        source.add(f"{number}.jpg", plain((1, 2, 3)), caption=caption)
    files = index_only(source, {}, tmp_path)
    tasks = [
        task for word in words for task in (["fresh", ""], ["search", word, {"measure": True}])
    ]

    answers = node(tmp_path, tasks)["answers"][1::2]

    begun = 0
    for word, answer in zip(words, answers, strict=True):
        holding = [part for part in files if word in part]
        others = 1 + (whole == 900)  # when pictures were taken; how long fields are
        assert answer["total"] == having[word]
        assert answer["cost"]["files"] == len(holding) + others, word
        begun += sum(part[0] == word for part in holding)
    assert begun > len(words)


@pytest.mark.parametrize("whole", [900, 8192])
def test_what_is_found_is_known_by_its_look(whole, node, source, tmp_path, monkeypatch):
    """What pictures look like is told with the best of a word, and of the others by their ids."""
    monkeypatch.setattr(search_rows, "WHOLE", whole)
    monkeypatch.setattr(search_rows, "SHOWN", 4000)
    rng = random.Random(10)
    for number in range(4500):
        source.add(
            f"{number}.jpg",
            plain((number % 256, number // 256, 3), (rng.randrange(3, 9), 4)),
            caption="pier " + "x " * rng.randrange(9),
            revision=rng.randrange(300),
        )
    index_only(source, {}, tmp_path)
    photos = {photo.id: photo for photo in published(source, Rules())[0]}

    (found,) = node(tmp_path, [["looks", "pier", {"limit": 4400}]])["answers"]

    assert len(found) == 4400
    assert {bool(told) for _, told, _ in found} == {True, False}
    for number, told, other in found:
        photo = photos[number]
        look = told or other
        assert look["revision"] == photo.revision % 256
        assert look["form"] == shape(photo.width, photo.height)


def test_phrases_stand_side_by_side(node, source, publish, options):
    """Quoted words match only next to each other and in order, never across two values."""
    source.add("1.jpg", plain((1, 2, 3)), caption="a red car by the sea")
    source.add("2.jpg", plain((1, 2, 3)), caption="a car, red as wine")
    source.add("3.jpg", plain((1, 2, 3)), tags=("red", "car"))
    source.add("4.jpg", plain((1, 2, 3)), tags=("red car",))
    publish()

    answers = node(options.path, [["search", '"red car"'], ["search", '"red car" sea']])["answers"]

    assert {1, 4} == {hit["id"] for hit in answers[0]["hits"]}
    assert [hit["id"] for hit in answers[1]["hits"]] == [1]


def test_field_weights_and_ties(node, source, publish, options):
    """A filename outweighs a tag, that a caption; equals stand by date, the newer first."""
    source.add("x1.jpg", plain((1, 2, 3)), caption="alpine")
    source.add("x2.jpg", plain((1, 2, 3)), tags=("alpine",))
    source.add("alpine.jpg", plain((1, 2, 3)))
    source.add("x4.jpg", plain((1, 2, 3)), tags=("alpine",), taken="2020-01-01")
    publish()

    (answer,) = node(options.path, [["search", "alpine"]])["answers"]

    assert [hit["id"] for hit in answer["hits"]] == [3, 4, 2, 1]


def test_neighbours_of_tags_with_several_words(node, source, publish, options):
    """A query reaches a tag of two words through its neighbour, and names that tag."""
    source.add("1.jpg", plain((1, 2, 3)), tags=("Polar Bear",))
    source.add("2.jpg", plain((1, 2, 3)), tags=("bear",))
    source.near("Polar Bear", ("arctic", 0.5), ("Walrus", 0.4))
    source.near("unborne", ("arctic", 0.9))
    source.near("bear", ("t shirt", 0.3))
    publish()

    answers = node(options.path, [["search", "ARCTIC"], ["search", "walrus"]])["answers"]
    (of_two,) = node(options.path, [["search", "T-shirt"]])["answers"]

    assert [hit["id"] for hit in of_two["hits"]] == [2]

    for answer in answers:
        (hit,) = answer["hits"]
        (match,) = hit["matches"]
        assert (hit["id"], match["via"], match["word"]) == (1, "neighbour", "Polar Bear")


def test_search_by_filename(node, source, publish, options):
    """A filename finds every picture of exactly that name, and no other."""
    source.add("a/beach day.jpg", plain((1, 2, 3)))
    source.add("b/beach day.jpg", plain((1, 2, 4)))
    source.add("beach_day.jpg", plain((1, 2, 3)))
    publish()

    answers = node(options.path, [["name", "beach day.jpg"], ["name", "beach"]])["answers"]

    assert {1, 2} == {hit["id"] for hit in answers[0]["hits"]}
    assert answers[1]["hits"] == []


def test_damaged_files_give_partial_results(node, source, publish, options):
    """Whichever file of the index is gone or garbled, a search answers and names it."""
    for at in range(300):
        source.add(f"{at}.jpg", plain((1, 2, 3)), tags=("beach",), caption=f"word{at} " * 9)
    publish()
    files = sorted((options.path / "search").glob("[0-9a-f]*.bin"))
    assert len(files) > 5
    noticed = set()
    for at, file in enumerate(files):
        held = file.read_bytes()
        file.write_bytes([b"", held[: len(held) // 2], b"{}", b"[1,2]"][at % 4])

        result = node(options.path, [["search", "beach"], ["search", "word"], ["search", "2"]])

        assert {file.name} >= set(result["problems"])
        noticed |= set(result["problems"])
        file.unlink()
        assert len(node(options.path, [["search", w] for w in "abc"])["answers"]) == 3
        file.write_bytes(held)
    assert len(noticed) > 2
    assert node(options.path, [["search", "beach"]])["problems"] == []


def test_any_flipped_bit_or_missing_end(node, source, tmp_path):
    """Whatever becomes of a file's bytes, a search gives some of what it gave, and says so."""
    print("seed 11")
    rng = random.Random(11)
    for at in range(60):
        source.add(f"{at}.jpg", plain((1, 2, 3)), tags=("beach",), caption=zipf(rng, 5))
    index_only(source, {"beach": [("sea", 0.5)]}, tmp_path)
    asked = [["search", query] for query in ("beach", "sea sun", '"sea sun"', "mountians")]
    whole = node(tmp_path, asked)
    files = sorted((tmp_path / "search").iterdir())
    for _ in range(36):
        file = rng.choice(files)
        held = file.read_bytes()
        broken = bytearray(held)
        if rng.random() < 0.7:
            broken[rng.randrange(len(held))] ^= 1 << rng.randrange(8)
        else:
            del broken[rng.randrange(len(held)) :]
        file.write_bytes(broken)
        try:
            answers = node(tmp_path, asked)
        except AssertionError as error:
            # Without its root there is no index, which is said.
            assert file.name == "root.bin", error
            continue
        finally:
            file.write_bytes(held)
        if not answers["problems"]:
            assert answers == whole
            continue
        assert answers["problems"] == [file.name]
        for now, before in zip(answers["answers"], whole["answers"], strict=True):
            if not now["relaxed"] and not now["corrected"]:
                known = {hit["id"] for hit in before["hits"]}
                assert {hit["id"] for hit in now["hits"]} <= known or not known
