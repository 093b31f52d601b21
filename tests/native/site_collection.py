"""Documents that are put into an index, and what is in them: what a site is given must say so."""

import itertools

from picturerail_native.search import analyse, stem

FIELDS = ("filename", "tags", "caption", "unused")
WORDS = ["sea", "seas", "sunny", "cat", "cats", "Straße", "北京", "running", "run", "x1"]
UUID = bytes(range(16))
GAP = 16
WHOLE = 8192
"""Of terms with more documents the rest is one band."""
BANDED = (3500, WHOLE)
"""Terms with fewer documents than the first are one band."""


class Collection:
    """Documents as they were put in, and where each word stands."""

    def __init__(self):
        """Begin with none."""
        self.uses = {}  # by id: by stem {(word, field): (times, words)}
        self.places = {}  # by id: by stem [(field, position)]
        self.words = {}  # by id: by word [(field, position)]

    def put(self, writer, number, fields):
        """Put one, in the place of that which is there."""
        writer.put(number, fields)
        lengths, places = {}, {}
        following = {}
        for name, value in fields:
            field = FIELDS.index(name)
            tokens = analyse(value)
            for token in tokens:
                place = following.get(field, 0) + token.position
                places.setdefault(token.term, []).append((field, place))
            lengths[field] = lengths.get(field, 0) + len(tokens)
            end = tokens[-1].position + 1 if tokens else 0
            following[field] = following.get(field, 0) + end + GAP
        self.uses[number], self.places[number], self.words[number] = {}, {}, places
        for word, here in places.items():
            uses = self.uses[number].setdefault(stem(word), {})
            for field, _ in here:
                times = sum(each == field for each, _ in here)
                uses[word, field] = times, lengths[field]
            self.places[number].setdefault(stem(word), []).extend(here)

    def remove(self, writer, number):
        """Remove one."""
        writer.remove(number)
        self.uses.pop(number, None)
        self.places.pop(number, None)
        self.words.pop(number, None)

    def having(self, stems):
        """Return the documents that have all, as {id: (uses, near)}."""
        return {
            number: (
                [uses[each] for each in stems],
                [self.near(number, *both) for both in itertools.combinations(stems, 2)],
            )
            for number, uses in self.uses.items()
            if all(each in uses for each in stems)
        }

    def near(self, number, one, other):
        """Return 4 where words of two stems stand side by side, 0 where more than four apart."""
        return nearness(self.places[number][one], self.places[number][other])

    def next_to(self, one, other):
        """Return the documents where a word of a stem is the next one after one of another's."""
        return {
            number
            for number, places in self.places.items()
            if follows(places.get(one, []), places.get(other, []))
        }


def follows(before, after):
    """Tell whether a place is the next one after one of the others."""
    return not {(field, at + 1) for field, at in before}.isdisjoint(after)


def nearness(one, other):
    """Return 4 where a place is beside one of the others, 0 where all are more than four apart."""
    apart = [
        abs(a - b) for (field, a), (where, b) in itertools.product(one, other) if field == where
    ]
    return max(0, 5 - min((each for each in apart if each), default=5))
