"""What a describer is given and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
from PIL.Image import Image

from picturerail_native.records import Description

Vector = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Embedded:
    r"""The metadata blocks inside a picture's file, as they stand there.

    `exif` begins with its TIFF header (or b"Exif\0\0"), `xmp` is an RDF/XML packet; empty
    where there is none. `iptc` maps (record, dataset) to the values given.
    """

    exif: bytes = b""
    xmp: bytes = b""
    iptc: Mapping[tuple[int, int], tuple[bytes, ...]] = field(default_factory=dict)


class Beside(NamedTuple):
    """A file beside a picture that tells of it: its name's ending in small letters, its bytes."""

    ending: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Subject:
    """A picture to be described. The callables do their work when called, and only then.

    Attributes:
        filename: its name.
        embedded: reads the metadata inside its file.
        sidecars: reads the files beside it that tell of it, the most specific first.
        small: an upright sRGB picture of at least 320 pixels on its shorter side, if the
            original has them; what a classifier needs.
        large: the same, of about 2,000 pixels on its longer side; what a service needs.
    """

    filename: bytes
    embedded: Callable[[], Embedded]
    sidecars: Callable[[], tuple[Beside, ...]]
    small: Callable[[], Image]
    large: Callable[[], Image]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a describer says of one picture.

    `vectors` maps a space's full name to the picture's vector in it. `retry_seconds` is when
    to ask again where the description's state is "waiting". `fingerprint` is the picture's
    perceptual hash where the describer makes one, else "".
    """

    description: Description
    vectors: Mapping[str, Vector] = field(default_factory=dict)
    retry_seconds: float = 60.0
    fingerprint: str = ""


def look(subject: Subject, version: str, see: Callable[[Image], Answer]) -> Answer:
    """Return what a model on this machine says of a picture; its trouble is a failed answer.

    Args:
        subject: the picture.
        version: the describer's.
        see: is given the small picture, read.

    Raises:
        DescriberUnavailable: the model cannot be used at all.
    """
    try:
        image = subject.small()
        image.load()
    except Exception as error:
        return Answer(Description(version, "failed", f"cannot be shown: {error}"))
    try:
        return see(image)
    except DescriberUnavailable:
        raise
    except Exception as error:
        return Answer(Description(version, "failed", f"cannot be described: {error}"))


class Describer(Protocol):
    """One source of words. Used by one thread at a time.

    `name` is the source's name in the configuration. A changed `version` has every picture
    described again. `batch` is how many pictures it likes to get at once.
    """

    name: str
    version: str
    batch: int

    def describe(self, subjects: Sequence[Subject]) -> list[Answer]:
        """Describe pictures; the answers are in the order of the subjects.

        One picture's trouble is an answer with state "failed" or "waiting", never an
        exception. DescriberUnavailable means that none can be described now.
        """
        ...


class DescriberUnavailable(Exception):  # noqa: N818  a state, not a defect
    """The describer cannot work as it is set up (no model file, no key); one clear line.

    `seconds` is when it is worth trying again, where that is known.
    """

    def __init__(self, reason: str, *, seconds: float | None = None) -> None:
        """Keep the reason and when."""
        super().__init__(reason)
        self.seconds = seconds


class TextEncoder(Protocol):
    """Gives texts vectors in a space that pictures have vectors in, too."""

    @property
    def least(self) -> float:
        """The cosine below which a picture has nothing to do with a text."""
        ...

    @property
    def space(self) -> str:
        """The space's full name."""
        ...

    def encode(self, text: str) -> Vector | None:
        """Return a text's vector; None where it says nothing that the space knows.

        Raises:
            DescriberUnavailable: it cannot be asked now.
        """
        ...
