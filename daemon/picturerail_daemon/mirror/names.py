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
    """Return whether the file describes the picture beside it."""
    return name[-4:].lower() == b".xmp"


def sidecar_stem(path: bytes) -> bytes:
    """Return what a sidecar's path and its picture's path have in common.

    `a/cat.jpg.xmp` (darktable, digiKam) and `a/cat.xmp` (Lightroom) both belong to
    `a/cat.jpg`; the stem of all three is `a/cat`, folded for case.
    """
    folder, slash, name = path.rpartition(b"/")
    if is_sidecar(name):
        name = name[:-4]
    stem = name.rpartition(b".")[0] if b"." in name[1:] else name
    return folder + slash + stem.lower()
