"""What people wrote: inside the file, and in `.xmp`, `.json` and `.txt` files beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from PIL import ExifTags

from picturerail_daemon.describe.facts import exif_number, exif_text, exif_windows_text
from picturerail_daemon.describe.interface import Answer, Beside, Embedded, Subject
from picturerail_daemon.describe.takeout import read_takeout
from picturerail_daemon.describe.xmp import MOST_TAGS, XmpFacts, clean, read_xmp
from picturerail_native.records import SIDECAR, Description, Tag

T = TypeVar("T")

# IPTC-IIM datasets (IPTC-NAA Information Interchange Model 4.2, record 2).
_HEADLINE = (2, 105)
_KEYWORDS = (2, 25)
_CAPTION = (2, 120)
_CHARACTER_SET = (1, 90)
_UTF8 = b"\x1b%G"

# Texts that cameras write into every picture.
_MEANINGLESS = frozenset(
    {"olympus digital camera", "digital camera", "minolta digital camera", "samsung", "default",
     "screenshot", "dcim", "sony dsc", "kodak picture", "processed with vsco"}
)  # fmt: skip


class SidecarDescriber:
    """Reads IPTC, XMP and EXIF texts; a file beside the picture outranks what is inside."""

    name = SIDECAR
    version = "2"
    batch = 64

    def describe(self, subjects: Sequence[Subject]) -> list[Answer]:
        """Describe pictures."""
        return [self._describe(subject) for subject in subjects]

    def _describe(self, subject: Subject) -> Answer:
        try:
            embedded = subject.embedded()
            beside = [_read(file) for file in subject.sidecars()]
        except Exception as error:
            reason = f"its metadata cannot be read: {error}"
            return Answer(Description(self.version, "failed", reason))
        inside = read_xmp(embedded.xmp) if embedded.xmp else XmpFacts()
        texts = iptc_texts(embedded.iptc)
        every = (*beside, inside)
        tags = [tag for facts in every for tag in facts.tags]
        tags += texts.get(_KEYWORDS, [])
        tags += exif_windows_text(embedded, ExifTags.Base.XPKeywords).split(";")
        people = tuple(dict.fromkeys(name for facts in every for name in facts.people))
        captions = [facts.caption for facts in every]
        captions += texts.get(_CAPTION, [])
        captions += [_exif_caption(embedded)]
        captions += [facts.title for facts in every] + texts.get(_HEADLINE, [])
        unique: dict[str, str] = {}
        for tag in map(clean, [*tags, *people]):
            if tag:
                unique.setdefault(tag.casefold(), tag)
        rating = _first(facts.rating for facts in every)
        return Answer(
            Description(
                self.version,
                caption=next((clean(text) for text in captions if _says_something(text)), ""),
                tags=tuple(Tag(tag) for tag in list(unique.values())[:MOST_TAGS]),
                people=people,
                rating=rating if rating is not None else _exif_rating(embedded),
                # What stands inside the file is the camera's, and read with its other facts.
                taken=_first(facts.taken for facts in beside),
                gps=_first(facts.gps for facts in beside),
            )
        )


def _read(file: Beside) -> XmpFacts:
    """Return what a file beside the picture says; one that is not what its name says, nothing."""
    if file.ending == ".xmp":
        return read_xmp(file.data)
    if file.ending == ".json":
        said = read_takeout(file.data)
        return XmpFacts(
            caption=said.caption,
            people=said.people,
            rating=said.rating,
            taken=said.taken,
            gps=said.gps,
        )
    return XmpFacts(caption=_plain_text(file.data)) if file.ending == ".txt" else XmpFacts()


def _plain_text(data: bytes) -> str:
    """Return a text file's words, in whatever encoding editors write; "" of what is no text."""
    for encoding in (
        ("utf-16",) if data[:2] in {b"\xff\xfe", b"\xfe\xff"} else ("utf-8-sig", "cp1252")
    ):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        return "" if "\0" in text else clean(text)
    return ""


def _first(values: Iterable[T | None]) -> T | None:
    return next((value for value in values if value is not None), None)


def _exif_rating(embedded: Embedded) -> int | None:
    rating = exif_number(embedded, ExifTags.Base.Rating)
    return rating if rating is not None and rating <= 5 else None


def _exif_caption(embedded: Embedded) -> str:
    return (
        exif_text(embedded, ExifTags.Base.ImageDescription)
        or exif_windows_text(embedded, ExifTags.Base.XPComment)
        or exif_windows_text(embedded, ExifTags.Base.XPTitle)
    )


def _says_something(text: str) -> bool:
    return bool(clean(text)) and clean(text).casefold() not in _MEANINGLESS


def iptc_texts(
    iptc: Mapping[tuple[int, int], tuple[bytes, ...]],
) -> dict[tuple[int, int], list[str]]:
    """Decode IPTC values: UTF-8 where they say so or are, else Latin-1 as cameras do."""
    declared = _UTF8 in iptc.get(_CHARACTER_SET, ())
    decoded: dict[tuple[int, int], list[str]] = {}
    for key, values in iptc.items():
        for value in values:
            try:
                text = value.decode("utf-8")
            except UnicodeDecodeError:
                text = value.decode("utf-8", "replace") if declared else value.decode("latin-1")
            decoded.setdefault(key, []).append(text)
    return decoded
