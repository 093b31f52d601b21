"""Looks through a written site for what must not be there.

What is private is everything that rows tell and `collection` does not publish: positions, serial
numbers, private keywords, and all words, names, ids and contents of pictures that are not shown.
A word of theirs that a shown picture, an album's text, the site's own texts or a neighbour of a
tag has, too, is no secret. So this asks the opposite question of the one that the pages were made
by, and of the bytes that came out.
"""

from __future__ import annotations

import functools
import html
import io
import re
import unicodedata
import urllib.parse
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from picturerail_exporter import media, page_values
from picturerail_exporter.album_text import read_text
from picturerail_exporter.collection import Photo, public_roots, publish
from picturerail_exporter.rules import Rules
from picturerail_exporter.search_file import MAGIC, texts_of
from picturerail_exporter.source import Source
from picturerail_exporter.theme import Theme
from picturerail_native.database import CorruptError, NotFoundError
from picturerail_native.fields import FIELD_WEIGHTS, readable
from picturerail_native.records import ImageRow, Table, decode_neighbours

_SERIALS = (0xA431, 0xA435, 0xC62F)  # of body, lens and (DNG) camera
_XMP_SERIAL = re.compile(rb"SerialNumber\s*(?:=\s*[\"']|>)\s*([^\"'<]{4,60})")
_DATA_ADDRESS = re.compile(r"data:image/[a-z]+;base64,[A-Za-z0-9+/=]*")
_WORD = re.compile(r"[^\W_]+")
_NAME = re.compile(r"[^/\\\"'<>=,;:()\[\]{}\n]+\.[a-z0-9]{2,5}\b")
_NUMBER = r"(-?\d{1,3}\.\d{3,})"
_PAIR = re.compile(rf"(?<![\w.]){_NUMBER}[^\d.-]{{1,24}}{_NUMBER}(?![\w.])")
_DIGEST = re.compile(r"(?<![0-9a-f])(?:[0-9a-f]{16}){1,4}(?![0-9a-f])")
_PAGE = re.compile(
    r"photo/(\d+)(?=[/\"])|photo-id=\"(\d+)\"|media/[0-9a-f]{2}/(\d+)-\d+-[0-9a-f]{8}-"
)
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")
_OWN_WORDS = (
    "avif camera date disabled exact false full height http https index jpg json large "
    "name newest null oldest original place png prefix small stripped tile true version webp width"
)


@dataclass(frozen=True, slots=True)
class Private:
    """What must not be found, and the ids that may be.

    `words` and file `names` are folded, `digests` in hexadecimal and cut to 32 letters,
    `positions` in thousandths of a degree.
    """

    words: frozenset[str]
    names: frozenset[str]
    digests: frozenset[str]
    positions: frozenset[tuple[int, int]]
    shown: frozenset[int]


@dataclass(slots=True)
class _Told:
    """Words and file names as they come together."""

    words: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)

    def add(self, *texts: str) -> None:
        for text in texts:
            self.words |= words_of(text)

    def add_name(self, name: str) -> None:
        self.add(name)
        self.names.add(fold(name))


def private_of(source: Source, rules: Rules, own_texts: Iterable[str] = ()) -> Private:
    """Return what is private in a database.

    Args:
        source: a consistent view of it. Every original's metadata is read.
        rules: what may be published.
        own_texts: what stands on the site whatever pictures there are, as its title.
    """
    roots = public_roots(source)
    public, secret = _Told(), _Told()
    shown_digests: set[str] = set()
    digests: set[str] = set()
    positions: set[tuple[int, int]] = set()
    shown: set[int] = set()
    folders: set[Path] = set()
    public.add(_OWN_WORDS, *FIELD_WEIGHTS, *own_texts, *_templates())
    for row in source.images():
        photo = publish(row, roots, rules)
        metadata = row.metadata
        if isinstance(photo, Photo):
            shown.add(row.id)
            shown_digests.add(row.content_hash[: media.DIGEST_BYTES].hex())
            _add_public(photo, public)
            folders.update(_album_folders(Path(roots[row.root].folder), photo))
            told = {value for name, value in photo.fields if name == "tags"}
            secret.add(*(tag.name for tag in metadata.tags if tag.name not in told))
            for number in _serials(source, row):
                secret.add(number)
        else:
            digests.add(row.content_hash[: media.DIGEST_BYTES].hex())
            _add_secret(row, secret)
        if metadata.gps and (not isinstance(photo, Photo) or photo.gps is None):
            positions.add(_thousandths(*metadata.gps))
    for folder in folders:
        text = read_text(folder)
        public.add(text.title, text.description)
    for _, value in source.records(Table.NEIGHBOURS):
        public.add(*(word for word, _ in decode_neighbours(value).reach))
    telling = {word for word in secret.words - public.words if _tells(word)}
    return Private(
        frozenset(telling),
        frozenset(secret.names - public.names),
        frozenset(digests - shown_digests),
        frozenset(positions),
        frozenset(shown),
    )


