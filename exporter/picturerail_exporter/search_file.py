"""The files of the browser's search index: how each is packed, named and cut.

`SEARCH_INDEX.md` draws them byte by byte.
"""

from __future__ import annotations

import hashlib
import itertools
import math
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

MAGIC = b"PRSX\x13"
"""What every file begins with; the last byte is the format's version."""

FOLDER = "search"
ROOT = f"{FOLDER}/root.bin"

LOOK = 3
"""Bytes that say what a result shows at once: one of how often its content changed, which names the
picture's tile, one of its proportions, one of its colour."""

_LEVEL = 6
_MOST_STEPS = 4
DIGEST = 6
"""Bytes that name a file. More than a quarter of the root is names, and each search reads it."""
_NEAR = b"a"
_TOGETHER = (b"b", b"f", b"o", b"r")
_PART = 2
_TOLD_APART = b"b"
"""What keys of rows end in that tell apart what a record's documents have beside the term."""
_OF_RECORDS = (2, 10)
"""How many bytes keys of records have behind a term: its kind, the band, and of most an id."""
_OF_APART = (4, 12)
"""And keys of what is told apart of these; the number of a stem comes behind the kind."""
_OF_STEM = 3
_SMALL = [bytes([number]) for number in range(0x80)]


Listed = Sequence[tuple[bytes, str]]
"""Files of a kind: what the first key of each begins with, and its path."""
Directory = tuple[Listed, bool]
"""What the root tells of a kind: its files, or pages that do (`page_of`); whether these."""


@dataclass(frozen=True, slots=True)
class Cut:
    """Where rows of one kind are cut into files: at `least` and at `most` bytes.

    `size` guesses what a row takes once it is packed. One in `one_in` rows may begin a file; where
    `terms` are not to be divided without need, one in so many first rows of a term. Where there is
    less than `files` files would hold, they are smaller, down to a quarter; and by `fine_steps`, of
    which two halve them, where there are more than `fine` bytes: pages tell of so many files.
    Rows of which `group` tells something else of their keys are never in one file.
    """

    least: int
    most: int
    size: Callable[[bytes, bytes], int]
    one_in: int
    files: int = 0
    terms: bool = False
    fine: int = 0
    fine_steps: int = 0
    group: Callable[[bytes], bool] | None = None

    def step(self, total: int) -> int:
        """Return how much smaller files are that hold so many bytes of rows: two steps half."""
        if self.fine and total > self.fine:
            return self.fine_steps
        if not self.files or not total:
            return 0
        room = 2 * self.least * self.files / total  # packed, rows take about half
        return max(0, min(_MOST_STEPS, math.floor(2 * math.log2(room))))

    def smaller(self, step: int) -> Cut:
        """Return the same for smaller files."""
        share = 2 ** (step / 2)
        return replace(self, least=round(self.least / share), most=round(self.most / share))


def packed(*parts: bytes) -> bytes:
    """Return a file: its mark, and the body as a zlib stream, whose checksum guards it.

    Each part of the body begins a block of the stream: of each other values are likely.
    """
    stream = zlib.compressobj(_LEVEL)
    blocks = [MAGIC]
    for part in filter(None, parts):
        blocks += (stream.flush(zlib.Z_BLOCK), stream.compress(part))
    return b"".join((*blocks, stream.flush()))


def unpacked(data: bytes) -> bytes:
    """Return a file's body.

    Raises:
        ValueError: it is not such a file, or it is damaged.
    """
    if not data.startswith(MAGIC):
        raise ValueError("it is no file of a search index of this version")
    try:
        return zlib.decompress(data[len(MAGIC) :])
    except zlib.error as error:
        raise ValueError(f"it is damaged: {error}") from None


def name_of(data: bytes) -> str:
    """Return a file's path on the site: its content names it, so it may be cached for ever."""
    return f"{FOLDER}/{hashlib.blake2b(data, digest_size=DIGEST).hexdigest()}.bin"


def varint(number: int) -> bytes:
    """Return a number as LEB128: seven bits a byte, the lowest first."""
    if number < 0x80:
        return _SMALL[number]  # most are
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


class Keys:
    """Writes ascending keys, each as what it does not share with the one before."""

    def __init__(self) -> None:
        """Begin with nothing to share."""
        self._last = b""

    def next(self, key: bytes) -> bytes:
        """Return how the next key is written."""
        shared = _shared(self._last, key)
        self._last = key
        rest = key[shared:]
        return varint(shared) + varint(len(rest)) + rest


