"""What is left of patterns too fine for a rendition, beside other programs; for `bench_site.py`."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from export_site import RECIPE, SHARP
from PIL import Image

from picturerail_exporter.pixels import decode
from picturerail_exporter.recipe import Recipe
from picturerail_exporter.renditions import render

Tones = npt.NDArray[np.float64]

WIDTH, HEIGHT = 4000, 3000
EDGE = 40
"""Pixels at a rendition's edges that are not looked at."""


def patterns() -> dict[str, bytes]:
    """Return JPEGs of patterns at full contrast, by their names in the table."""
    down, across = np.mgrid[0:HEIGHT, 0:WIDTH]

    def stripes(period: float, turned: float = 0.0) -> Tones:
        along = across * np.cos(turned) + down * np.sin(turned)
        return 127.5 + 127.5 * np.sin(2 * np.pi * along / period)

    squared = (across - WIDTH / 2) ** 2 + (down - HEIGHT / 2) ** 2
    tones = {
        "stripes of 2.2 pixels": stripes(2.2),
        "stripes of 2.5 pixels, turned by 30°": stripes(2.5, np.pi / 6),
        "stripes of 3 pixels": stripes(3),
        "stripes of 3.7 pixels": stripes(3.7),
        # From the middle outwards finer and finer, to two pixels at the left and the right.
        "zone plate": 127.5 + 127.5 * np.cos(np.pi * squared / WIDTH),
    }
    return {name: _jpeg(of) for name, of in tones.items()}


def left_of(data: bytes, scratch: Path, sigal: list[str]) -> dict[str, float]:
    """Return how far each program's large rendition is from what Pillow's own filter gives.

    The root of the mean square, in steps of 255, of what is there beyond a Lanczos of all pixels.
    """
    source = scratch / "pattern" / "photos" / "album" / "pattern.jpg"
    source.parent.mkdir(parents=True, exist_ok=True)
    source.write_bytes(data)
    made: dict[str, Callable[[], Image.Image]] = {
        "picturerail": lambda: _ours(data, RECIPE),
        "picturerail, sharp": lambda: _ours(data, SHARP),
        "vipsthumbnail": lambda: _vips(source),
        "sigal": lambda: _sigal(source, sigal),
    }
    found = {}
    with Image.open(io.BytesIO(data)) as image:
        grey = image.convert("L")
        for name, make in made.items():
            shown = make()
            wanted = grey.resize(shown.size, Image.Resampling.LANCZOS)
            apart = _tones(shown) - _tones(wanted)
            found[name] = float(np.sqrt((apart**2).mean()))
    return found


def _ours(data: bytes, recipe: Recipe) -> Image.Image:
    renditions = render(decode(io.BytesIO(data), largest=recipe.largest), recipe)
    return Image.open(io.BytesIO(renditions[0].data)).convert("L")


def _vips(source: Path) -> Image.Image:
    place = source.parents[2] / "vips.jpg"
    command = ["vipsthumbnail", "--size", "2048x2048", "-o", f"{place}[Q=85]", str(source)]
    subprocess.run(command, check=True)
    return Image.open(place).convert("L")


def _sigal(source: Path, sigal: list[str]) -> Image.Image:
    home = source.parents[2]
    config = home / "sigal.conf.py"
    config.write_text(
        f'source = "{home}/photos"\ndestination = "{home}/site"\ntheme = "photoswipe"\n'
        "img_size = (2048, 2048)\nthumb_size = (400, 300)\n"
    )
    build = [*sigal, "build", "--force", "-c", str(config)]
    subprocess.run(build, check=True, capture_output=True)
    return Image.open(home / "site" / "album" / "pattern.jpg").convert("L")


def _tones(image: Image.Image) -> Tones:
    return np.asarray(image, np.float64)[EDGE:-EDGE, EDGE:-EDGE]


def _jpeg(tones: Tones) -> bytes:
    buffer = io.BytesIO()
    grey = Image.fromarray(tones.round().clip(0, 255).astype(np.uint8))
    grey.convert("RGB").save(buffer, "JPEG", quality=95, subsampling=0)
    return buffer.getvalue()
