"""Detection: EfficientDet-Lite0 on COCO's 80 classes, run by LiteRT.

ImageNet, which the classifier knows, has no class for a person; COCO has, and it names several
things in one picture. The model (`data/efficientdet-lite0.tflite`, its licence beside it)
brings its label map along. Which words a class gives, and which score it needs before it is
believed, stands in `data/coco.json`: what the model likes to see where nothing is (kites,
vases, cakes) needs more.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.resources
import io
import os
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from PIL import Image

from picturerail_daemon.describe.interface import DescriberUnavailable

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

MODEL = "efficientdet-lite0.tflite"
MODEL_SHA256 = "2e04c53bfeac0ac2a30c057c7e2a777594ce39baaac35a92f74fb1e8c4fc4e0b"
MANY = 4
"""So many of a kind make a group, a herd, a flock."""


class _Kind(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a class is worth: its words, the wider ones, those of many, the least score."""

    words: tuple[str, ...] = ()
    above: tuple[str, ...] = ()
    many: tuple[str, ...] = ()
    least: float = 0.5


class Detector:
    """Tells which things are somewhere in a picture; used by one thread at a time.

    Args:
        threads: processors to use; 0 leaves it to the library.
    """

    def __init__(self, *, threads: int) -> None:
        """Load nothing yet."""
        self._threads = threads

    def detect(self, image: Image.Image) -> dict[str, float]:
        """Return words with the score of the surest thing of that name.

        Raises:
            DescriberUnavailable: the model is missing or damaged.
        """
        interpreter = self._interpreter
        taken = interpreter.get_input_details()[0]
        size = taken["shape"][1:3].tolist()[::-1]
        pixels = np.asarray(image.convert("RGB").resize(size, Image.Resampling.BILINEAR))
        interpreter.set_tensor(taken["index"], pixels[None])
        interpreter.invoke()
        # By name: 3 boxes, 2 classes, 1 scores, 0 how many.
        outputs = {
            detail["name"][-1]: interpreter.get_tensor(detail["index"])[0]
            for detail in interpreter.get_output_details()
        }
        kinds, scores = outputs["2"], outputs["1"]
        seen: dict[str, list[float]] = {}
        for kind, score in zip(kinds.tolist(), scores.tolist(), strict=True):
            if 0 <= (number := round(kind)) < len(self._labels):
                seen.setdefault(self._labels[number], []).append(score)
        return self._words(seen)

    def _words(self, seen: dict[str, list[float]]) -> dict[str, float]:
        found: dict[str, float] = {}
        for label, scores in seen.items():
            kind = self._kinds.get(label)
            believed = [score for score in scores if kind is not None and score >= kind.least]
            if kind is None or not believed:
                continue
            many = kind.many if len(believed) >= MANY else ()
            for word in (*(kind.words or (label,)), *kind.above, *many):
                found[word] = max(found.get(word, 0.0), *believed)
        return found

    @cached_property
    def _kinds(self) -> dict[str, _Kind]:
        file = importlib.resources.files("picturerail_daemon.describe") / "data" / "coco.json"
        return msgspec.json.decode(file.read_bytes(), type=dict[str, _Kind])

    @cached_property
    def _model(self) -> bytes:
        return verified(model_file(), MODEL_SHA256)

    @cached_property
    def _labels(self) -> list[str]:
        with zipfile.ZipFile(io.BytesIO(self._model)) as archive:
            return archive.read("labelmap.txt").decode().splitlines()

    @cached_property
    def _interpreter(self) -> Any:
        from ai_edge_litert.interpreter import Interpreter

        threads = self._threads or None
        with _without(b"INFO: Created TensorFlow Lite"):
            interpreter = Interpreter(model_content=self._model, num_threads=threads)
            interpreter.allocate_tensors()
        return interpreter


@contextlib.contextmanager
def _without(greeting: bytes) -> Iterator[None]:
    """Leave out a line that the library writes to standard error and no setting turns off.

    What other threads write there meanwhile comes a moment later.
    """
    sys.stderr.flush()
    held = os.dup(2)
    with tempfile.TemporaryFile() as said:
        try:
            os.dup2(said.fileno(), 2)
            yield
        finally:
            os.dup2(held, 2)
            os.close(held)
            said.seek(0)
            for line in said:
                if not line.startswith(greeting):
                    os.write(2, line)


def model_file() -> Traversable:
    """Return where the model lies."""
    return importlib.resources.files("picturerail_daemon.describe") / "data" / MODEL


def verified(file: Traversable, sha256: str) -> bytes:
    """Return a model's bytes.

    Raises:
        DescriberUnavailable: it is missing, or not the file that was tested.
    """
    try:
        data = file.read_bytes()
    except OSError as error:
        raise DescriberUnavailable(
            f"{file}: its model is missing; install the program again"
        ) from error
    if hashlib.sha256(data).hexdigest() != sha256:
        raise DescriberUnavailable(
            f"{file}: not the model that was tested; install the program again"
        )
    return data
