"""The user's own models: a classifier, a pair of encoders, or both."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from PIL.Image import Image

from picturerail_daemon.describe.clip import Clip
from picturerail_daemon.describe.interface import Answer, Subject, look
from picturerail_daemon.describe.onnx_classifier import OnnxClassifier
from picturerail_native.records import Description, Tag

MOST_TAGS = 20


class OnnxDescriber:
    """Tags of the one, vectors of the other.

    Args:
        classifier: gives words; None gives none.
        clip: gives vectors; None gives none.
        files: what the answers depend on: other files, another version.
    """

    name = "onnx"
    batch = 16

    def __init__(
        self, classifier: OnnxClassifier | None, clip: Clip | None, files: Sequence[Path]
    ) -> None:
        """Take the version from the files' sizes and times; nothing is loaded."""
        self._classifier = classifier
        self._clip = clip
        marks = [f"{path.name} {_mark(path)}" for path in files]
        self.version = f"1/{hashlib.sha256(' '.join(marks).encode()).hexdigest()[:12]}"

    def describe(self, subjects: Sequence[Subject]) -> list[Answer]:
        """Describe pictures."""
        return [look(subject, self.version, self._see) for subject in subjects]

    def _see(self, image: Image) -> Answer:
        words = self._classifier.classify(image) if self._classifier else {}
        vectors = {self._clip.space: self._clip.see(image)} if self._clip else {}
        best = sorted(words.items(), key=lambda item: (-item[1], item[0]))[:MOST_TAGS]
        tags = tuple(Tag(word, round(sure, 4)) for word, sure in best)
        return Answer(Description(self.version, tags=tags), vectors)


def _mark(path: Path) -> str:
    try:
        found = path.stat()
    except OSError:
        return "missing"
    return f"{found.st_size} {found.st_mtime_ns}"
