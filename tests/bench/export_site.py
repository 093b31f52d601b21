"""Export a site, in a process that loads nothing else: `export_site.py STORE SITE [full] [sharp]`.

Prints which part of the processor's time went into the browser's index.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from picturerail_exporter import site as exporting
from picturerail_exporter.recipe import Recipe, Size
from picturerail_exporter.site import SiteOptions, export
from picturerail_native.database import Database

_LARGE, _, _TILE = Recipe().sizes
RECIPE = Recipe(sizes=(_LARGE, Size("small", 400, 300), _TILE))
"""The two renditions that the others make, and the tile that a site of ours has beside them."""


SHARP = replace(RECIPE, sharp=True)


def main(store: Path, site: Path, *, full: bool, recipe: Recipe = RECIPE) -> None:
    """Export, and say what the browser's index took."""
    took = [0.0]

    def timed(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            before = time.process_time()
            try:
                return real(*arguments, **named)
            finally:
                took[0] += time.process_time() - before

        return call

    exporting._bring_index = timed(exporting._bring_index)
    with Database(store) as database, database.snapshot() as snapshot:
        export(snapshot, SiteOptions(site, store / "renditions", recipe=recipe), full=full)
    print("index", took[0])


if __name__ == "__main__":
    wanted = sys.argv[3:]
    chosen = SHARP if "sharp" in wanted else RECIPE
    main(Path(sys.argv[1]), Path(sys.argv[2]), full="full" in wanted, recipe=chosen)
