"""`make run`: mirrors a folder of real photographs and shows what came of it.

    python daemon/tools/demo.py [FOLDER]

Without a folder the photographs are those that come inside scikit-image and scikit-learn.
Everything is made below build/demo; a folder of one's own is only read.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

DEMO = Path("build/demo").resolve()
PHOTOGRAPHS = {
    "skimage.data": (
        "astronaut.png",
        "chelsea.png",
        "coffee.png",
        "hubble_deep_field.jpg",
        "motorcycle_left.png",
        "rocket.jpg",
    ),
    "sklearn.datasets.images": ("china.jpg", "flower.jpg"),
}
SEARCHES = ("kitten", "drink")


def gather(target: Path) -> Path:
    """Copy the packages' photographs into a folder."""
    target.mkdir(parents=True, exist_ok=True)
    for package, names in PHOTOGRAPHS.items():
        for name in names:
            source = files(package) / name
            if source.is_file() and not (target / name).exists():
                (target / name).write_bytes(source.read_bytes())
    return target


def picturerail(*arguments: str) -> str:
    """Run a command as a user would, and show it."""
    print(f"$ picturerail {' '.join(arguments)}", flush=True)
    command = [sys.executable, "-m", "picturerail_daemon", "--config", str(DEMO / "demo.toml")]
    done = subprocess.run([*command, *arguments], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        sys.exit(done.returncode)
    return done.stdout


def main(photos: Path | None) -> None:
    """Mirror, export, search, and say where to look."""
    folder = photos.expanduser().resolve() if photos else gather(DEMO / "photos")
    DEMO.mkdir(parents=True, exist_ok=True)
    (DEMO / "demo.toml").write_text(
        f"[library]\nfolders = [{json.dumps(str(folder))}]\n"
        '[store]\npath = "store"\n[export]\npath = "site"\n'
    )
    print(f"Mirroring {folder} into {DEMO / 'store'}", flush=True)
    print(picturerail("sync"), end="")
    print(picturerail("export"), end="")
    status = json.loads(picturerail("status", "--json"))
    print(f"{status['photos']} photos, {status['failed']} could not be read")
    for query in SEARCHES:
        print(picturerail("search", query, "--limit", "3"), end="")
    print(f"\nThe gallery: {(DEMO / 'site' / 'index.html').as_uri()}")
    program = shutil.which("picturerail") or ".venv/bin/picturerail"
    print(f"To look at it: {program} --config {DEMO / 'demo.toml'} serve")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
