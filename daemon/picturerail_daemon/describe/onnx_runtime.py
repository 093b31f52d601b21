"""What the describers that run a user's own ONNX files share: sessions, inputs, pixels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from picturerail_daemon.describe.interface import DescriberUnavailable

if TYPE_CHECKING:
    import onnxruntime

USUAL_SIZE = 224


def open_session(path: Path, threads: int) -> onnxruntime.InferenceSession:
    """Load a model; `threads` 0 leaves it to the library.

    Raises:
        DescriberUnavailable: the file is missing or no model that can be run.
    """
    import onnxruntime

    if not path.is_file():
        raise DescriberUnavailable(f"{path}: there is no such model file")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the library's own, of many types
        raise DescriberUnavailable(f"{path}: no model that can be run: {_line(error)}") from error


class PictureInput:
    """How a model wants a picture, as its first input says: order, size, type.

    Args:
        session: the model.
        path: its file, for messages.
        mean: of red, green and blue, in 0..1.
        std: what they are divided by.
        margin: how much more than the input's side the shorter side is scaled to before the
            centre is cut out of it.
    """

    def __init__(
        self,
        session: onnxruntime.InferenceSession,
        path: Path,
        mean: Sequence[float],
        std: Sequence[float],
        margin: float,
    ) -> None:
        """Read what the model says of its input.

        Raises:
            DescriberUnavailable: it takes no picture.
        """
        wanted = session.get_inputs()[0]
        shape: list[Any] = list(wanted.shape)
        if len(shape) != 4 or 3 not in (shape[1], shape[3]):
            raise DescriberUnavailable(
                f"{path}: its input {wanted.name} has the shape {shape}; a picture has "
                "[n, 3, height, width] or [n, height, width, 3]"
            )
        self.name = wanted.name
        self._channels_first = shape[1] == 3
        height = shape[2] if self._channels_first else shape[1]
        width = shape[3] if self._channels_first else shape[2]
        self._size = (
            width if isinstance(width, int) and width > 0 else USUAL_SIZE,
            height if isinstance(height, int) and height > 0 else USUAL_SIZE,
        )
        self._bytes = wanted.type == "tensor(uint8)"
        self._half = wanted.type == "tensor(float16)"
        self._mean = np.asarray(mean, np.float32)
        self._std = np.asarray(std, np.float32)
        self._margin = margin

    def __call__(self, image: Image.Image) -> npt.NDArray[Any]:
        """Return one picture as the model's input, a batch of one."""
        rgb = image.convert("RGB")
        width, height = self._size
        scale = max(width * self._margin / rgb.width, height * self._margin / rgb.height)
        left, top = (rgb.width - width / scale) / 2, (rgb.height - height / scale) / 2
        box = (left, top, left + width / scale, top + height / scale)
        cut = rgb.resize(self._size, Image.Resampling.BICUBIC, box=box)
        pixels: npt.NDArray[Any] = np.asarray(cut)
        if not self._bytes:
            pixels = (np.asarray(cut, np.float32) / 255 - self._mean) / self._std
            if self._half:
                pixels = pixels.astype(np.float16)
        if self._channels_first:
            pixels = pixels.transpose(2, 0, 1)
        return np.ascontiguousarray(pixels[None])


def run(
    session: onnxruntime.InferenceSession, inputs: dict[str, npt.NDArray[Any]], output: str
) -> npt.NDArray[np.float32]:
    """Return the first row of an output; of the first output where none has that name."""
    names = [found.name for found in session.get_outputs()]
    wanted = output if output in names else names[0]
    values = session.run([wanted], inputs)[0]
    row: npt.NDArray[np.float32] = np.asarray(values, np.float32).reshape(len(values), -1)[0]
    return row


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:300]
