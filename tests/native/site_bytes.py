"""Reads the bytes that `native/search/SITE.md` draws, as the tests of it do."""

INERTIA = 5
NEARER = [10, 4, 5, 8]
_WIDTHS = [2, 3, 5, 6, 10, 14]


def likely_of(**zeros):
    """Return what is likely of bits, by their kind and number; `zeros` of 16 are 0 at first."""
    return {(kind, at): each << 8 for kind, of in zeros.items() for at, each in enumerate(of)}


class Numbers:
    """Reads what SITE.md draws."""

    def __init__(self, data):
        """Begin at the front."""
        self.data, self.at = data, 0
        self.found, self.groups = [], []

    def next(self):
        """Return a varint."""
        value = shift = 0
        while True:
            part = self.data[self.at]
            self.at += 1
            value |= (part & 127) << shift
            shift += 7
            if part < 128:
                return value

    def take(self, length):
        """Return so many bytes."""
        part = self.data[self.at : self.at + length]
        assert len(part) == length
        self.at += length
        return part

    def text(self):
        """Return a text."""
        return self.take(self.next()).decode()

    def uses(self):
        """Return a class: field → (times, words)."""
        return {self.next(): (self.next(), self.next()) for _ in range(self.next())}

    def classes(self):
        """Return the classes of a record, each with the widths of its positions.

        Those of one field are known once the bits behind are.
        """
        self.found, self.groups = [], []
        left = self.next()
        while left:
            count = self.next()
            group = [(self.next(), self.next(), self.next()) for _ in range(self.next())]
            several = len(group) > 1
            words = [[self.next() for _ in group] for _ in range(count if several else 1)]
            self.groups.append((count, group, words, 0 if several else self.next()))
            left -= count
        return self.found

    def _know(self, bits):
        for count, group, words, low in self.groups:
            while len(words) < count:
                words.append([words[-1][0] + 1 + bits.distance(low)])
            for each in words:
                uses, widths = {}, []
                for (field, times, more), of in zip(group, each, strict=True):
                    uses[field] = times, of
                    widths.append(more and (max(1, of) - 1).bit_length() + more - 1)
                self.found.append((uses, widths))
        self.groups = []

    def ascending(self, count, first):
        """Return so many numbers from the first on, and the bits behind them."""
        low = self.next()
        bits = self.bits()
        found = [first]
        found += [first := first + 1 + bits.distance(low) for _ in range(count - 1)]
        return found, bits

    def ended(self):
        """Everything must have been read."""
        assert self.at == len(self.data)

    def bits(self):
        """Return a reader of the rest as bits, the highest of each byte first."""
        rest = self.data[self.at :]
        bits = Bits("".join(f"{byte:08b}" for byte in rest))
        self._know(bits)
        return bits


class Bits:
    """Reads a row of bits."""

    def __init__(self, row):
        """Begin at the front."""
        self.row, self.at = row, 0

    def number(self, count):
        """Return a number of so many bits."""
        self.at += count
        assert self.at <= len(self.row)
        return int("0" + self.row[self.at - count : self.at], 2)

    def distance(self, low):
        """Return a number in Rice's code."""
        ones = 0
        while self.number(1):
            ones += 1
        return ones << low | self.number(low)

    def one_of(self, count):
        """Return one of so many values."""
        width = (count - 1).bit_length()
        shorter = (1 << width) - count
        value = self.number(width - 1) if shorter else 0
        if shorter and value < shorter:
            return value
        return (value << 1 | self.number(1) if shorter else self.number(width)) - shorter

    def ended(self):
        """Less than a byte must be left, and that of zeros."""
        assert len(self.row) - self.at < 8
        assert "1" not in self.row[self.at :]


class Range:
    """Reads what a range coder told, zeros behind the end."""

    def __init__(self, data):
        """Begin at the front."""
        self.data, self.at, self.range = data, 4, (1 << 32) - 1
        self.code = int.from_bytes(data[:4].ljust(4, b"\0"), "big")

    def _narrow(self, begin, size):
        self.code, self.range = self.code - begin, size
        assert 0 <= self.code < size
        while self.range < 1 << 24:
            byte = self.data[self.at] if self.at < len(self.data) else 0
            self.code, self.range, self.at = self.code << 8 | byte, self.range << 8, self.at + 1

    def bit(self, likely, which):
        """Return a bit; `likely[which]` of 4,096 are 0."""
        zeros = (self.range >> 12) * likely[which]
        one = self.code >= zeros
        if one:
            likely[which] -= likely[which] >> INERTIA
            self._narrow(zeros, self.range - zeros)
        else:
            likely[which] += (4096 - likely[which]) >> INERTIA
            self._narrow(0, zeros)
        return one

    def one_of(self, count):
        """Return one of so many values."""
        size = self.range // count
        value = self.code // size
        assert value < count
        self._narrow(value * size, size)
        return value

    def number(self):
        """Return any number."""
        width = self.one_of(33)
        return self.bits(max(0, width - 1), min(1, width))

    def bits(self, count, above):
        """Return what so many bits are below those above them."""
        while count:
            here = min(12, count)
            above = above << here | self.one_of(1 << here)
            count -= here
        return above

    def several(self, likely, kinds, count):
        """Return one of so many small numbers, told in ones and a zero; the last kind is of all."""
        value = 0
        while value + 1 < count and self.bit(likely, kinds[min(value, len(kinds) - 1)]):
            value += 1
        return value

    def position(self, likely):
        """Return how far a position is behind the one before."""
        width = self.several(likely, [("width", at) for at in range(6)], 32)
        if not width:
            return 1
        return self.bits(width - 1, 2 + self.bit(likely, ("second", width)))

    def ended(self):
        """All must have been read, and zeros at the end, which are read behind it, not be told."""
        assert self.at >= len(self.data)
        assert not self.data.endswith(b"\0")


class Lean:
    """Reads what a lean record tells behind its documents, in this order."""

    def __init__(self, data):
        """Begin at the front."""
        self.coder = Range(data)

    def classes(self, classes, count):
        """Return the class of each document."""
        likely = likely_of(more=[12] * 4)
        kinds = [*likely]
        return [classes[self.coder.several(likely, kinds, len(classes))] for _ in range(count)]

    def places(self, documents):
        """Return the positions of each document, by field; `documents` are their classes."""
        likely = {}
        return [
            {
                field: self._in_field(likely.setdefault(field, {}), times)
                for field, (times, _) in uses.items()
            }
            for uses in documents
        ]

    def _in_field(self, likely, times):
        found = []
        for time in range(times):
            of = likely.setdefault(min(time, 2), likely_of(width=_WIDTHS, second=[8] * 32))
            found.append((found[-1] if found else -1) + self.coder.position(of))
        return found

    def nearness(self, count, stems):
        """Return how near each document is to each stem."""
        likely = [likely_of(near=NEARER) for _ in range(stems)]
        kinds = [*likely_of(near=NEARER)]
        return [
            [self.coder.several(of, kinds, len(NEARER) + 1) for of in likely] for _ in range(count)
        ]
