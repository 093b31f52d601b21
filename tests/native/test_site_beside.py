"""What records tell of frequent stems beside a term, against a brute force."""

import math
import random

import pytest

from picturerail_native.search import Reader, SearchArgumentError, Writer, stem
from picturerail_native.site_terms import SiteTerms

from .site_bytes import NEARER, Lean, Numbers, Range, likely_of
from .site_collection import (
    BANDED,
    FIELDS,
    UUID,
    WHOLE,
    WORDS,
    Collection,
    follows,
    nearness,
)

APART = 1
HERE = 2
TIMES = 4
AT_FIRST = {
    "there": [10],
    "another": [15],
    "word": [14],
    "field": [14],
    "beyond": [12, 12, 12, 12],
    "near": NEARER,
    "ahead": [8],
    "both": [15],
}


def told(record, stems, *, positions):
    """Return what a record tells, as {id: [(uses, nearness), by stem]}; None where nothing.

    Uses are {(word, field): (times, words of the field)}.
    """
    numbers = Numbers(record.postings)
    count, first, others = (numbers.next() for _ in range(3))
    assert (others == APART) == bool(record.beside)
    if not others:
        assert not record.beside
        return None
    words = [[first_word] for _, first_word in stems]
    for _ in range(others - 2):
        of = words[numbers.next()]
        of.append(numbers.text())
    classes = numbers.classes()
    ids, bits = numbers.ascending(count, first)
    own = [classes[bits.one_of(len(classes))] for _ in ids]
    for uses, widths in own if positions else ():
        for (times, _), width in zip(uses.values(), widths, strict=True):
            bits.number(times * width)
    likely = [likely_of(**AT_FIRST) for _ in stems]
    if record.beside:
        bits.ended()
        apart = Numbers(record.beside)
        by_stem = [
            told_apart(Numbers(apart.take(apart.next())), of, [uses for uses, _ in own], here)
            for of, here in zip(likely, words, strict=True)
        ]
        assert apart.at == len(apart.data)
        found = dict(zip(ids, zip(*by_stem, strict=True), strict=True))
    else:
        coder = Range(numbers.data[numbers.at + math.ceil(bits.at / 8) :])
        found = {
            number: [
                document(coder, of, uses, here) for of, here in zip(likely, words, strict=True)
            ]
            for number, (uses, _) in zip(ids, own, strict=True)
        }
        coder.ended()
    assert all(of == sorted(of, key=str.encode) for of in words)
    return found


def told_apart(numbers, likely, own, words):
    """Return what is told of one stem apart, by document; `words` begins with its first one."""
    words.extend(numbers.text() for _ in range(numbers.next()))
    coder = Range(numbers.data[numbers.at :])
    found = [document(coder, likely, uses, words) for uses in own]
    coder.ended()
    return found


def document(coder, likely, own, words):
    """Return the uses of a stem in a document, how near, and 1 where behind, 2 where before."""
    uses = {}
    if not coder.bit(likely, ("there", 0)):
        return uses, 0, 0
    while True:
        others = len(words) - 1
        word = 1 + coder.one_of(others) if others and coder.bit(likely, ("word", 0)) else 0
        if coder.bit(likely, ("field", 0)):
            field, length = coder.one_of(len(FIELDS)), coder.number()
        else:
            field = list(own)[coder.one_of(len(own)) if len(own) > 1 else 0]
            length = own[field][1]
        times = 1
        while coder.bit(likely, ("beyond", min(times, TIMES) - 1)):
            times += 1
        uses[words[word], field] = times, length
        if not coder.bit(likely, ("another", 0)):
            break
    near = coder.several(likely, [("near", at) for at in range(4)], 5)
    if near < 4:
        return uses, near, 0
    ahead = coder.bit(likely, ("ahead", 0))
    return uses, near, (1 + 2 * coder.bit(likely, ("both", 0))) if ahead else 2


