"""What the engine promises beyond ranking: finding, forgetting, refusing, persisting."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from picturerail_native import search
from picturerail_native.search import Sort, Via

from .indexes import UUID, found, ids


def test_exactly_the_right_one_is_found_and_a_deleted_one_is_gone(tmp_path: Path) -> None:
    """Each word finds its one document; a deleted one goes, its neighbour stays, after reopens."""
    with search.Writer(tmp_path, UUID) as writer:
        writer.put(1, [("caption", "An alpine meadow in the snow")])
        writer.put(2, [("caption", "A slice of watermelon")])
        writer.commit(1)
    for _ in range(2):  # reopened twice
        assert found(tmp_path, "alpine") == [1]
        assert found(tmp_path, "watermelon") == [2]
        search.Writer(tmp_path, UUID).close()
    with search.Writer(tmp_path, UUID) as writer:
        writer.remove(1)
        writer.commit(2)
    for _ in range(2):
        assert found(tmp_path, "alpine") == []
        assert found(tmp_path, "watermelon") == [2]
        search.Writer(tmp_path, UUID).close()


@pytest.mark.parametrize("word", ["meadow", "meadows", "field", "fields", "Méadow"])
def test_a_tag_is_found_by_its_neighbours(tmp_path: Path, word: str) -> None:
    """The picture tagged grass is found through grass; the one tagged car is not."""
    with search.Writer(tmp_path, UUID) as writer:
        writer.put(1, [("tags", tag) for tag in ("cat", "park", "grass", "sun")])
        writer.put(2, [("tags", "car")])
        near = [("meadow", 0.61), ("meadows", 0.55), ("field", 0.52), ("fields", 0.5)]
        writer.set_neighbours("grass", near)
        writer.commit(1)
    with search.Reader(tmp_path) as reader:
        results = reader.search(word)

        (hit,) = results.hits
        (match,) = hit.matches
        assert hit.id == 1
        assert ("tags", word, "grass", Via.NEIGHBOUR) == (
            match.field, match.query_word, match.word, match.via
        )  # fmt: skip
        assert dict(near)[word.lower().replace("é", "e")] == pytest.approx(match.similarity)


def test_nearer_ways_rank_higher(tmp_path: Path) -> None:
    """The word itself outranks a word it begins, which outranks a neighbour, nearer ones first."""
    with search.Writer(tmp_path, UUID) as writer:
        writer.put(1, [("tags", "lawn")])
        writer.put(2, [("tags", "grass")])
        writer.put(3, [("tags", "meadowland")])
        writer.put(4, [("folder", "a very long folder " * 50 + "meadow")])
        writer.set_neighbours("grass", [("meadow", 1.0)])
        writer.set_neighbours("lawn", [("meadow", 0.9)])
        writer.commit(1)

    assert found(tmp_path, "meadow") == [4, 3, 2, 1]


@pytest.mark.parametrize(
    "query",
    [
        *("{}", "sun {}", "{} sun", "{} 1970..1971", "{} -moon", "of {}"),
        # In fields, in groups, and beside phrases.
        *("tag:{}", "tag:({} OR zebra)", "tag:(sun {})", "tag:sun tag:{}", 'tag:"sun" {}'),
        *("({} OR zebra) sun", "(sun (zebra OR {}))", "(sun {}) OR zebra", "sun OR {}"),
        *('"sun" {}', '({} OR "hot dog") sun', '"hot dog" OR {}', '(sun {}) -"hot dog"'),
    ],
)
def test_the_order_of_ways_holds_for_every_word(tmp_path: Path, query: str) -> None:
    """Exact, then form, then prefix; typo, then neighbour: wherever in a query the word stands."""
    with search.Writer(tmp_path, UUID) as writer:
        for doc_id, word in enumerate(["grass", "meadowland", "meadows", "meadow"], 1):
            writer.put(doc_id, [("tags", word), ("tags", "sun")])
        for doc_id, word in enumerate(["lake", "pondd"], 5):
            writer.put(doc_id, [("tags", word), ("tags", "sun")])
        writer.set_neighbours("grass", [("meadow", 1.0)])
        writer.set_neighbours("lake", [("ponds", 1.0)])
        writer.commit(1)

    assert found(tmp_path, query.format("meadow"))[:4] == [4, 3, 2, 1]
    assert found(tmp_path, query.format("ponds"))[:2] == [6, 5]


def test_a_phrase_is_the_very_words(tmp_path: Path) -> None:
    """Within quotation marks nothing stands for a word, so all that is found bears it itself."""
    captions = ["meadow sun", "meadows sun", "meadowland sun", "meadov sun", "meadow sunny"]
    with search.Writer(tmp_path, UUID) as writer:
        for doc_id, caption in enumerate(captions, 1):
            writer.put(doc_id, [("caption", caption)])
        writer.put(6, [("tags", "grass"), ("caption", "sun")])
        writer.set_neighbours("grass", [("meadow", 1.0), ("meadow sun", 1.0)])
        writer.commit(1)

    for query in ['"meadow sun"', 'caption:"meadow sun"', '("meadow sun" OR "zebra sun")']:
        assert found(tmp_path, query) == [1]
    assert found(tmp_path, '"meadow"') == [1, 5]
    # Beside it the other words keep their order.
    assert found(tmp_path, '"meadow" sun') == [1, 5]
    assert found(tmp_path, "meadow sun")[0] == 1


def test_other_forms_are_found_below_the_word_itself(tmp_path: Path) -> None:
    """A form of the word is found where none begins with it; the form that was asked for leads."""
    with search.Writer(tmp_path, UUID) as writer:
        for doc_id, word in enumerate(["wolf", "wolves", "run", "running", "runs"], 1):
            writer.put(doc_id, [("caption", f"{word} {doc_id}")])
        writer.commit(1)
    assert found(tmp_path, "running") == [4, 3, 5]
    assert found(tmp_path, "runs") == [5, 3, 4]
    assert found(tmp_path, "runs*") == [5]
    assert found(tmp_path, "running -runs") == [4, 3]
    assert found(tmp_path, '"runs"') == [5]
    with search.Reader(tmp_path) as reader:
        matches = [hit.matches[0] for hit in reader.search("running").hits]
    assert [(m.word, m.via) for m in matches] == [
        ("running", Via.EXACT), ("run", Via.FORM), ("runs", Via.FORM)
    ]  # fmt: skip


def test_without_a_language_there_are_no_forms(tmp_path: Path) -> None:
    """An index of the language "none" knows no forms and no stop words; another is refused."""
    with search.Writer(tmp_path, UUID, language="none") as writer:
        writer.put(1, [("caption", "runs the")])
        writer.put(2, [("caption", "running")])
        writer.commit(1)
    assert found(tmp_path, "running") == [2]
    assert found(tmp_path, "the running") == [2, 1]  # relaxed
    with pytest.raises(search.OlderIndexError, match='language "none", not "english"'):
        search.Writer(tmp_path, UUID)
    with pytest.raises(search.SearchArgumentError, match='language "elvish" is not known'):
        search.Writer(tmp_path / "new", UUID, language="elvish")


def test_german_forms_find_each_other(tmp_path: Path) -> None:
    """An index of German texts knows German forms, ways to write umlauts, and stop words."""
    with search.Writer(tmp_path, UUID, language="german") as writer:
        writer.put(1, [("caption", "Zwei Häuser am Strand")])
        writer.put(2, [("caption", "ein Haus an der Straße")])
        writer.put(3, [("caption", "fröhliche Wanderungen")])
        writer.commit(1)
    assert found(tmp_path, "haus") == [2, 1]
    assert found(tmp_path, "Haeusern") == [1, 2]
    assert found(tmp_path, "strasse") == [2]
    assert found(tmp_path, "wanderung") == [3]
    assert found(tmp_path, "die fröhlichsten Wanderungen") == [3]
    with search.Writer(tmp_path, UUID, language="german") as writer:
        assert writer.seq == 1
    with pytest.raises(search.OlderIndexError, match='language "german", not "english"'):
        search.Writer(tmp_path, UUID)


def test_a_farther_way_of_a_common_word_is_no_reason_to_be_left_out(tmp_path: Path) -> None:
    """A picture that only begins a common word leads where the rare one says most of it."""
    with search.Writer(tmp_path, UUID) as writer:
        for doc_id in range(1, 13):
            filler = " ".join(f"filler{doc_id}x{number}" for number in range(60))
            writer.put(doc_id, [("caption", f"cat {filler} dog")])
        for doc_id in range(13, 400):
            writer.put(doc_id, [("caption", "cat")])
        writer.put(500, [("filename", "dog"), ("tags", "dog"), ("caption", "catalogue")])
        writer.commit(1)
    with search.Reader(tmp_path) as reader:
        best = reader.best("cat dog", 5)
        everything = reader.search("cat dog", limit=5, sort=search.Sort.SCORE).hits
        assert best[0][0] == 500
        assert best == [(hit.id, hit.score) for hit in everything]
        assert reader.search("cat dog", limit=400).total == 13


def test_words_that_say_little_are_passed_over_beside_others(tmp_path: Path) -> None:
    """A stop word says nothing beside others, and is found by itself, in phrases and by OR."""
    with search.Writer(tmp_path, UUID) as writer:
        writer.put(1, [("caption", "dog beach sand")])
        writer.put(2, [("caption", "dog on beach")])
        writer.put(3, [("caption", "on and on")])
        writer.commit(1)
    assert found(tmp_path, "dog on the beach") == found(tmp_path, "dog beach") == [1, 2]
    assert found(tmp_path, "on the dog-on") == found(tmp_path, "dog")
    assert found(tmp_path, "on") == [3, 2]
    assert found(tmp_path, "on -beach") == [3]
    assert found(tmp_path, "sand OR on") == [1, 3, 2]
    assert found(tmp_path, "caption:on dog") == [2]
    assert found(tmp_path, '"dog on"') == [2]
    assert found(tmp_path, "zebra on") == []
    with search.Reader(tmp_path) as reader:
        scores = {
            match.word: match.score
            for hit in reader.search("beach on").hits
            for match in hit.matches
            if hit.id == 2
        }
        assert not reader.search("dog on the beach").relaxed
    assert scores.keys() == {"beach"}


def test_adjacent_ranks_above_near_above_far(tmp_path: Path) -> None:
    """Of pictures with the same words, those in which they stand nearer to each other lead."""
    texts = {
        1: "hot one two three four five six seven eight nine dog ten eleven twelve",
        2: "hot one two dog three four five six seven eight nine ten eleven twelve",
        3: "hot dog one two three four five six seven eight nine ten eleven twelve",
        4: "hot one dog two three four five six seven eight nine ten eleven twelve",
    }
    with search.Writer(tmp_path, UUID) as writer:
        for doc_id, text in texts.items():
            writer.put(doc_id, [("caption", text)])
        writer.put(5, [("tags", "hot"), ("tags", "dog")])
        writer.commit(1)
    assert [i for i in found(tmp_path, "hot dog") if i != 5] == [3, 4, 2, 1]
    assert [i for i in found(tmp_path, "dog hot") if i != 5] == [3, 4, 2, 1]
    with search.Reader(tmp_path) as reader:
        nearness = {hit.id: hit.proximity for hit in reader.search("hot dog").hits}
    assert nearness[5] == nearness[1] == 0 < nearness[2] < nearness[4] < nearness[3]


def test_a_word_that_is_asked_for_again_counts_once(tmp_path: Path) -> None:
    """What stands beside it each time is to be near it; a phrase or a field asks for another."""
    with search.Writer(tmp_path, UUID) as writer:
        writer.put(1, [("caption", "new jersey x x x x x york")])
        writer.put(2, [("caption", "new york x x x x x jersey")])
        writer.put(3, [("caption", "new x x x x x york x x x x x jersey")])
        writer.commit(1)
    with search.Reader(tmp_path) as reader:

        def scores(query: str, *, plain: bool = False) -> dict[int, float]:
            return {hit.id: hit.score for hit in reader.search(query, plain=plain).hits}

        assert scores("York york") == scores("york")
        assert scores("new york jersey york") == scores("new york jersey")
        assert scores("york new york new") == scores("york new")
        both = scores("new york new jersey")
        assert both[1] == both[2] > both[3]
        assert len(reader.search("york york", explain=True).hits[0].matches) == 1
        for query in ('york "york"', "york caption:york", "york york*"):
            assert scores(query)[1] > scores("york")[1], query
        assert scores("york york", plain=True)[1] > scores("york", plain=True)[1]


def test_plain_words_find_themselves_alone(tmp_path: Path) -> None:
    """In a plain search a word has no other way to be found, and none counts more or less."""
    with search.Writer(tmp_path, UUID) as writer:
        writer.set_neighbours("meadow", [("field", 0.9)])
        for doc_id, caption in enumerate(["runs on", "running on", "runner on", "rums on"], 1):
            writer.put(doc_id, [("caption", caption)])
        writer.put(5, [("tags", "meadow")])
        writer.put(6, [("caption", "runs home on")])
        writer.commit(1)
    with search.Reader(tmp_path) as reader:
        for query, expected in [
            ("run", []),
            ("runs", [1, 6]),
            ("run*", [1, 2, 3, 6]),
            ("field", []),
            ("runs on", [1, 6]),
            ("runs -on", []),
            ("runs OR meadow", [1, 5, 6]),
        ]:
            hits = reader.search(query, plain=True).hits
            assert sorted(hit.id for hit in hits) == expected, query
            assert all(hit.proximity == 0 for hit in hits), query
            assert {i for i, _ in reader.best(query, plain=True)} == set(expected), query
        assert not reader.search("runs home on", plain=True).relaxed
        assert [hit.id for hit in reader.search("runs home on", plain=True).hits] == [6]
        assert [hit.id for hit in reader.search("runs zebra", plain=True).hits] == [1, 6]


def test_why_adds_up_to_the_score(tmp_path: Path) -> None:
    """What each word contributed in each field, and nearness, make up the score."""
    rng = random.Random(2)
    print("seed 2")
    words = ["sea", "seas", "sun", "sunset", "the", "dog", "dogs", "hot", "beach"]
    with search.Writer(tmp_path, UUID) as writer:
        for doc_id in range(1, 200):
            fields = [
                (rng.choice(["tags", "caption", "filename"]), " ".join(rng.choices(words, k=4)))
                for _ in range(3)
            ]
            writer.put(doc_id, fields)
        writer.put(200, [("tags", "sea"), ("tags", "dog")])
        writer.put(201, [("tags", "sea")])
        writer.set_neighbours("sea", [("ocean", 0.5)])
        writer.set_neighbours("dog", [("ocean", 0.4)])
        writer.commit(1)
    queries = ["sea", "hot dog", "sun the dogs", "ocean", '"hot dog" sea', "tag:sea sun OR dog"]
    with search.Reader(tmp_path) as reader:
        for query in queries:
            hits = reader.search(query, limit=300).hits
            assert len(hits) > 1, query
            for hit in hits:
                parts = sum(match.score for match in hit.matches) + hit.proximity
                assert parts == pytest.approx(hit.score, rel=1e-5), query


def test_neighbours_belong_to_whole_tags_and_can_be_taken_back(tmp_path: Path) -> None:
    """A tag of several words is one tag; parts of it, other fields and old neighbours are not."""
    with search.Writer(tmp_path, UUID) as writer:
        writer.set_neighbours("Hot Dog", [("sausage", 0.8)])  # before any document
        writer.put(1, [("tags", "hot-dog")])
        writer.put(2, [("tags", "hot"), ("tags", "dog")])
        writer.put(3, [("tags", "hot dog stand")])
        writer.put(4, [("caption", "hot dog")])
        writer.commit(1)
        assert found(tmp_path, "sausage") == [1]
        writer.set_neighbours("hot dog", [("frankfurter", 0.8)])
        writer.commit(2)
        assert found(tmp_path, "sausage") == []
        assert found(tmp_path, "frankfurter") == [1]
        writer.set_neighbours("hot dog", [])
        writer.set_neighbours("🐱", [("cat", 0.5)])  # no letter: passed over
        writer.commit(3)

        assert found(tmp_path, "frankfurter") == []
        assert writer.info.tags == 0


def test_phrases_stay_within_one_value(tmp_path: Path) -> None:
    """Quoted words must stand side by side, in this order, in one value."""
    with search.Writer(tmp_path, UUID) as writer:
        writer.put(1, [("caption", "the hot dog")])
        writer.put(2, [("tags", "hot"), ("tags", "dog")])
        writer.put(3, [("caption", "dog hot"), ("folder", "hot"), ("filename", "dog")])
        writer.commit(1)
        with search.Reader(tmp_path) as reader:
            (hit,) = reader.search('"Hot Dog"').hits

            assert (
                hit.id, hit.matches[0].via, hit.matches[0].query_word, hit.matches[0].word
            ) == (1, Via.PHRASE, "Hot Dog", "hot dog")  # fmt: skip
            assert {1, 2, 3} == set(ids(reader, "hot dog"))
            assert ids(reader, '"hot dog') == [1]  # never closed: quoted to the end


@pytest.mark.parametrize(
    ("query", "character", "reason"),
    [
        ('beach "hot dog', 7, "never closed"),
        ("é (beach", 3, "never closed"),
        ("beach) cat", 6, "nothing was opened"),
        ("beach OR )", 7, "nothing behind"),
        ("colour:red", 1, 'no field "colour"'),
        ("cat tag: dog", 5, "nothing behind its colon"),
        ("date:2019-13", 6, "no date"),
        ("date:2019..20211", 6, "no date"),
    ],
)
def test_strict_queries_are_refused_at_the_character(
    tmp_path: Path, query: str, character: int, reason: str
) -> None:
    """Strict mode names the character and the reason; else the same string is some query."""
    with search.Writer(tmp_path, UUID) as writer:
        writer.put(1, [("tags", "beach"), ("tags", "cat")])
        writer.commit(1)
    with search.Reader(tmp_path) as reader:
        with pytest.raises(search.SearchArgumentError, match=f"character {character}: .*{reason}"):
            reader.search(query, strict=True)
        reader.search(query)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("beech", [2, 1]),  # a typo finds the exact word's pictures
        ("bich", []),
        ("baech", [2, 1]),
        ("dogs", [1]),
        ("beach -dog", [2]),
        ("-beach", [3]),
        ("red OR beach dog", [1]),
        ("(red car) OR dog", [3, 1]),
        ("or", []),
        ("OR red", [3]),
        ("tag:(beach OR red)", [2, 1]),
        ("NAME:beach", [2]),
        ("bea*", [2, 1]),
        ("beech*", []),
        ("1970", []),
        ("1970..", [3, 2, 1]),
        ("beach ..1970-01-01", [1]),
        ("date:1971-02 beach", [2]),
        ("date:1971-02-30", []),
        ("-(1970..1970)", [3, 2]),
        ("-", []),
        ("(((", []),
        ("-()", []),
        ("(" * 300 + "dog" + ")" * 300, [1]),
    ],
)
def test_the_query_language(tmp_path: Path, query: str, expected: list[int]) -> None:
    """Each construct of QUERY.md finds what it says, the best first."""
    day = 86_400
    with search.Writer(tmp_path, UUID) as writer:
        writer.put(1, [("tags", "beach"), ("tags", "dog"), ("caption", "x y z")], order=5)
        writer.put(2, [("tags", "beach"), ("filename", "beach.jpg")], order=400 * day)
        writer.put(3, [("caption", "red car")], order=800 * day)
        writer.commit(1)

    assert found(tmp_path, query) == expected


def test_random_strings_are_queries(tmp_path: Path) -> None:
    """Strings of the language's signs never fail, whatever their order; strict ones say where."""
    rng = random.Random(5)
    print("seed 5")
    with search.Writer(tmp_path, UUID) as writer:
        writer.put(1, [("tags", "beach"), ("caption", "hot dog")])
        writer.commit(1)
    pieces = [
        '"',
        "(",
        ")",
        "-",
        "OR",
        " ",
        " ",
        ":",
        "*",
        "..",
        "tag:",
        "date:2",
        "beach",
        "2019",
        "é",
    ]
    with search.Reader(tmp_path) as reader:
        refused = 0
        for _ in range(3000):
            query = "".join(rng.choices(pieces, k=rng.randint(0, 12)))
            reader.search(query)
            try:
                reader.search(query, strict=True)
            except search.SearchArgumentError as error:
                refused += 1
                assert "character" in str(error), query
        assert 100 < refused < 2900


