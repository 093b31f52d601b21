"""What the search index says of pictures one by one, in blocks of their ids.

`SEARCH_INDEX.md` draws it.
"""

from __future__ import annotations

import functools
import itertools
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence

from picturerail_exporter import media
from picturerail_exporter.collection import Photo
from picturerail_exporter.search_rows import columns
from picturerail_exporter.search_state import Told

BLOCKS = {
    "pictures": 128,
    "looks": 1024,
    "lengths": 4096,
    "values": 1024,
    "facts": 4096,
    "orders": 4096,
    "times": 4096,
}
"""What is said of pictures one by one, and how many ids share a row of it."""

_CHROMAS = (-40, -14, 0, 22)
"""How far from grey a picture's mean may be told to be, in blue or in red (ITU-R BT.601)."""
_BETWEEN_CHROMAS = tuple(sum(pair) / 2 for pair in itertools.pairwise(_CHROMAS))


_MOST_ALT = 44


def _look(photo: Photo) -> bytes:
    form = media.shape(photo.width, photo.height)
    return bytes([photo.revision % 256, form + 128, _colour(photo.colour)])


@functools.lru_cache(maxsize=4096)
def _colour(hexadecimal: str) -> int:
    """Return a colour in 8 bits: 4 bits luma, 2 each of blue's and red's difference from it.

    0, a black that is not quite one, where there is none.
    """
    if not hexadecimal:
        return 0
    red, green, blue = bytes.fromhex(hexadecimal[1:])
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    blues, reds = (
        bisect_left(_BETWEEN_CHROMAS, difference)
        for difference in (0.564 * (blue - luma), 0.713 * (red - luma))
    )
    return round(luma / 17) << 4 | blues << 2 | reds


def told_of(photo: Photo) -> Told:
    """Return what is said of a picture."""
    alt = photo.alt
    return Told(
        _look(photo),
        photo.filename,
        alt if len(alt) <= _MOST_ALT else alt[: _MOST_ALT - 1] + "…",
        photo.order,
        _all_of(photo, "tags"),
        _all_of(photo, "folder"),
        _all_of(photo, "camera"),
    )


def _all_of(photo: Photo, field: str) -> tuple[str, ...]:
    values = [value for name, value in photo.fields if name == field]
    return tuple(sorted(set(values)) if len(values) > 1 else values)


_Block = Sequence[tuple[int, Told]]


def _pictures(block: _Block) -> object:
    """Return how the pictures' files are called, and what is said of them."""
    return {
        "ids": _steps(number for number, _ in block),
        "names": [told.filename for _, told in block],
        "texts": [told.alt for _, told in block],
    }


def _looks(block: _Block) -> object:
    """Return what pictures look like, column after column."""
    looks = b"".join([told.look for _, told in block])
    return {"ids": _steps(number for number, _ in block), "looks": columns(looks).hex()}


def lengths_of(block: Sequence[tuple[int, ...]]) -> object:
    """Return how many words each field of pictures has, column after column."""
    ids, *columns = zip(*block, strict=True)
    return {"ids": _steps(ids), "words": [_hexadecimal(column) for column in columns]}


def _hexadecimal(numbers: Sequence[int]) -> str:
    """Return numbers in as many digits each as the largest takes; "" where all are 0."""
    most = max(numbers)
    digits = len(f"{most:x}")
    return "".join([f"{number:0{digits}x}" for number in numbers]) if most else ""


def _values(block: _Block) -> object:
    """Return the pictures' tags, and which pictures have which; None where none has any."""
    values = sorted({value for _, told in block for value in told.tags})
    if not values:
        return None
    number = {value: at for at, value in enumerate(values)}
    return {
        "ids": _steps(number for number, _ in block),
        "values": values,
        "of": [[number[value] for value in told.tags] for _, told in block],
    }


def _orders(block: _Block) -> object:
    """Return when pictures were taken."""
    return {
        "ids": _steps(number for number, _ in block),
        "orders": _steps(told.order for _, told in block),
    }


def _facts(block: _Block) -> object:
    """Return what many pictures in a row share."""
    return {
        "ids": _steps(number for number, _ in block),
        "folder": _sets([told.folder for _, told in block]),
        "camera": _sets([told.camera for _, told in block]),
    }


def _times(block: _Block) -> object:
    """Return when the pictures were taken: from the first of them to the last."""
    orders = [told.order for _, told in block]
    number = block[0][0] // BLOCKS["times"]
    return {"block": number, "first": min(orders), "last": max(orders)}


def _sets(told: Sequence[tuple[str, ...]]) -> dict[str, object]:
    """Return the sets of a field's values that there are, and for each picture that of its own."""
    sets = sorted(set(told))
    number = {values: at for at, values in enumerate(sets)}
    return {"sets": sets, "of": [number[each] for each in told]}


def _steps(numbers: Iterable[int]) -> list[int]:
    """Return each number less the one before."""
    steps, before = [], 0
    for number in numbers:
        steps.append(number - before)
        before = number
    return steps


SAY: Mapping[str, Callable[[_Block], object]] = {
    "pictures": _pictures,
    "looks": _looks,
    "values": _values,
    "facts": _facts,
    "orders": _orders,
    "times": _times,
}
"""What is said of a block of pictures, by kind; None where there is nothing to say."""