@pytest.mark.parametrize("seed", range(4))
def test_records_tell_what_documents_have(seed, tmp_path):
    """Of each term and stem: which words, in which fields, how often and how near."""
    print(f"seed {seed}")
    rng = random.Random(seed)
    collection = Collection()
    with Writer(tmp_path / "index", UUID) as writer:
        for step in range(1, 5):
            for _ in range(rng.choice([20, 500])):
                number = rng.choice([rng.randrange(1, 900), rng.randrange(1, 2**40)])
                if rng.random() < 0.1:
                    collection.remove(writer, number)
                    continue
                fields = [("filename", f"{rng.choice(WORDS)}_{number % 7}.jpg")]
                fields += [("tags", tag) for tag in rng.sample(WORDS, rng.randrange(4))]
                words = rng.choices(WORDS, k=rng.randrange(1, rng.choice([4, 12, 60])))
                collection.put(writer, number, [*fields, ("caption", " ".join(words))])
            writer.commit(step)
    stems = [("cat", "cat"), ("run", "run"), ("sea", "sea"), ("sunni", "sunny")]
    counts = [sum(word in words for words in collection.words.values()) for word in WORDS]
    whole, most = sorted(counts)[len(counts) // 4], sorted(counts)[len(counts) // 2]

    with Reader(tmp_path / "index") as reader:
        terms = SiteTerms(reader, FIELDS, BANDED)
        terms.set_beside([each for each, _ in stems], whole, most, 0)
        found = {key: terms.term(key) for key in [*terms.keys()]}

    some = {False: 0, True: 0}
    for key, term in found.items():
        text, kind = key[:-2].decode(), key[-1:]
        having = {}
        for record in term.records:
            here = told(record, stems, positions=kind == b"w")
            if term.documents > most or text.isdigit():
                assert here is None, key
                continue
            apart = term.documents > whole
            assert bool(record.beside) == apart, key
            having |= here
        for number, of_stems in having.items():
            for (name, _), (uses, near, sides) in zip(stems, of_stems, strict=True):
                assert uses == collection.uses[number].get(name, {}), (key, number)
                places = collection.words[number].get(text, []) if kind == b"w" else []
                assert near == nearness(places, collection.places[number].get(name, [])), key
                others = collection.places[number].get(name, [])
                assert sides == follows(places, others) + 2 * follows(others, places), key
                some[apart] += near > 0
    assert all(some.values())


def near_in_rest(record, stems):
    """Return how near a lean record's documents are to each stem; None where it does not tell."""
    numbers = Numbers(record.postings)
    count, first, tells = (numbers.next() for _ in range(3))
    classes = numbers.classes()
    ids, bits = numbers.ascending(count, first)
    lean = Lean(numbers.data[numbers.at + math.ceil(bits.at / 8) :])
    own = [uses for uses, _ in lean.classes(classes, count)]
    lean.places(own)
    found = lean.nearness(count, len(stems)) if tells else None
    lean.coder.ended()
    assert tells in (0, HERE)
    return None if found is None else dict(zip(ids, found, strict=True))


def test_long_lists_tell_how_near_they_are_to_stems(tmp_path):
    """Of words with many documents, but not too many, of other stems, that say something."""
    rng = random.Random(7)
    shares = {"sea": 0.7, "running": 0.5, "cat": 0.9, "pier": 0.4, "boat": 0.5, "the": 0.5}
    collection = Collection()
    with Writer(tmp_path / "index", UUID) as writer:
        for number in rng.sample(range(1, 9000), 3000):
            words = [each for each, share in shares.items() for _ in "12" if rng.random() < share]
            words += ["x"] * rng.randrange(12)
            rng.shuffle(words)
            tags = [("tags", "pier")] * (rng.random() < 0.1)
            collection.put(writer, number, [("caption", " ".join(words)), *tags])
        writer.commit(1)
    stems = ["run", "sea"]
    counts = {word: sum(word in words for words in collection.words.values()) for word in shares}
    assert counts["pier"] < counts["boat"] < counts["cat"]

    with Reader(tmp_path / "index") as reader:
        terms = SiteTerms(reader, FIELDS, (150, 400))
        terms.set_beside(stems, 400, 400, counts["boat"])
        found = {word: terms.term(f"{word}\0w".encode()).records for word in shares}

    for word, records in found.items():
        rest = max(record.band for record in records)
        nearness_of = [near_in_rest(record, stems) for record in records if record.band == rest]
        assert len(nearness_of) > 1, word
        if word not in ("pier", "boat"):
            assert not any(nearness_of), word
            continue
        told = {number: near for of in nearness_of for number, near in of.items()}
        assert told == {
            number: [nearness(places[word], collection.places[number].get(s, [])) for s in stems]
            for number, places in collection.words.items()
            if word in places
        }
        assert {near for of in told.values() for near in of} == set(range(5))


def test_where_stems_are_near_each_other(tmp_path):
    """All documents that have words of two stems near each other, and how near."""
    rng = random.Random(5)
    collection = Collection()
    with Writer(tmp_path / "index", UUID) as writer:
        for number in rng.sample(range(1, 5000), 700):
            words = rng.choices([*WORDS, "sky", "tree", "of"], k=rng.randrange(30))
            collection.put(writer, number, [("caption", " ".join(words)), ("tags", "sea")])
        collection.put(writer, 5000, [("caption", "alone")])
        writer.commit(1)
    pairs = [("run", "sea"), ("cat", "sea"), ("alon", "sea"), ("cat", "run")]

    with Reader(tmp_path / "index") as reader:
        parts = list(SiteTerms(reader, FIELDS, BANDED).near(pairs))

    assert max(map(len, parts)) == 1
    for pair, records in zip(pairs, parts, strict=True):
        expected = {
            number: near
            for number, uses in collection.uses.items()
            if all(each in uses for each in pair) and (near := collection.near(number, *pair))
        }
        found = [each for record in records for each in near_of(record)]
        assert found == sorted(expected.items()), pair
    assert not parts[2]
    assert len(parts[0][0]) > 50


def test_many_that_are_near_are_told_in_parts(tmp_path):
    """One more document changes one part, or divides it."""
    found = []
    for last in (30_000, 30_001):
        with Writer(tmp_path / str(last), UUID) as writer:
            for number in range(1, last + 1):
                writer.put(number, [("caption", "sea boat")])
            writer.commit(1)
        with Reader(tmp_path / str(last)) as reader:
            (records,) = SiteTerms(reader, FIELDS, BANDED).near([("boat", "sea")])
        assert [number for record in records for number, _ in near_of(record)] == [
            *range(1, last + 1)
        ]
        assert 2 < len(records) < 9
        found.append(records)
    assert found[0][:-1] == found[1][: len(found[0]) - 1]


def near_of(record):
    """Return the documents of a record, and how near the stems are in each."""
    numbers = Numbers(record)
    ids, bits = numbers.ascending(numbers.next(), numbers.next())
    found = [(number, 4 - bits.one_of(4)) for number in ids]
    bits.ended()
    return found


def test_frequent_words(tmp_path):
    """Living documents are counted, over all segments, of words that say something to some more."""
    counts = {"boat": 0, "gull": 0, "sea": 0}
    with Writer(tmp_path / "index", UUID) as writer:
        for step in range(4):
            for number in range(900 * step + 1, 900 * step + 901):
                words = [word for at, word in enumerate(counts) if number % 4 >= 2 - at]
                text = " ".join(words) + " the" * (1 + number % 40)
                writer.put(number, [("caption", text), ("tags", "sea"), ("filename", "canon")])
                for word in words if number > 30 else ():
                    counts[word] += 1
            writer.commit(step + 1)
        for number in range(1, 31):
            writer.remove(number)
        writer.commit(9)
    assert counts["sea"] == 3570
    with Reader(tmp_path / "index") as reader:
        terms = SiteTerms(reader, FIELDS, (0, WHOLE))
        assert terms.frequent(900, 4000) == counts
        assert terms.frequent(counts["boat"], 3570) == {
            word: counts[word] for word in ("gull", "sea")
        }
        assert terms.frequent(900, 3569) == {word: counts[word] for word in ("boat", "gull")}
        assert terms.frequent(3570, 4000) == {}


def test_mistakes_are_named(tmp_path):
    """A stem that no document has is refused, and a pair of one that is not there."""
    with Writer(tmp_path / "index", UUID) as writer:
        writer.put(1, [("caption", "sea")])
        writer.commit(1)
    with Reader(tmp_path / "index") as reader:
        terms = SiteTerms(reader, FIELDS, BANDED)
        with pytest.raises(SearchArgumentError, match="no words"):
            terms.set_beside(["boat"], 10, 10, 0)
        with pytest.raises(SearchArgumentError, match="no words"):
            list(terms.near([("boat", "sea")]))
        terms.set_beside([stem("seas")], 10, 10, 0)
        assert terms.term(b"sea\0w") is not None
        terms.set_beside([], 0, 0, 0)
        assert told(terms.term(b"sea\0w").records[0], [], positions=True) is None
