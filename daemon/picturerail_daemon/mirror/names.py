"""Names that are never pictures of their own: temporary files, sidecars, hidden folders."""

from __future__ import annotations

import re

# What editors, browsers, rsync, cameras and sync clients write until a file is complete.
_TEMPORARY = re.compile(
    rb"""(?ix)
      ^\.                                # hidden, rsync's .NAME.XXXXXX, editors' swap files
    | ~$                                 # backups
    | ^~\$                               # office locks
    | \.(tmp|temp|part|partial|crdownload|download|filepart|swp|swx|lock|!qb|!ut|aria2)$
    | ^\#.*\#$                           # emacs
    | _exiftool_tmp$
    | \.(sync-conflict-.*\.tmp|syncthing\..*\.tmp)$
    """
)
_SKIPPED_FOLDERS = frozenset({b"@eaDir", b"#recycle", b"lost+found", b"$RECYCLE.BIN", b"__MACOSX"})


def is_temporary(name: bytes) -> bool:
    """Return whether a file of this name is somebody's work in progress."""
    return _TEMPORARY.search(name) is not None


def is_skipped_folder(name: bytes) -> bool:
    """Return whether a folder of this name holds no pictures of the user's."""
    return name.startswith(b".") or name in _SKIPPED_FOLDERS


def is_sidecar(name: bytes) -> bool:
    """Return whether a file may tell of a picture beside it, by its name."""
    return name.lower().endswith((b".xmp", b".json", b".txt"))


def sidecar_stem(path: bytes) -> bytes:
    """Return what an `.xmp` or `.txt` file's path and its picture's path have in common.

    `a/cat.jpg.xmp` (darktable, digiKam) and `a/cat.xmp` (Lightroom) both belong to
    `a/cat.jpg`; the stem of all three is `a/cat`, folded for case.
    """
    folder, slash, name = path.rpartition(b"/")
    if name.lower().endswith((b".xmp", b".txt")):
        name = name[:-4]
    stem = name.rpartition(b".")[0] if b"." in name[1:] else name
    return folder + slash + stem.lower()


def sidecars_of(path: bytes) -> tuple[bytes, ...]:
    """Return the paths of the files that may tell of a picture, the most specific first.

    `cat.jpg.xmp` belongs to `cat.jpg` alone, `cat.xmp` to everything named `cat`; so do `.txt`
    files. Google Takeout writes `cat.jpg.supplemental-metadata.json` (`cat.jpg.json` before 2024),
    the name before `.json` cut off after 46 letters, `cat.jpg(1).json` for `cat(1).jpg`, and one
    for `cat.jpg` and `cat-edited.jpg` together.
    """
    stem = path[: len(sidecar_stem(path))]
    xmp = [base + end for base in (path, stem) for end in (b".xmp", b".XMP")]
    text = [base + end for base in (path, stem) for end in (b".txt", b".TXT")]
    return tuple(dict.fromkeys([*xmp, *_takeout_of(path), *text]))


_NUMBERED = re.compile(rb"(.*)(\(\d+\))(\.[^.]*)", re.DOTALL)
_EDITED = re.compile(rb"(.*)-(?:edited|bearbeitet|modifi\xc3\xa9|editado)(\.[^.]*)", re.DOTALL)
_LONGEST_TAKEOUT = 46


def _takeout_of(path: bytes) -> list[bytes]:
    folder, slash, name = path.rpartition(b"/")
    if edited := _EDITED.fullmatch(name):
        name = edited[1] + edited[2]
    numbered = _NUMBERED.fullmatch(name)
    name, number = (numbered[1] + numbered[3], numbered[2]) if numbered else (name, b"")
    whole = (name + b".supplemental-metadata", name)
    cut = (base[:_LONGEST_TAKEOUT] for base in whole)
    return [folder + slash + base + number + b".json" for base in cut]
