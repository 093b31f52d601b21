"""The best documents of several stems, as a site is given them, against a brute force."""

import itertools
import random
import struct

import pytest

from picturerail_native.fields import FIELD_WEIGHTS
from picturerail_native.search import Reader, SearchArgumentError, Writer, analyse, stem
from picturerail_native.site_terms import SiteTerms

from .site_bytes import Numbers
from .site_collection import BANDED, FIELDS, UUID, WORDS, Collection

LENGTHS = [0, 4, 12, 0]
TOLD = {b"b": 48, b"f": 40, b"o": 40, b"r": 40}
SHOWN_OF_TWO = {b"b": 48, b"f": 24, b"o": 24, b"r": 24}
SHOWN_OF_THREE = 32


def spelt_out(one, count):
    """Return a record's documents and what bounds the others, as {id: (uses, near)} and a list.

    Uses are, by stem, {(word, field): (times, words)}; near is by pair of stems.
    """
    numbers = Numbers(one.record)
    told, others = numbers.next(), numbers.next()
    kinds = []
    for _ in range(count):
        words = [numbers.text() for _ in range(numbers.next())]
        assert words == sorted(words, key=str.encode)
        kinds.append([])
        for _ in range(numbers.next()):
            uses = [[numbers.next() for _ in range(4)] for _ in range(numbers.next())]
            kinds[-1].append({(words[word], field): (times, of) for word, field, times, of in uses})
        assert {word for uses in kinds[-1] for word, _ in uses} == set(words)
    ids, bits = numbers.ascending(told, numbers.next())
    shown = [number for number in ids if bits.number(1)]
    assert struct.unpack(f"<{len(shown)}Q", one.shown) == tuple(shown)

    def kind():
        uses = [of[bits.one_of(len(of))] for of in kinds]
        return uses, [bits.one_of(5) for _ in itertools.combinations(range(count), 2)]

    documents = {number: kind() for number in ids}
    bounds = [kind() for _ in range(others)]
    bits.ended()
    return documents, bounds, set(shown)


def worth(uses):
    """Return what a stem is worth to a document, in 1,024ths."""
    most = 0
    for word in {word for word, _ in uses}:
        weight = sum(
            FIELD_WEIGHTS.get(FIELDS[field], 1)
            * times
            / (0.25 + 0.75 * words / 2 ** (LENGTHS[field] / 4))
            for (each, field), (times, words) in uses.items()
            if each == word
        )
        most = max(most, weight)
    return round(1024 * (0.25 + 3 * most / (2 + most)))


def values(found, weights):
    """Return what a document is worth, by which of three words stands between the others."""
    uses, near = found
    sum_of = sum(weight * worth(of) for weight, of in zip(weights, uses, strict=True))
    pairs = [
        round(1024 * 0.6 * min(both) / (5 - each)) if each else 0
        for both, each in zip(itertools.combinations(weights, 2), near, strict=True)
    ]
    return [sum_of + sum(pairs) - (less if len(pairs) > 1 else 0) for less in reversed(pairs)]


def covers(bound, found):
    """Tell whether a document can be worth no more than a bound."""
    return all(near <= most for near, most in zip(found[1], bound[1], strict=True)) and all(
        key in most and most[key][0] >= times and most[key][1] <= words
        for of, most in zip(found[0], bound[0], strict=True)
        for key, (times, words) in of.items()
    )