def test_all_words_relax_to_any(tmp_path: Path) -> None:
    """Where no document has every word, those with any are found, and it is said."""
    with search.Writer(tmp_path, UUID) as writer:
        writer.put(1, [("tags", "cat"), ("tags", "dog")])
        writer.put(2, [("tags", "cat")])
        writer.commit(1)
    with search.Reader(tmp_path) as reader:
        strict, relaxed = reader.search("dog cat"), reader.search("cat zebra")

        assert ([hit.id for hit in strict.hits], strict.relaxed) == ([1], False)
        assert (relaxed.total, relaxed.relaxed) == (2, True)
        assert (reader.search("zebra").total, reader.search("zebra").relaxed) == (0, False)
        assert reader.search(" ! ").total == 0


def test_what_is_cut_from_one_piece_stays_together(tmp_path: Path) -> None:
    """Where "all words" becomes "any", a name that no picture has is not all of its beginning.

    Of words with a hyphen between them any is enough, as of others.
    """
    with search.Writer(tmp_path, UUID) as writer:
        writer.put(1, [("filename", "IMG_2042.jpg"), ("tags", "beach")])
        writer.put(2, [("filename", "IMG_2043.jpg"), ("caption", "a blue t-shirt")])
        writer.put(3, [("filename", "scan2041.jpg"), ("caption", "東京の夜")])
        writer.commit(1)

    assert found(tmp_path, "IMG_2042") == [1]
    assert found(tmp_path, "IMG_2041") == []
    assert sorted(found(tmp_path, "IMG 2041")) == [1, 2, 3]
    assert found(tmp_path, "IMG_2041 beach") == [1]
    assert sorted(found(tmp_path, "t-shirt IMG_2042")) == [1, 2]
    assert found(tmp_path, "t-shirt zebra") == [2]
    assert found(tmp_path, "blue-green") == [2]
    assert found(tmp_path, "blue-2041") == []
    # What is written without spaces is no such piece.
    assert found(tmp_path, "東京都") == [3]