def packed_size(key: bytes, value: bytes) -> int:
    """Guess what a row of terms or words takes: half of what it is."""
    return (len(key) + len(value)) // 2


def is_number(key: bytes) -> bool:
    """Tell whether a term begins as numbers do."""
    return key[:1].isdigit()


def four_times_packed_entry(key: bytes, value: bytes) -> int:
    """Guess four times what a row of terms takes: that of a word with one document counts less.

    Most of these are numbers in filenames, which few ask for. Their files may be larger, so
    that those of words are smaller. What records of more documents take cannot be packed.
    """
    size = len(key) + len(value)
    if value[:1] != b"\0" or not key.endswith(b"w"):
        return 2 * size
    _, record = _number(value, 1)
    return size // 16 if number_of(value[record:]) == 1 else 4 * size


def packed_text(key: bytes, value: bytes) -> int:
    """Guess what a row of what is said of pictures takes."""
    return 2 * (len(key) + len(value)) // 5


def packed_exactly(key: bytes, value: bytes) -> int:
    """Tell what a row takes: of few rows, and such as differ much."""
    return len(key) + len(zlib.compress(value))


def packed_record(key: bytes, value: bytes) -> int:
    """Guess what a row of postings takes: what is bits cannot be packed, looks to two fifths."""
    kind = key.partition(b"\0")[2]
    if len(kind) == 1:
        return packed_size(key, value)
    if kind[:1] == _NEAR:
        return 7 * (len(key) + len(value)) // 3  # of many in a file one is read: it is to be small
    length, at = _number(value, 0)
    looks = len(value) - at - length
    return (10 * length + 4 * looks + 5 * len(key)) // 10


def packed_bits(key: bytes, value: bytes) -> int:
    """Guess what a row of bits takes: as much as it is."""
    return len(key) + len(value)


def packed_together(key: bytes, value: bytes) -> int:
    """Guess what a row of the best of several words takes: most of it is bits."""
    return 3 * (len(key) + len(value)) // 5


def body_of(rows: Iterable[tuple[bytes, bytes]], *, records: bool = False) -> tuple[bytes, ...]:
    """Return the body of a file of rows, in parts: these, then column after column their looks.

    Args:
        rows: keys ascend.
        records: whether those that may be records are.
    """
    keys = Keys()
    parts: list[bytes] = []
    columns: list[list[bytes]] = [[] for _ in range(LOOK)]
    for key, value in rows:
        if not records or not _is_record(key):
            parts += (keys.next(key), varint(2 * len(value)), value)
            continue
        length, at = _number(value, 0)
        count = (len(value) - at - length) // LOOK
        record = value[at : at + length]
        parts += (keys.next(key), varint(2 * length + 1), varint(count), record)
        for number, column in enumerate(columns):
            begin = at + length + number * count
            column.append(value[begin : begin + count])
    told = b"".join(parts)
    return varint(len(told)) + told, *(b"".join(column) for column in columns)


def _is_record(key: bytes) -> bool:
    """Tell whether a row of a kind that has records is one."""
    kind = key.partition(b"\0")[2]
    return kind in _TOGETHER or (kind[:1] in (b"w", b"t") and len(kind) in _OF_RECORDS)


def cut(rows: Iterable[tuple[bytes, bytes]], where: Cut) -> Iterator[list[tuple[bytes, bytes]]]:
    """Cut ascending rows into files.

    A file ends before a row whose key's checksum says so once it is large enough, or where it
    would become too large. So after a change the old cuts soon come again, and the
    other files stay as they are: content-defined chunking (Muthitacharoen and others, SOSP 2001,
    section 3.1), over keys in place of bytes.
    """
    held: list[tuple[bytes, bytes]] = []
    size = 0
    for together in _together(rows, terms=where.terms):
        sizes = [where.size(key, value) for key, value in together]
        whole = sum(sizes)
        key = together[0][0]
        fit = size >= where.least and _mixed(key) % where.one_in == 0
        # What would be divided begins a file of its own, where the one before is not too small.
        divided = where.terms and size + whole > where.most and 2 * size >= where.least
        other = where.group is not None and held and where.group(key) != where.group(held[-1][0])
        if held and (fit or divided or other):
            yield held
            held, size = [], 0
        for unit in _units(together, sizes, where.most):
            more = sum(size for _, size in unit)
            if held and size + more > where.most:
                yield held
                held, size = [], 0
            held += (row for row, _ in unit)
            size += more
    if held:
        yield held