@pytest.mark.parametrize("seed", range(3))
def test_the_best_are_told_and_the_others_bounded(seed, tmp_path):
    """After any changes: of each combination the best in each order, and bounds of all others."""
    print(f"seed {seed}")
    rng = random.Random(seed)
    collection = Collection()
    with Writer(tmp_path / "index", UUID) as writer:
        for step in range(1, 5):
            for _ in range(250):
                number = rng.randrange(1, 700)
                if rng.random() < 0.1:
                    collection.remove(writer, number)
                    continue
                fields = [("filename", f"{rng.choice(WORDS)}_{number}.jpg")]
                fields += [("tags", tag) for tag in rng.sample(WORDS, rng.randrange(2))]
                words = rng.choices([*WORDS, "and", "of"], k=rng.randrange(2, 24))
                fields.append(("caption", " ".join(words)))
                collection.put(writer, number, fields)
            writer.commit(step)
    stems = sorted({stem(token.term) for word in WORDS for token in analyse(word)}, key=str.encode)
    weights = {each: rng.randrange(1, 60) for each in stems}
    asked = [each for count in (2, 3) for each in itertools.combinations(stems, count)]

    with Reader(tmp_path / "index") as reader:
        told = list(
            SiteTerms(reader, FIELDS, BANDED).together(
                weights, LENGTHS, rng.sample(asked, len(asked))
            )
        )
        some = list(SiteTerms(reader, FIELDS, BANDED).together(weights, LENGTHS, asked[::7]))

    keys = {}
    for each in asked:
        key = "\1".join(each).encode() + b"\0"
        keys[key + b"b"] = each, collection.having(each)
        if len(each) == 2:
            both = keys[key + b"b"][1]
            keys[key + b"o"] = each, {number: (uses, [0]) for number, (uses, _) in both.items()}
            for kind, (before, after) in ((b"f", each), (b"r", each[::-1])):
                there = collection.next_to(before, after)
                keys[key + kind] = each, {number: both[number] for number in both.keys() & there}
    assert [one.key for one in told] == sorted(one.key for one in told)
    assert {one.key for one in told} == {key for key, (_, having) in keys.items() if having}
    by_key = {one.key: one for one in told}
    assert some == [by_key[one.key] for one in some]
    assert len(some) >= len(told) // 8
    bounded = 0
    for one in told:
        members, having = keys[one.key]
        documents, bounds, shown = spelt_out(one, len(members))
        assert {number: having[number] for number in documents} == documents
        valued = {
            number: values(found, [weights[each] for each in members])
            for number, found in having.items()
        }
        orders = 3 if len(members) == 3 else 1
        best = [
            sorted(having, key=lambda number: (-valued[number][order], number))[: TOLD[one.kind]]
            for order in range(orders)
        ]
        assert set().union(*best) == documents.keys()
        most = SHOWN_OF_THREE if orders == 3 else SHOWN_OF_TWO[one.kind]
        assert shown == set().union(*(of[:most] for of in best))
        for number in having.keys() - documents.keys():
            assert any(covers(bound, having[number]) for bound in bounds), (members, number)
            bounded += 1
        assert bool(bounds) == (len(having) > len(documents))
        # Joined, they bound no worse than the best that is left out.
        left = [valued[number] for number in having.keys() - documents.keys()]
        for bound in bounds:
            for order, value in enumerate(values(bound, [weights[each] for each in members])):
                assert value <= max(of[order] for of in left)
    assert bounded > 1000


def test_what_cannot_be_told_is_refused(tmp_path):
    """Stems that do not ascend, combinations of one or four, and fields without a length."""
    with Writer(tmp_path / "index", UUID) as writer:
        writer.put(1, [("caption", "sea sun")])
        writer.commit(1)
    with Reader(tmp_path / "index") as reader:
        terms = SiteTerms(reader, FIELDS, BANDED)
        weights = {"sea": 1, "sun": 1, "sky": 1}
        told = [*terms.together(weights, LENGTHS, [("sun", "sea")])]
        assert [one.key for one in told] == [b"sea\x01sun\0" + kind for kind in (b"b", b"f", b"o")]
        assert told[0].record == told[1].record != told[2].record
        assert list(terms.together(weights, LENGTHS, [("sky", "sea")])) == []
        assert list(terms.together(weights, LENGTHS, [])) == []
        for lengths, each in (
            ([1], ("sea", "sun")),
            (LENGTHS, ("sea",)),
            (LENGTHS, ("sea", "sea")),
        ):
            with pytest.raises(SearchArgumentError):
                list(terms.together(weights, lengths, [each]))


def test_as_many_are_bounded_as_there_are(tmp_path):
    """However different documents are, there are few bounds, and they hold."""
    rng = random.Random(5)
    collection = Collection()
    with Writer(tmp_path / "index", UUID) as writer:
        for number in range(1, 1500):
            words = []
            for word in ("sea", "cat", "sunny"):
                words += [word] * rng.randrange(1, 9)
            words += ["x"] * rng.randrange(90)
            rng.shuffle(words)
            collection.put(
                writer, number, [("caption", " ".join(words)), ("tags", " ".join(words[:3]))]
            )
        writer.commit(1)
    members = tuple(sorted(stem(word) for word in ("sea", "cat", "sunny")))
    with Reader(tmp_path / "index") as reader:
        (one,) = SiteTerms(reader, FIELDS, BANDED).together(
            dict.fromkeys(members, 9), LENGTHS, [members]
        )
    documents, bounds, _ = spelt_out(one, 3)
    having = collection.having(members)
    assert 20 < len(bounds) <= 120
    assert len(having) == 1499
    for number in having.keys() - documents.keys():
        assert any(covers(bound, having[number]) for bound in bounds)
