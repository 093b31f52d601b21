"""What narrows a search in the browser, and what completes its words, against the engine."""

import random

import pytest

from picturerail_exporter.collection import order_of
from picturerail_native.fields import searched_fields
from picturerail_native.search import Reader, Writer

from .helpers import plain

FACETS = {"year": "year", "folder": "folder", "tag": "tags", "camera": "camera"}
WORDS = ["sea", "sun", "cat", "beach", "harbour"]
TAGS = ["hot dog", "Hot Dog", "sea", "Ärger", "beach", "beach house", "bay"]


@pytest.fixture
def many(source, publish, tmp_path):
    """Some hundred pictures on a site, and the engine's index of the same."""
    print("seed 21")
    rng = random.Random(21)
    for number in range(300):
        source.add(
            rng.choice(["", "Lisbon/", "Lisbon/Old town/", "Oslo & more/"]) + f"{number}.jpg",
            plain((1, 2, number % 250)),
            number=max(source.rows, default=0) + rng.randrange(1, 90),
            tags=tuple(rng.sample(TAGS, rng.randrange(4))),
            caption=" ".join(rng.choices(WORDS, k=rng.randrange(4))),
            taken=rng.choice([None, "2019-12-31T23:59:59", "2020-01-01T00:00:00", "1969-05-01"]),
            camera=rng.choice(["", "Canon EOS", "Canon"]),
        )
    with Writer(tmp_path / "index", source.uuid) as writer:
        for row in source.images():
            fields = searched_fields(row.path, row.metadata, root_name="Pictures")
            writer.put(row.id, fields, order=order_of(row, row.metadata))
        writer.commit(source.seq)
    publish()
    with Reader(tmp_path / "index") as reader:
        yield reader


def engine_facets(reader, query):
    """Return how often which values come among a query's hits, as the engine counts them."""
    found = reader.search(query, limit=0, explain=False, facets=tuple(FACETS.values()))
    return {name: [list(pair) for pair in found.facets[field]] for name, field in FACETS.items()}


def test_counts_are_the_engines(node, many, options):
    """Years, folders, tags and cameras of a search's pictures are counted as the engine does."""
    queries = [
        *WORDS,
        "sea OR cat",
        "beach -sun",
        "tag:sea",
        "sun 2019..2020",
        "nowhere",
        "hot dog",
    ]

    answers = node(options.path, [["facets", query] for query in queries])["answers"]

    for query, answer in zip(queries, answers, strict=True):
        assert answer == engine_facets(many, query), query


def test_filters_keep_what_has_all_values(node, many, source, options):
    """A count is what is left when one narrows by it; several values must all be there."""
    (counts,) = node(options.path, [["facets", "sea"]])["answers"]
    narrowed = [(facet, value, count) for facet in FACETS for value, count in counts[facet]]
    tasks = [
        ["search", "sea", {"filters": [{"facet": facet, "value": value}]}]
        for facet, value, _ in narrowed
    ]
    both = [{"facet": "tag", "value": "hot dog"}, {"facet": "folder", "value": "Lisbon"}]
    tasks += [["search", "sea", {"filters": both}], ["search", "", {"filters": both}]]

    *answers, of_both, alone = node(options.path, tasks)["answers"]

    assert len(narrowed) > 12
    assert [answer["total"] for answer in answers] == [count for *_, count in narrowed]
    best = [hit.id for hit in many.search("sea", limit=1000).hits]
    wanted = {
        row.id
        for row in source.images()
        if "hot dog" in {tag.name for tag in row.metadata.tags} and b"Lisbon/" in row.path
    }
    assert [hit["id"] for hit in of_both["hits"]] == [each for each in best if each in wanted]
    assert {hit["id"] for hit in alone["hits"]} == wanted
    newest = sorted(wanted, key=lambda number: (-order(source, number), number))
    assert [hit["id"] for hit in alone["hits"]] == newest


def order(source, number):
    """Return a picture's place in time."""
    row = source.rows[number]
    return order_of(row, row.metadata)


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("be", ["beach", 'tag:"beach house"']),
        ("sun bea", ["sun beach", 'sun tag:"beach house"']),
        ("tag:bea", ["tag:beach"]),
        ("-HAR", ["-harbour"]),
        ("hot", ['tag:"hot dog"']),
        ("beach", ['tag:"beach house"']),
        ("är", ["Ärger"]),
        ("", []),
        ('"', []),
        ("sun ", []),
        ("zzz", []),
    ],
)
def test_words_are_completed(typed, offered, node, many, options):
    """The last word is completed by the site's words and tags, those of most pictures first."""
    (found,) = node(options.path, [["complete", typed]])["answers"]

    assert [each["query"] for each in found] == offered
    for each in found:
        if ":" not in each["query"]:
            total = many.search(f'"{each["shown"]}"').total
            assert each["documents"] <= total <= each["documents"] * 2**0.5
            assert each["documents"] == total or not each["exact"]
