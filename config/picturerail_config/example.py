"""The commented example configuration, made out for given folders."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

NAME = "picturerail.example.toml"


def example_text(folders: Sequence[Path]) -> str:
    """Return the example configuration with these watched folders."""
    # Installed it lies inside the package, in a checkout beside it.
    here = Path(__file__).parent
    file = next(path for path in (here / NAME, here.parent / NAME) if path.is_file())
    listed = ", ".join(
        json.dumps(str(folder), ensure_ascii=False).replace("\x7f", "\\u007f") for folder in folders
    )
    return file.read_text(encoding="utf-8").replace('["~/Pictures"] ', f"[{listed}] ", 1)