def _together(
    rows: Iterable[tuple[bytes, bytes]], *, terms: bool
) -> Iterator[list[tuple[bytes, bytes]]]:
    """Yield rows that are not to be divided without need: those of a term."""
    if terms:
        for _, of in itertools.groupby(rows, lambda row: row[0].partition(b"\0")[0]):
            yield list(of)
    else:
        for row in rows:
            yield [row]


def _units(
    rows: Sequence[tuple[bytes, bytes]], sizes: Sequence[int], most: int
) -> Iterator[list[tuple[tuple[bytes, bytes], int]]]:
    """Yield what no file ends within, with its size: one row, or some that tell one thing."""
    sized = zip(rows, sizes, strict=True)
    for _, of in itertools.groupby(sized, lambda row: _unit_of(row[0][0])):
        unit = list(of)
        if sum(size for _, size in unit) <= most:
            yield unit
        else:
            yield from ([row] for row in unit)


def _unit_of(key: bytes) -> bytes:
    """Return what rows share that tell where two stems are near, or of one beside a term."""
    text, _, kind = key.partition(b"\0")
    if kind[:1] == _NEAR:
        return key[:-_PART]
    return key[: len(text) + _OF_STEM] if len(kind) in _OF_APART else key


def _mixed(key: bytes) -> int:
    """Return 20 bits that look random even where keys count: multiplied by the golden ratio.

    A checksum alone is linear, so the keys of numbered files would be cut in patterns that never
    come again once they are shifted.
    """
    return (zlib.crc32(key) * 2_654_435_761 & 0xFFFFFFFF) >> 12


def separator(before: bytes | None, key: bytes) -> bytes:
    """Return the shortest beginning of a key that the one before it is below; of a first key none.

    Suffix truncation (Bayer and Unterauer, "Prefix B-trees", TODS 1977).
    """
    return b"" if before is None else key[: _shared(before, key) + 1]


def root_of(told: bytes, frequent: bytes, directories: Iterable[Directory]) -> bytes:
    """Return the root: what is told of all, rows of frequent terms, and of each kind its files.

    Args:
        told: a JSON object.
        frequent: a body of rows.
        directories: of each kind.
    """
    firsts = []
    names = []
    for files, are_pages in directories:
        firsts.append(varint(2 * len(files) + are_pages) + _firsts_of(files))
        names.append(_digests_of(files))
    texts = (varint(len(text)) + text for text in (told, frequent, b"".join(firsts)))
    return packed(*texts, b"".join(names))


def page_of(files: Listed) -> bytes:
    """Return a page: a file of one row, without a key, that names some of a kind's files."""
    firsts = varint(len(files)) + _firsts_of(files)
    digests = _digests_of(files)
    row = b"\0\0" + varint(2 * (len(firsts) + len(digests))) + firsts
    return packed(varint(len(row) + len(digests)) + row, digests)


def _firsts_of(files: Listed) -> bytes:
    keys = Keys()
    return b"".join([keys.next(first) for first, _ in files])


def _digests_of(files: Listed) -> bytes:
    names = [path.removeprefix(f"{FOLDER}/").removesuffix(".bin") for _, path in files]
    return bytes.fromhex("".join(names))


