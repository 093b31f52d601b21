"""Reads a model's weights from the old PyTorch file format, without PyTorch.

The format (PyTorch before 1.6): five pickles, then the storages' numbers. The pickles are
read with an unpickler that knows tensors and nothing else, so a file can run no code.
"""

from __future__ import annotations

import collections
import pickle
import struct
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

Weights = dict[str, npt.NDArray[np.float32]]

_MAGIC = 0x1950A86A20F9469CFC6C
_TYPES: dict[str, np.dtype[Any]] = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}


class WeightsError(Exception):
    """The file is not what it should be."""


class _Unpickler(pickle.Unpickler):
    """Builds (storage key, offset, shape, strides) tuples; refuses every other class."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return lambda storage, offset, shape, strides, *_: (storage, offset, shape, strides)
        if module == "torch" and name in _TYPES:
            return name
        raise WeightsError(f"the weights file asks for {module}.{name}")

    def persistent_load(self, pid: Any) -> tuple[str, str]:
        kind, storage_type, key, *_ = pid
        if kind != "storage":
            raise WeightsError(f"the weights file holds a {kind}")
        return key, storage_type


def read_weights(path: Path) -> Weights:
    """Return the named tensors, contiguous.

    Raises:
        WeightsError: the file is not of this format, or is cut short.
    """
    try:
        with path.open("rb") as file:
            return _read(file)
    except (pickle.UnpicklingError, EOFError, struct.error, ValueError, TypeError) as error:
        raise WeightsError(f"{path}: no weights of the old PyTorch format: {error}") from error


def _read(file: BinaryIO) -> Weights:
    if _Unpickler(file).load() != _MAGIC:
        raise WeightsError("no magic number of the old PyTorch format")
    for _ in range(2):  # protocol version, type sizes
        _Unpickler(file).load()
    tensors: dict[str, Any] = _Unpickler(file).load()
    keys: list[str] = _Unpickler(file).load()
    types = {storage[0]: _TYPES[storage[1]] for storage, *_ in tensors.values()}
    storages = {}
    for key in keys:
        (count,) = struct.unpack("<q", file.read(8))
        data = file.read(count * types[key].itemsize)
        storages[key] = np.frombuffer(data, types[key], count)
    weights: Weights = {}
    for name, (storage, offset, shape, strides) in tensors.items():
        numbers = storages[storage[0]]
        steps = [stride * numbers.itemsize for stride in strides]
        # The tensors are views with strides of their own (channels last); copies are not.
        reach = offset + sum((n - 1) * s for n, s in zip(shape, strides, strict=True))
        if not 0 <= reach < max(1, len(numbers)):
            raise WeightsError(f"tensor {name} reaches beyond its storage")
        view = np.lib.stride_tricks.as_strided(numbers[offset:], shape, steps)
        weights[name] = np.array(view, dtype=np.float32, order="C")
    return weights
