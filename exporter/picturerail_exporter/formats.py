"""Which files are pictures, told by their names alone.

A scan must not open a million files to know what they are. The names decide what is tried;
`pixels.decode` decides what a tried file really is.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable


class Kind(enum.Enum):
    """What a file is, as far as its name tells."""

    PICTURE = "picture"
    VIDEO = "video"
    RAW = "raw"
    OTHER = "other"


_PICTURES = "avif bmp dib gif heic heif hif jfif jpe jpeg jpg mpo png tif tiff webp"
_PREVIEWED = "arw cr2 cr3 dng nef nrw orf pef raf rw2"
"""RAW files that hold a preview which can be shown (`raw`); they are pictures, too."""

_VIDEOS = "3g2 3gp asf avi flv m2ts m4v mkv mov mp4 mpeg mpg mts ogv ts vob webm wmv"
_RAW = (
    "3fr ari bay cap crw dcr erf fff gpr iiq k25 kdc mef mos mrw ptx pxn r3d raw rwl sr2 srf srw "
    "x3f"
)

_KINDS = {
    suffix.encode(): kind
    for suffixes, kind in (
        (_PICTURES, Kind.PICTURE),
        (_PREVIEWED, Kind.PICTURE),
        (_VIDEOS, Kind.VIDEO),
        (_RAW, Kind.RAW),
    )
    for suffix in suffixes.split()
}


STRIPPED = {
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/webp": ".webp",
    "image/gif": ".gif",
}
"""What `strip` can take the metadata out of, and how a copy's name ends."""

SUFFIXES = {
    **STRIPPED,
    "image/avif": ".avif",
    "image/bmp": ".bmp",
    "image/heic": ".heic",
    "image/tiff": ".tif",
    "image/x-adobe-dng": ".dng",
    "image/x-canon-cr2": ".cr2",
    "image/x-canon-cr3": ".cr3",
    "image/x-nikon-nef": ".nef",
    "image/x-sony-arw": ".arw",
    "image/x-pentax-pef": ".pef",
    "image/x-olympus-orf": ".orf",
    "image/x-panasonic-rw2": ".rw2",
    "image/x-fuji-raf": ".raf",
    "image/x-raw": ".raw",
}
"""How the names of copied originals end, by what `pixels.decode` says that they are."""


def kind(filename: bytes) -> Kind:
    """Tell a file's kind by its suffix, in whatever case; `.jpg` alone is a hidden file."""
    stem, dot, suffix = filename.rpartition(b".")
    if not dot or not stem:
        return Kind.OTHER
    return _KINDS.get(suffix.lower(), Kind.OTHER)


def paired(filenames: Iterable[bytes]) -> set[bytes]:
    """Return the RAW files of a folder that a finished picture stands for.

    A camera that writes both gives them one stem: `IMG_1.CR2` and `IMG_1.JPG` are one picture.
    """
    previewed = {suffix.encode() for suffix in _PREVIEWED.split()}
    finished, raws = set(), {}
    for name in filenames:
        stem, _, suffix = name.lower().rpartition(b".")
        if suffix in previewed:
            raws[name] = stem
        elif kind(name) is Kind.PICTURE:
            finished.add(stem)
    return {name for name, stem in raws.items() if stem in finished}