def leaks_in(path: str, data: bytes, private: Private) -> Iterator[str]:
    """Yield what of a text file of the site, its path included, is private."""
    try:
        text = "\n".join(texts_of(path, data)) if data.startswith(MAGIC) else data.decode()
    except UnicodeDecodeError:
        return  # no text: pictures are looked at for themselves
    except ValueError as error:
        yield str(error)
        return
    text = f"/{path}\n" + _DATA_ADDRESS.sub("", text)
    text = _ESCAPE.sub(lambda found: chr(int(found[1], 16)), text)
    text = urllib.parse.unquote(html.unescape(text))
    for numbers in _PAGE.findall(text):
        number = int("".join(numbers))
        if number not in private.shown:
            yield f"leads to picture {number}, which is not published"
    for digest in sorted(
        {found[: 2 * media.DIGEST_BYTES] for found in _DIGEST.findall(text)} & private.digests
    ):
        yield f"names the content {digest}, which is not published"
    folded = fold(text)
    for name in sorted(private.names.intersection(map(str.strip, _NAME.findall(folded)))):
        yield f"names the file “{name}”, which is not published"
    for word in sorted(private.words.intersection(_WORD.findall(folded))):
        yield f"holds the private word “{word}”"
    if path.endswith((".css", ".svg", ".js")):
        return
    for first, second in _PAIR.findall(text):
        near = {_thousandths(float(a), float(b)) for a, b in ((first, second), (second, first))}
        if any(_is_near(place, private.positions) for place in near):
            yield f"holds the position {first}, {second}"


def fold(text: str) -> str:
    """Return a text without case and accents."""
    if text.isascii():
        return text.lower()
    plain = unicodedata.normalize("NFKD", text)
    return "".join(c for c in plain if not unicodedata.combining(c)).casefold()


def words_of(text: str) -> set[str]:
    """Return the words of a text, folded."""
    return set(_WORD.findall(fold(text)))


def _tells(word: str) -> bool:
    """Leave out what stands in any page by chance: numbers, and words of a letter or two."""
    return len(word) >= 8 if word.isdigit() else len(word) >= 3


def _thousandths(latitude: float, longitude: float) -> tuple[int, int]:
    return round(latitude * 1000), round(longitude * 1000)


def _is_near(place: tuple[int, int], positions: frozenset[tuple[int, int]]) -> bool:
    """Tell whether a position is private; what is printed may have been rounded or cut."""
    return any(
        (place[0] + north, place[1] + east) in positions
        for north in (-1, 0, 1)
        for east in (-1, 0, 1)
    )


def _add_public(photo: Photo, public: _Told) -> None:
    public.add_name(photo.filename)
    public.add(photo.caption, photo.camera, photo.lens, photo.path, *photo.tags, *photo.place)
    public.add(*(value for _, value in photo.fields))
    public.add(*map(readable, photo.folder), *page_values.exposure_text(photo))


def _add_secret(row: ImageRow, secret: _Told) -> None:
    metadata = row.metadata
    secret.add_name(readable(row.filename))
    secret.add(readable(row.path), metadata.caption, metadata.camera, metadata.lens)
    secret.add(*(tag.name for tag in metadata.tags))


def _album_folders(home: Path, photo: Photo) -> Iterator[Path]:
    """Yield the folders that a shown picture makes albums of the site."""
    yield home
    for part in photo.folder[1:]:
        home /= part.decode("utf-8", "surrogateescape")
        yield home


@functools.cache
def _templates() -> tuple[str, ...]:
    return tuple(data.decode() for _, data in Theme().sources())


def _serials(source: Source, row: ImageRow) -> Iterator[str]:
    """Yield the serial numbers in an original's metadata, as far as its format tells."""
    if not row.has_data:
        return
    try:
        with (
            io.BufferedReader(source.open_blob(row.content_hash)) as file,
            Image.open(file) as image,
        ):
            exif = image.getexif()
            found = {**exif, **exif.get_ifd(0x8769)}
            xmp = image.info.get("xmp") or b""
    except (CorruptError, NotFoundError):
        return
    except Exception:  # what cannot be read tells nobody anything
        return
    for tag in _SERIALS:
        if isinstance(value := found.get(tag), str) and len(value.strip()) >= 4:
            yield value
    for match in _XMP_SERIAL.findall(xmp if isinstance(xmp, bytes) else b""):
        yield match.decode("utf-8", "replace")
