"""What a site is given of an index, against what was put into it."""

import itertools
import math
import random
import struct

import pytest

from picturerail_native.search import Reader, SearchArgumentError, Writer, analyse, stem
from picturerail_native.site_terms import SiteTerms

from .site_bytes import Lean, Numbers
from .site_collection import BANDED, WHOLE

FIELDS = ("filename", "tags", "caption", "unused")
WORDS = ["sea", "seas", "sun", "sunny", "cat", "cats", "Straße", "北京天", "hot dog", "x1"]
UUID = bytes(range(16))


def opened(record, *, positions):
    """Return a record's documents as (id, uses, positions by field)."""
    numbers = Numbers(record.postings)
    count, first = numbers.next(), numbers.next()
    assert numbers.next() == 0, "nothing is told of others"
    classes = numbers.classes()
    ids, bits = numbers.ascending(count, first)
    assert struct.unpack(f"<{count}Q", record.ids) == tuple(ids)
    if next(iter(classes[0][0].values()))[1] == 0:
        lean = Lean(numbers.data[numbers.at + math.ceil(bits.at / 8) :])
        own = [uses for uses, _ in lean.classes(classes, count)]
        places = lean.places(own) if positions else [{} for _ in own]
        lean.coder.ended()
    else:
        chosen = [classes[bits.one_of(len(classes))] for _ in ids]
        own = [uses for uses, _ in chosen]
        places = []
        for uses, widths in chosen:
            assert positions or not any(widths)
            each = zip(uses.items(), widths, strict=True) if positions else ()
            places.append(
                {f: [bits.number(w) for _ in range(times)] for (f, (times, _)), w in each}
            )
        bits.ended()
    return list(zip(ids, own, places, strict=True))


def lengths_of(terms):
    """Return how many words each field of documents has, by id and field."""
    return {number: words for number, *words in terms.lengths(0, 1 << 63)}


def level_of(count):
    """Return what the directory says of so many documents."""
    if count < 8:
        return count - 1
    return 4 + math.floor(math.log2(count)) if count < 64 else math.floor(2 * math.log2(count)) - 2


def spelt_out(term, *, positions, whole=WHOLE, lengths=None):
    """Return a term's documents as {id: (uses, positions by field)}; checks what the entry says.

    Of more than `whole` documents the rest tells all, and `lengths` how long fields are.
    """
    entry = Numbers(term.entry)
    assert entry.next() == level_of(term.documents)
    bounds = [entry.uses() for _ in range(entry.next())]
    bounds_of_rest = None
    if entry.at < len(entry.data):
        bounds_of_rest = [entry.uses() for _ in range(entry.next())]
    entry.ended()
    found = {}
    in_bands = {}
    for record in term.records:
        in_bands[record.band] = in_bands.get(record.band, 0) + len(record.ids) // 8
    begins = dict(zip(in_bands, itertools.accumulate(in_bands.values(), initial=0), strict=False))
    rest = {band for band, before in begins.items() if before >= 400}
    assert bool(rest) == bool(bounds_of_rest)
    assert term.documents <= whole or len(rest) <= 1
    for record in term.records:
        here = opened(record, positions=positions)
        again = term.documents > whole and record.band in rest
        if again:
            assert not any(words for _, uses, _ in here for _, words in uses.values())
            here = [
                (n, {field: (times, lengths[n][field]) for field, (times, _) in uses.items()}, at)
                for n, uses, at in here
            ]
        for number, uses, places in here:
            if again and number in found:  # a rest of one band tells all documents
                assert found[number] == (uses, places)
                continue
            assert number not in found
            found[number] = uses, places
            # No document is worth more than what is promised, whatever the averages.
            for promised in (bounds, bounds_of_rest) if record.band in rest else (bounds,):
                assert any(
                    all(
                        field in most and most[field][0] >= times and most[field][1] <= words
                        for field, (times, words) in uses.items()
                    )
                    for most in promised
                )
        assert not again or in_bands[record.band] == term.documents
    assert len(found) == term.documents
    return found


def everything(terms, words, near):
    """Return all there is, by key."""
    keys = [*terms.keys()]
    keys += [f"{stem(word)}\0s".encode() for word in words]
    keys += [f"{word}\0n".encode() for word in near]
    return {key: term for key in sorted(set(keys)) if (term := terms.term(key)) is not None}