def rows_of(body: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the rows of a file's body; the reverse of `body_of`."""
    length, at = _number(body, 0)
    end = shown = at + length
    every = (len(body) - end) // LOOK
    key = b""
    while at < end:
        shared, at = _number(body, at)
        length, at = _number(body, at)
        key = key[:shared] + body[at : at + length]
        at += length
        length, at = _number(body, at)
        length, is_record = divmod(length, 2)
        count, at = _number(body, at) if is_record else (0, at)
        value = body[at : at + length]
        at += length
        if is_record:
            begins = (shown + every * column for column in range(LOOK))
            looks = (body[begin : begin + count] for begin in begins)
            value = b"".join((varint(length), value, *looks))
            shown += count
        yield key, value


def named_by(root: bytes) -> set[str]:
    """Return the paths of the files that a root names."""
    body = unpacked(root)
    at = 0
    for _ in range(3):  # the object, how many documents frequent terms have, and the first keys
        length, at = _number(body, at)
        at += length
    digests = (body[begin : begin + DIGEST] for begin in range(at, len(body), DIGEST))
    return {f"{FOLDER}/{digest.hex()}.bin" for digest in digests}


def texts_of(path: str, data: bytes) -> Iterator[str]:
    """Yield every text that a file of the index holds, for who looks for what must not be there."""
    body = unpacked(data)
    if path == ROOT:
        length, at = _number(body, 0)
        yield body[at : at + length].decode()
        at += length
        length, at = _number(body, at)
        for key, _ in rows_of(body[at : at + length]):
            yield key.partition(b"\0")[0].decode("utf-8", "replace")
        return
    for key, value in rows_of(body):
        text, _, kind = key.partition(b"\0")
        if not key:  # a page, which says what keys begin with
            continue
        if not text:  # the number of a block
            yield value.decode()
            continue
        for each in text.split(b"\1"):
            yield each.decode("utf-8", "replace")
        if kind[:1] == _NEAR:
            yield kind[1:].partition(b"\0")[0].decode("utf-8", "replace")
        if kind in _TOGETHER:
            yield from _texts_of_together(value, text.count(b"\1") + 1)
        if kind == b"n" or (kind == b"s" and not _is_count(value)):
            yield from texts_of_entry(value, kind)
        if kind in (b"w", b"t"):
            yield from _texts_of_term(value, kind)
        elif kind[:1] in (b"w", b"t") and len(kind) in _OF_RECORDS:
            yield from _texts_of_record(value, 0)
        elif kind[:1] in (b"w", b"t"):
            yield from _texts_apart(value)


def _is_count(value: bytes) -> bool:
    """Tell whether nothing but a number is there."""
    return _number(value, 0)[1] == len(value)


def _texts_of_term(value: bytes, kind: bytes) -> Iterator[str]:
    at = 0
    if kind == b"t":
        length, begin = _number(value, 0)
        at = begin + length
        yield value[begin:at].decode()  # how it is written
    level, at = _number(value, at)
    if not level:
        yield from _texts_of_record(value, at)


def _texts_of_record(value: bytes, at: int) -> Iterator[str]:
    """Yield the words that a record tells beside a term."""
    for _ in range(3):  # its bytes, how many pictures, and the first
        at = _number(value, at)[1]
    yield from _texts_beside(value, at)


def _texts_apart(value: bytes) -> Iterator[str]:
    """Yield the words of a stem that are told apart."""
    count, at = _number(value, 0)
    for _ in range(count):
        length, begin = _number(value, at)
        at = begin + length
        yield value[begin:at].decode()


def _texts_beside(value: bytes, at: int) -> Iterator[str]:
    """Yield the words that are told beside a term."""
    told, at = _number(value, at)
    for _ in range(told - 2):  # fewer where nothing is told, or apart
        at = _number(value, at)[1]
        length, begin = _number(value, at)
        at = begin + length
        yield value[begin:at].decode()


def texts_of_entry(value: bytes, kind: bytes) -> Iterator[str]:
    """Yield the words of a stem, or the tags that a word is near to, each folded and as given."""
    count, at = _number(value, 0)
    for _ in range(count):
        for _ in range(1 if kind == b"s" else 2):
            length, at = _number(value, at)
            yield value[at : at + length].decode()
            at += length
        at += 0 if kind == b"s" else 4


def _texts_of_together(value: bytes, stems: int) -> Iterator[str]:
    at = _number(value, 0)[1]
    for _ in range(2):  # how many pictures, and how many kinds of others
        at = _number(value, at)[1]
    for _ in range(stems):
        words, at = _number(value, at)
        for _ in range(words):
            length, at = _number(value, at)
            yield value[at : at + length].decode()
            at += length
        kinds, at = _number(value, at)
        for _ in range(kinds):
            uses, at = _number(value, at)
            for _ in range(4 * uses):
                at = _number(value, at)[1]


def key_apart(term: bytes, stem: int, record: bytes) -> bytes:
    """Return the key of what a record tells apart of a stem, by its number.

    Args:
        term: the term's key, which the record's begins with.
        stem: its number.
        record: the record's key.
    """
    return term + bytes([stem]) + record[len(term) :] + _TOLD_APART


def texts_told(data: bytes) -> Iterator[bytes]:
    """Yield the texts of which there are so many as fill these bytes, each behind its length."""
    at = 0
    while at < len(data):
        length, begin = _number(data, at)
        at = begin + length
        yield data[begin:at]


def number_of(value: bytes) -> int:
    """Return the number that a value begins with."""
    return _number(value, 0)[0]


def _number(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        part = data[at]
        at += 1
        value |= (part & 0x7F) << shift
        shift += 7
        if part < 0x80:
            return value, at


def _shared(a: bytes, b: bytes) -> int:
    most = min(len(a), len(b))
    for at in range(most):
        if a[at] != b[at]:
            return at
    return most
