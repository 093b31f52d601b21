"""The built-in models: what a picture shows, by classification, detection and plain pixels.

Nothing here needs a network. Words of several models are one tag with the surest confidence.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL.Image import Image

from picturerail_daemon.describe.classifier import SPACE, Classifier
from picturerail_daemon.describe.detector import Detector
from picturerail_daemon.describe.fingerprint import fingerprint
from picturerail_daemon.describe.interface import Answer, Subject, look
from picturerail_daemon.describe.pixels import pixel_words
from picturerail_native.records import Description, Tag

MOST_TAGS = 20


class LocalDescriber:
    """Tags and an image vector from the built-in models.

    Args:
        threshold: the least confidence of a class.
        threads: processors to use; 0 leaves it to the libraries.
        cache: a folder for the converted model.
    """

    name = "local"
    batch = 16

    def __init__(self, *, threshold: float, threads: int, cache: Path) -> None:
        """Load nothing yet: a daemon that has nothing to describe needs no model."""
        self.version = f"efficientnet-lite0+efficientdet-lite0/3/{threshold:g}"
        self._classifier = Classifier(threshold=threshold, threads=threads, cache=cache)
        self._detector = Detector(threads=threads)

    def describe(self, subjects: Sequence[Subject]) -> list[Answer]:
        """Describe pictures."""
        return [look(subject, self.version, self._see) for subject in subjects]

    def _see(self, image: Image) -> Answer:
        classes, vector = self._classifier.classify(image)
        words = merged(classes, self._detector.detect(image), pixel_words(image))
        ranked = sorted(words.items(), key=lambda item: (-item[1], item[0]))[:MOST_TAGS]
        tags = tuple(Tag(word, round(min(p, 1.0), 4)) for word, p in ranked)
        description = Description(self.version, tags=tags)
        return Answer(description, {SPACE: vector}, fingerprint=fingerprint(image))


def merged(*answers: dict[str, float]) -> dict[str, float]:
    """Return all the words, each with its surest confidence."""
    words: dict[str, float] = {}
    for answer in answers:
        for word, confidence in answer.items():
            words[word] = max(words.get(word, 0.0), confidence)
    return words