@pytest.mark.parametrize("seed", range(4))
def test_terms_are_what_was_put_in(seed, tmp_path):
    """After any changes each term has the living documents, and the same bytes as made anew."""
    print(f"seed {seed}")
    rng = random.Random(seed)
    near = {"sea": [("ocean", 0.7)], "hot dog": [("sausage", 0.5), ("ocean", 0.2)]}
    living = {}
    with Writer(tmp_path / "index", UUID) as writer:
        for tag, words in near.items():
            writer.set_neighbours(tag, words)
        for step in range(1, 8):
            for _ in range(rng.choice([5, 200])):
                number = rng.randrange(1, 400)
                if rng.random() < 0.2:
                    writer.remove(number)
                    living.pop(number, None)
                    continue
                fields = [("filename", f"{rng.choice(WORDS)}_{number}.jpg")]
                fields += [("tags", tag) for tag in rng.sample(WORDS, rng.randrange(3))]
                fields.append(("caption", " ".join(rng.choices(WORDS, k=rng.randrange(9)))))
                rng.shuffle(fields)
                writer.put(number, fields)
                living[number] = fields
            writer.commit(step)
    with Writer(tmp_path / "anew", UUID) as writer:
        for tag, words in near.items():
            writer.set_neighbours(tag, words)
        for number, fields in living.items():
            writer.put(number, fields)
        writer.commit(1)

    with Reader(tmp_path / "index") as reader, Reader(tmp_path / "anew") as other:
        terms = SiteTerms(reader, FIELDS, BANDED)
        keys = [*terms.keys()]
        words = {key[:-2].decode() for key in keys if key.endswith(b"w")}
        all_terms = everything(terms, words, ("ocean", "sausage", "nothing"))
        anew = SiteTerms(other, FIELDS, BANDED)
        assert everything(anew, words, ("ocean", "sausage", "nothing")) == all_terms
        assert terms.statistics() == anew.statistics()

        told = lengths_of(terms)
        assert told == lengths_of(anew)
        some = list(terms.lengths(100, 250))
        assert some == [(n, *told[n]) for n in sorted(told) if 100 <= n < 250]
        assert len(some) > 20

    expected = {}
    lengths = dict.fromkeys(FIELDS, 0)
    for number, fields in living.items():
        following = {}
        counts = {}
        for name, value in fields:
            tokens = analyse(value)
            for token in tokens:
                place = following.get(name, 0) + token.position
                of_term = expected.setdefault(token.term, {}).setdefault(number, {})
                of_term.setdefault(FIELDS.index(name), []).append(place)
            counts[name] = counts.get(name, 0) + len(tokens)
            end = tokens[-1].position + 1 if tokens else 0
            following[name] = following.get(name, 0) + end + 16
        for name, count in counts.items():
            lengths[name] += count
        assert told.pop(number) == [counts.get(name, 0) for name in FIELDS]
    assert not told
    for term, documents in expected.items():
        found = spelt_out(all_terms[f"{term}\0w".encode()], positions=True)
        assert {number: places for number, (_, places) in found.items()} == documents
    assert {key for key in all_terms if key.endswith(b"w")} == {
        f"{term}\0w".encode() for term in expected
    }
    number, fields = terms.statistics()
    assert number == len(living)
    assert {name: words for name, (words, _) in fields.items()} == lengths

    entry = Numbers(all_terms[b"sea\0s"].entry)
    bearing = set(expected["sea"]) | set(expected["seas"])
    assert all_terms[b"sea\0s"].documents == len(bearing)
    assert [entry.text() for _ in range(entry.next())] == ["sea", "seas"]
    entry = Numbers(all_terms[b"ocean\0n"].entry)
    tags = [
        (entry.text(), entry.text(), *struct.unpack("<f", entry.take(4)))
        for _ in range(entry.next())
    ]
    assert [(tag, text) for tag, text, _ in tags] == [("sea", ""), ("hot dog", "")]
    assert [similarity for *_, similarity in tags] == pytest.approx([0.7, 0.2])
    tagged = {number for number, fields in living.items() if ("tags", "hot dog") in fields}
    assert tagged == spelt_out(all_terms[b"hot dog\0t"], positions=False).keys()


