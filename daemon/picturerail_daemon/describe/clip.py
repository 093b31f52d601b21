"""A pair of encoders that put pictures and texts into one space, as CLIP does (Radford 2021).

A folder holds `vision.onnx`, `text.onnx` and `tokenizer.json` (the `tokenizers` library's form);
`picturerail models fetch` brings such a folder. The picture's vector is the output
`image_embeds`, the text's `text_embeds`, or else each model's first output. Both are compared by
their cosine.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from picturerail_daemon.describe.interface import DescriberUnavailable, Vector
from picturerail_daemon.describe.onnx_runtime import PictureInput, open_session, run

if TYPE_CHECKING:
    import onnxruntime
    from tokenizers import Tokenizer

VISION, TEXT, TOKENIZER = "vision.onnx", "text.onnx", "tokenizer.json"
# What CLIP's pictures are normalised with.
_MEAN = (0.48145466, 0.4578275, 0.40821073)
_STD = (0.26862954, 0.26130258, 0.27577711)
_PROMPT = "a photo of {}"
_MOST_TOKENS = 77


class Clip:
    """Both encoders, each loaded when it is first used.

    `space` names the space by its name and the bytes of its picture encoder, so that vectors of
    another model are never compared. `least` is the cosine below which a picture has nothing to
    do with a text.

    Args:
        folder: holds the three files.
        least: see above.
        threads: processors to use; 0 leaves it to the library.
        digests: the SHA-256 that files must have, by name; empty for a model of one's own.
    """

    def __init__(
        self,
        folder: Path,
        *,
        least: float,
        threads: int,
        digests: Mapping[str, str] | None = None,
    ) -> None:
        """Keep what is needed; nothing is read yet."""
        self._folder = folder
        self._threads = threads
        self._digests = digests or {}
        self.least = least

    @property
    def vision(self) -> Path:
        """The picture encoder's file."""
        return self._folder / VISION

    @property
    def text_file(self) -> Path:
        """The text encoder's file."""
        return self._folder / TEXT

    @cached_property
    def space(self) -> str:
        """The space's full name.

        Raises:
            DescriberUnavailable: the picture encoder is missing.
        """
        return f"clip/{self._folder.name}-{self._verified(VISION)[1][:8]}"

    def _verified(self, name: str) -> tuple[Path, str]:
        """Return a file and its digest, once that is the registered one, if one is."""
        path = self._folder / name
        try:
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise DescriberUnavailable(
                f"{path}: the model cannot be read: {error.strerror}; "
                "`picturerail models fetch` brings one"
            ) from error
        if digest != self._digests.get(name, digest):
            raise DescriberUnavailable(
                f"{path}: not the file that was registered; `picturerail models fetch "
                f"{self._folder.name}` brings it again"
            )
        return path, digest

    def see(self, image: Image.Image) -> Vector:
        """Return a picture's vector, of length 1.

        Raises:
            DescriberUnavailable: the model cannot be used.
        """
        wanted = self._input
        return _unit(run(self._vision, {wanted.name: wanted(image)}, "image_embeds"))

    def encode(self, text: str) -> Vector | None:
        """Return a text's vector, of length 1.

        Raises:
            DescriberUnavailable: the model cannot be used.
        """
        ids = self._tokenizer.encode(_PROMPT.format(text)).ids[:_MOST_TOKENS]
        if not ids:
            return None
        inputs: dict[str, npt.NDArray[Any]] = {}
        for wanted in self._text.get_inputs():
            length = wanted.shape[1] if isinstance(wanted.shape[1], int) else len(ids)
            row = np.zeros((1, max(length, len(ids))), np.int64)
            row[0, : len(ids)] = 1 if "mask" in wanted.name else ids
            inputs[wanted.name] = row.astype(np.int32 if "int32" in wanted.type else np.int64)
        return _unit(run(self._text, inputs, "text_embeds"))

    @cached_property
    def _vision(self) -> onnxruntime.InferenceSession:
        return open_session(self._verified(VISION)[0], self._threads)

    @cached_property
    def _input(self) -> PictureInput:
        return PictureInput(self._vision, self._folder / VISION, _MEAN, _STD, margin=1.0)

    @cached_property
    def _text(self) -> onnxruntime.InferenceSession:
        return open_session(self._verified(TEXT)[0], self._threads)

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        path, _ = self._verified(TOKENIZER)
        try:
            from tokenizers import Tokenizer
        except ImportError as error:
            raise DescriberUnavailable(
                "texts cannot be cut for the model: pip install 'picturerail[clip]'"
            ) from error
        try:
            return Tokenizer.from_file(str(path))
        except Exception as error:  # the library's own, of one bare type
            raise DescriberUnavailable(f"{path}: no tokenizer that can be read: {error}") from error


def _unit(values: npt.NDArray[np.float32]) -> Vector:
    length = float(np.linalg.norm(values))
    if not np.isfinite(length) or length == 0:
        raise ValueError("the model gave no vector")
    return (values / length).astype(np.float32)
