"""The user's own classifier: any ONNX file that takes a picture and gives a number a class."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

from picturerail_daemon.describe.interface import DescriberUnavailable
from picturerail_daemon.describe.onnx_runtime import PictureInput, open_session, run
from picturerail_daemon.describe.xmp import clean

if TYPE_CHECKING:
    import onnxruntime

Scores = Literal["softmax", "sigmoid", "probabilities"]


class OnnxClassifier:
    """Words from a model and a file of labels.

    Args:
        model: the file.
        labels: a class a line, in the order of the model's output; commas part several words for
            one class, an empty line is a class that is not told of.
        threshold: the least confidence of a class.
        scores: what the model's numbers are: "softmax" and "sigmoid" are to be done to them,
            "probabilities" are taken as they are.
        mean: of red, green and blue, in 0..1.
        std: what they are divided by.
        threads: processors to use; 0 leaves it to the library.
    """

    def __init__(
        self,
        *,
        model: Path,
        labels: Path,
        threshold: float,
        scores: Scores,
        mean: Sequence[float],
        std: Sequence[float],
        threads: int,
    ) -> None:
        """Keep what is needed; the model is read when the first picture comes."""
        self._path = model
        self._labels_path = labels
        self._threshold = threshold
        self._scores = scores
        self._mean, self._std = mean, std
        self._threads = threads

    def classify(self, image: Image.Image) -> dict[str, float]:
        """Return words with their confidence.

        Raises:
            DescriberUnavailable: the model or its labels cannot be used.
        """
        values = run(self._session, {self._input.name: self._input(image)}, "")
        labels = self._labels
        if len(values) != len(labels):
            raise DescriberUnavailable(
                f"{self._labels_path}: {len(labels)} labels for the {len(values)} classes of "
                f"{self._path}"
            )
        sure = self._sure(values)
        words: dict[str, float] = {}
        for number in np.flatnonzero(sure >= self._threshold):
            for word in labels[number]:
                words[word] = max(words.get(word, 0.0), float(sure[number]))
        return words

    def _sure(self, values: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        numbers = values.astype(np.float64)
        if self._scores == "softmax":
            numbers = np.exp(numbers - numbers.max())
            numbers = numbers / numbers.sum()
        elif self._scores == "sigmoid":
            numbers = 1 / (1 + np.exp(-np.clip(numbers, -60, 60)))
        return np.clip(numbers, 0.0, 1.0)

    @cached_property
    def _session(self) -> onnxruntime.InferenceSession:
        return open_session(self._path, self._threads)

    @cached_property
    def _input(self) -> PictureInput:
        return PictureInput(self._session, self._path, self._mean, self._std, margin=1 / 0.875)

    @cached_property
    def _labels(self) -> list[list[str]]:
        try:
            text = self._labels_path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            raise DescriberUnavailable(
                f"{self._labels_path}: the labels cannot be read: {reason}"
            ) from error
        return [
            [word for part in line.split(",") if (word := clean(part))]
            for line in text.splitlines()
        ]
