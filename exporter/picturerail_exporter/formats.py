"""Which files are pictures, told by their names alone.

A scan must not open a million files to know what they are. The names decide what is tried;
`pixels.decode` decides what a tried file really is.
"""

from __future__ import annotations

import enum


class Kind(enum.Enum):
    """What a file is, as far as its name tells."""

    PICTURE = "picture"
    VIDEO = "video"
    RAW = "raw"
    OTHER = "other"


_PICTURES = "avif bmp dib gif heic heif hif jfif jpe jpeg jpg mpo png tif tiff webp"
_VIDEOS = "3g2 3gp asf avi flv m2ts m4v mkv mov mp4 mpeg mpg mts ogv ts vob webm wmv"
_RAW = (
    "3fr ari arw bay cap cr2 cr3 crw dcr dng erf fff gpr iiq k25 kdc mef mos mrw nef nrw orf "
    "pef ptx pxn r3d raf raw rw2 rwl sr2 srf srw x3f"
)

_KINDS = {
    suffix.encode(): kind
    for suffixes, kind in ((_PICTURES, Kind.PICTURE), (_VIDEOS, Kind.VIDEO), (_RAW, Kind.RAW))
    for suffix in suffixes.split()
}


def kind(filename: bytes) -> Kind:
    """Tell a file's kind by its suffix, in whatever case; `.jpg` alone is a hidden file."""
    stem, dot, suffix = filename.rpartition(b".")
    if not dot or not stem:
        return Kind.OTHER
    return _KINDS.get(suffix.lower(), Kind.OTHER)