def test_many_terms_are_told_as_one_by_one(tmp_path):
    """However much they come to, and in any order, each key is told with what is under it."""
    rng = random.Random(6)
    expected = set()
    with Writer(tmp_path / "index", UUID) as writer:
        for number in range(1, 30001):
            fields = [
                ("caption", f"sea sun w{number % 700} q{number}"),
                ("tags", rng.choice(WORDS)),
            ]
            writer.put(number, fields)
            caption, tag = (analyse(value) for _, value in fields)
            expected |= {f"{token.term}\0w" for token in (*caption, *tag)}
            expected.add(" ".join(token.term for token in tag if not token.tail) + "\0t")
            if number % 8000 == 0:
                writer.commit(number)  # into a segment each
        writer.commit(30001)
    with Reader(tmp_path / "index") as reader:
        terms = SiteTerms(reader, FIELDS, BANDED)
        every = list(terms.keys())
        assert every == sorted(key.encode() for key in expected)
        keys = [key for key in every if not key.startswith(b"q") or rng.random() < 0.05]
        assert len(keys) > 2000
        size = sum(len(record.ids) for key in keys for record in terms.term(key).records)
        assert size > 1 << 20  # some answers are full before they have all that they are asked for
        keys += [b"sea\0w", b"nothing\0w", b"sea\0s", b"nothing\0n", b"sea\0w"]
        rng.shuffle(keys)

        told = list(terms.terms(iter(keys)))

        assert [key for key, _ in told] == keys
        for key, term in told:
            assert term == terms.term(key), key
            assert (term is None) == key.startswith(b"nothing")
        assert list(terms.terms([])) == []
        with pytest.raises(SearchArgumentError):
            list(terms.terms([b"sea\0w", b"sea", b"sun\0w"]))


def test_bands_fall_in_worth(tmp_path):
    """Of many documents those in fewer words come first, in bands that grow."""
    whole = _bands(tmp_path / "whole", 8000, BANDED)
    assert len(whole) > 7
    assert max(map(len, whole)) < 8000 / 2
    for count, banded in ((9001, BANDED), (3000, (9000, 1200))):
        *bands, rest = _bands(tmp_path / str(count), count, banded)
        assert sum(map(len, bands)) >= 400 > sum(map(len, bands[:-1]))
        assert len(rest) == count


def test_of_few_documents_all_are_one_band(tmp_path):
    """A shorter list is read as a whole."""
    assert [len(band) for band in _bands(tmp_path, 3499, BANDED)] == [3499]
    assert len(_bands(tmp_path / "longer", 3500, BANDED)) > 4


def _bands(folder, count, banded):
    """Return how many words beside one the documents of each of its bands have.

    Of more than the second of `banded` the last one has all.
    """
    with Writer(folder, UUID) as writer:
        for number in range(1, count + 1):
            writer.put(number, [("caption", "sea " + "x " * (number % 40))])
        writer.commit(1)
    with Reader(folder) as reader:
        terms = SiteTerms(reader, FIELDS, banded)
        term = terms.term(b"sea\0w")
        spelt_out(term, positions=True, whole=banded[1], lengths=lengths_of(terms))
    bands = {}
    for record in term.records:
        ids = struct.unpack(f"<{len(record.ids) // 8}Q", record.ids)
        bands.setdefault(record.band, []).extend(number % 40 for number in ids)
        assert len(ids) <= 3072
    assert len(bands) in (1, *range(3, 20))
    assert len(term.records) > len(bands)
    for band in range(1, len(bands) - (count > banded[1])):
        assert max(bands[band - 1]) < min(bands[band])
    return list(bands.values())


def test_ids_may_lie_anywhere(tmp_path):
    """Neighbouring ids, and such as are as far apart as a browser can count, come back."""
    ids = [1, 2, 3, 500, 2**31, 2**32 + 1, 2**53 - 2, 2**53 - 1]
    with Writer(tmp_path / "index", UUID) as writer:
        for number in ids:
            writer.put(number, [("caption", "sea")])
        writer.commit(1)
    with Reader(tmp_path / "index") as reader:
        term = SiteTerms(reader, FIELDS, BANDED).term(b"sea\0w")
    assert sorted(spelt_out(term, positions=True)) == ids
    assert sum(len(record.postings) for record in term.records) < 100


def test_mistakes_are_named(tmp_path):
    """A field that is not told, and a key that is none, are refused."""
    with Writer(tmp_path / "index", UUID) as writer:
        writer.put(1, [("caption", "sea")])
        writer.commit(1)
    with Reader(tmp_path / "index") as reader:
        with pytest.raises(SearchArgumentError, match="caption"):
            SiteTerms(reader, ("filename",), BANDED)
        terms = SiteTerms(reader, FIELDS, BANDED)
        for key in (b"", b"sea", b"sea\0", b"sea\0q", b"sea\0ww"):
            with pytest.raises(SearchArgumentError):
                terms.term(key)
        assert terms.term(b"nothing\0w") is None
