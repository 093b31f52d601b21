"""Which renditions a picture gets: sizes, formats and names, as values that touch no pixel."""

from __future__ import annotations

import functools
import hashlib
import math
from dataclasses import dataclass, field

DEFAULT_MAX_PIXELS = 300_000_000
"""Beyond the largest cameras' and most stitched panoramas' pictures, and still 1 GB of pixels."""

FORMATS = {"avif": "image/avif", "webp": "image/webp", "jpeg": "image/jpeg"}
"""What renditions are encoded as, those first that a browser should rather take."""

TILE = "tile"
"""The name of the rendition that grids and searches show first."""

_RENDER_VERSION = 2
"""To be raised when the same recipe gives other bytes: renditions are then made anew."""


@dataclass(frozen=True, slots=True)
class Size:
    """A rendition's name, and the box in pixels that the picture is fitted into.

    Of WebP `quality` is 0..100; `effort` (0..6) 2 takes half the time of the codec's default for
    5 % more bytes, 1 two thirds of that for as many more.
    """

    name: str
    width: int
    height: int
    quality: int = 78
    effort: int = 2

    def of(self, width: int, height: int) -> tuple[int, int]:
        """Return a rendition's size for a picture of the given size."""
        return scaled_to(width, height, self.width, self.height)


@dataclass(frozen=True)
class Recipe:
    """What renditions to make: the largest first, each drawn from the one before.

    `large` fills a screen. `small` is sharp in a row of a justified grid, about 220 CSS
    pixels high, on a screen of twice the density. `tile` is what the grid shows elsewhere:
    some 6 kB, so that a screenful of pictures is there at once.

    `more` is what each is encoded as beside WebP: "avif" for fewer bytes, "jpeg" for whoever cannot
    show WebP. `wide` keeps colours beyond sRGB, in Display P3, where the file has them. `sharp`
    makes a JPEG's colours smaller as carefully as its brightness, at half as much time again.

    `library` names the database whose pictures they are, in 8 hexadecimal digits: tiles are named
    by it (`media.tile_name`), since ids are one database's own; what is made does not depend on it.
    """

    sizes: tuple[Size, ...] = (
        Size("large", 2048, 2048, 77, 1),
        Size("small", 800, 400),
        Size(TILE, 400, 200, 55),
    )
    more: tuple[str, ...] = ()
    wide: bool = False
    sharp: bool = field(default=False, repr=False)
    library: str = field(default="", repr=False)

    @property
    def formats(self) -> tuple[str, ...]:
        """What each rendition is encoded as."""
        return ("webp", *self.more)

    @functools.cached_property
    def version(self) -> str:
        """Names this recipe in file names: another recipe's renditions never pass for it."""
        what = (_RENDER_VERSION, self, "sharp") if self.sharp else (_RENDER_VERSION, self)
        digest = hashlib.blake2b(repr(what).encode(), digest_size=4)
        return digest.hexdigest()

    @property
    def largest(self) -> int:
        """The longest side that `pixels.decode` is to leave of a picture, in pixels."""
        longest = max(max(size.width, size.height) for size in self.sizes)
        return 2 * longest if self.sharp else longest


@functools.lru_cache(maxsize=1024)
def scaled_to(width: int, height: int, max_width: int, max_height: int) -> tuple[int, int]:
    """Return the size of a picture made to fit into a box, never larger than it is.

    Where an exact half, quarter or eighth of the picture nearly fills the box (at least
    15/16 of it), that is taken: a JPEG's colours decode to it without any resampling, which is
    faster. A 4000 x 3000 picture in a box of 2048 becomes 2000 x 1500.
    """
    scale = min(max_width / width, max_height / height)
    if scale >= 1:
        return width, height
    for divisor in (2, 4, 8):
        if scale * 15 / 16 <= 1 / divisor <= scale:
            return math.ceil(width / divisor), math.ceil(height / divisor)
    return max(1, round(width * scale)), max(1, round(height * scale))
