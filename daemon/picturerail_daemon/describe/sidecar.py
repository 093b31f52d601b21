"""What people wrote: keywords and captions inside the file and in `.xmp` files beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PIL import ExifTags

from picturerail_daemon.describe.facts import exif_text, exif_windows_text
from picturerail_daemon.describe.interface import Answer, Embedded, Subject
from picturerail_daemon.describe.xmp import XmpFacts, clean, read_xmp
from picturerail_native.records import Description, Tag

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
    """Reads IPTC, XMP and EXIF texts; a file beside the picture outranks the one inside."""

    name = "sidecar"
    version = "1"
    batch = 64

    def describe(self, subjects: Sequence[Subject]) -> list[Answer]:
        """Describe pictures."""
        return [self._describe(subject) for subject in subjects]

    def _describe(self, subject: Subject) -> Answer:
        try:
            embedded = subject.embedded()
            beside = [read_xmp(data) for data in subject.sidecars()]
        except Exception as error:
            reason = f"its metadata cannot be read: {error}"
            return Answer(Description(self.version, "failed", reason))
        inside = read_xmp(embedded.xmp) if embedded.xmp else XmpFacts()
        texts = iptc_texts(embedded.iptc)
        tags = [tag for facts in (*beside, inside) for tag in facts.tags]
        tags += texts.get(_KEYWORDS, [])
        tags += exif_windows_text(embedded, ExifTags.Base.XPKeywords).split(";")
        captions = [facts.caption for facts in (*beside, inside)]
        captions += texts.get(_CAPTION, [])
        captions += [_exif_caption(embedded)]
        captions += [facts.title for facts in (*beside, inside)] + texts.get(_HEADLINE, [])
        unique: dict[str, str] = {}
        for tag in map(clean, tags):
            if tag:
                unique.setdefault(tag.casefold(), tag)
        return Answer(
            Description(
                self.version,
                caption=next((clean(text) for text in captions if _says_something(text)), ""),
                tags=tuple(Tag(tag) for tag in unique.values()),
            )
        )


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
