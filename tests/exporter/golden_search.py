"""What the golden index of the browser's search is made of.

For each new version of the format once, from the project's root::

    python -m tests.exporter.golden_search tests/exporter/golden-search-N
"""

import shutil
import sys
from pathlib import Path

from picturerail_exporter import search_beside, search_rows, search_state

from .helpers import MemorySource, index_only

NEAR = {"Grass": [("meadow", 0.5), ("lawn", 0.25)]}
FREQUENT = 450
"""In place of `search_rows.WHOLE`, so that some words have a rest."""
BESIDE = 740
"""In place of `search_beside.LONG`, so that some words are told beside others."""
OWN = 720
"""In place of `search_beside.OWN`, so that one word's list tells where it is near these, and
another's does not."""
APART = 2
"""In place of `search_beside.APART`, so that of some it is told apart."""
BANDED = 600
SHOWN = 1300
"""In place of those of `search_rows`, so that some words are in bands, and some show only a few."""
MANY_FILES = 1
"""In place of `search_state.MANY_FILES`, so that some are told in pages."""
INVITING = 16
"""In place of `search_rows.INVITING`, so that some words lie in the list of terms."""


def pictures() -> MemorySource:
    """Return pictures with something for most kinds of rows; none can be decoded."""
    source = MemorySource()
    source.root(1, "Pictures")
    size = {"width": 30, "height": 20}
    source.add("Küche/IMG_2041.jpg", b"1", tags=("Grass", "sun"), camera="Canon EOS", **size)
    source.add("a.jpg", b"2", caption="A hot dog", taken="2019-06-01T10:00:00", **size)
    source.add("b.jpg", b"3", caption="running dogs", tags=("hot dog",), **size)
    for number in range(4, 1504):
        boat = ("boat", "boats")[number % 2]
        caption = f"{boat} " * (1 + number % 3) + "common " * (1 + number % 5)
        caption += "the " * (number % 4) + f"n{number % 700}"
        caption += " quay" * (number % 15 < 7) + " mole" * (number % 37 < 18)
        caption += " boatyard" * (number % 99 == 0)
        caption += " harbour" * (number % 5 < 3) + " small" * (number % 7) + " pier" * (number % 2)
        source.add(f"{number}.jpg", str(number).encode(), caption=caption, **size)
    return source


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir()
    search_rows.WHOLE = FREQUENT
    search_rows.BANDED, search_rows.SHOWN = BANDED, SHOWN
    search_rows.INVITING = INVITING
    search_state.MANY_FILES = MANY_FILES
    search_beside.LONG = BESIDE
    search_beside.OWN = OWN
    search_beside.APART = APART
    index_only(pictures(), NEAR, folder)
    shutil.rmtree(folder / "engine")