@pytest.mark.parametrize("seed", range(3))
def test_facets_and_names_are_those_of_a_count_by_hand(seed: int, tmp_path: Path) -> None:
    """Counts are exact over any history; names sort without case; pages join without a seam."""
    rng = random.Random(seed)
    print(f"seed {seed}")
    live: dict[int, tuple[list[tuple[str, str]], int]] = {}
    with search.Writer(tmp_path, UUID) as writer:
        for seq in range(1, 30):
            for _ in range(rng.choice([1, 5, 20])):
                doc_id = rng.randint(1, 150)
                if rng.random() < 0.2:
                    writer.remove(doc_id)
                    live.pop(doc_id, None)
                    continue
                fields = [("tags", rng.choice(["Sea", "sea", "Öl", "cat", ""])) for _ in range(3)]
                fields += [("camera", rng.choice(["Canon\0 EOS", "X100"]))] * rng.randint(0, 1)
                if rng.random() < 0.9:
                    fields += [("filename", rng.choice("aBcÄöZ") + f"_{rng.randint(1, 20)}.jpg")]
                fields += [("caption", rng.choice(["red", "red car"]))]
                live[doc_id] = (fields, rng.randint(-4, 4) * 200 * 86_400)
                writer.put(doc_id, fields, order=live[doc_id][1])
            writer.commit(seq)
            if seq == 20:
                writer.compact()
    search.check(tmp_path)
    found = {i: held for i, held in live.items() if ("caption", "red car") in held[0]}

    def counts(values: list[str]) -> dict[str, int]:
        return {value: values.count(value) for value in values}

    with search.Reader(tmp_path) as reader:
        facets = ["year", "tags", "camera", "lens"]
        results = reader.search("car", limit=0, facets=facets, facet_limit=9)
        expected = {
            "year": counts(
                [time.strftime("%Y", time.gmtime(order)) for _, order in found.values()]
            ),
            "tags": counts(
                [v for fields, _ in found.values() for v in {v for n, v in fields if n == "tags"}]
            ),
            "camera": counts(
                [v for fields, _ in found.values() for n, v in fields if n == "camera"]
            ),
            "lens": {},
        }
        assert len(found) == results.total > 10
        assert expected == {name: dict(held) for name, held in results.facets.items()}
        for held in results.facets.values():
            assert list(held) == sorted(held, key=lambda pair: (-pair[1], pair[0].encode()))
        (first,) = reader.search("car", facets=["tags"], facet_limit=1, explain=False).facets[
            "tags"
        ]
        assert first == results.facets["tags"][0]

        def key(doc_id: int) -> tuple[bool, str, str, int]:
            name = dict(live[doc_id][0]).get("filename", "")
            folded = name.lower().replace("ä", "a").replace("ö", "o")
            return not name, folded, name, doc_id

        by_name = [hit.id for hit in reader.search("car", limit=500, sort=Sort.NAME).hits]
        assert sorted(found, key=key) == by_name
        for sort in Sort:
            whole = reader.search("red", limit=500, sort=sort).hits
            pages = [
                hit
                for begin in range(0, len(whole), 7)
                for hit in reader.search("red", limit=7, skip=begin, sort=sort).hits
            ]
            assert list(whole) == pages
        with pytest.raises(search.SearchArgumentError, match='"caption" cannot be counted'):
            reader.search("car", facets=["caption"])


def test_ties_are_broken_by_order_then_id(tmp_path: Path) -> None:
    """Equal scores come by order, the higher first, then by id, the lower first."""
    with search.Writer(tmp_path, UUID) as writer:
        for doc_id, order in [(5, 1), (3, 1), (9, 7), (1, -7)]:
            writer.put(doc_id, [("tags", "cat")], order=order)
            writer.commit(writer.info.seq + 1)

    assert found(tmp_path, "cat") == [9, 3, 5, 1]
