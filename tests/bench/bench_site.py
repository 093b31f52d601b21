"""The gallery's cost beside others': the same photographs, the same two renditions.

    python tests/bench/bench_site.py [--quick] [--photos N] [FOLDER]
    python tests/bench/bench_site.py --scale 100 10000 100000 [--keep FOLDER]
    python tests/bench/bench_site.py --patterns

Without FOLDER, N photographs of 12 megapixels are made, the same ones every time: crops of
scikit-image's photographs, enlarged, with the noise of a sensor. Both programs run as
processes of their own, start-up included; the columns are their processor seconds (user and
system, children too) and, in brackets, seconds by the clock; and the largest process's peak of
memory. sigal is installed into a virtual environment of its own where it cannot be imported, and
thumbsup by npm where GraphicsMagick (`gm`) and `exiftool`, which it runs, are on PATH. What makes
the two renditions and no site, vipsthumbnail, has a column where it is on PATH.
"""

from __future__ import annotations

import argparse
import importlib.util
import io
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import skimage.data
from export_site import RECIPE
from PIL import Image
from site_pattern import left_of, patterns

from picturerail_exporter.pixels import decode
from picturerail_exporter.renditions import placeholder
from picturerail_native.database import Database, Mode, Transaction
from picturerail_native.records import (
    Description,
    ImageRow,
    Metadata,
    Root,
    Table,
    Tag,
    encode_metadata,
    encode_record,
    root_key,
)

EXPORT = Path(__file__).with_name("export_site.py")

SIGAL_CONFIG = """\
source = {source!r}
destination = {destination!r}
theme = "photoswipe"
img_size = (2048, 2048)
thumb_size = (400, 300)
title = "Bench"
"""
THUMBSUP = "thumbsup@2.18.0"
VECTORS = np.random.default_rng(1).normal(size=(500, 1280)) * 2
PICTURES = ("astronaut", "chelsea", "coffee", "rocket", "retina", "immunohistochemistry")


def main() -> None:
    """Build both galleries and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, help="photographs (default: made here)")
    parser.add_argument("--photos", type=int, default=80, help="how many to make")
    parser.add_argument("--quick", action="store_true", help="make eight only")
    parser.add_argument(
        "--scale",
        nargs="+",
        type=int,
        help="instead: what a change costs among so many small photographs",
    )
    parser.add_argument("--keep", type=Path, help="keep and use again what --scale makes, here")
    parser.add_argument(
        "--patterns", action="store_true", help="instead: what is left of stripes made smaller"
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-site-") as scratch:
        if arguments.scale:
            scale(arguments.keep or Path(scratch), arguments.scale)
            return
        if arguments.patterns:
            compare_patterns(Path(scratch))
            return
        compare(Path(scratch), arguments.folder, 8 if arguments.quick else arguments.photos)


def compare(scratch: Path, folder: Path | None, count: int) -> None:
    """Run every step of both programs, and print what each cost."""
    photos = scratch / "photos"
    if folder is None:
        make_photos(photos / "album", count)
    else:
        shutil.copytree(folder, photos)
    extra = scratch / "extra"
    make_photos(extra, 1, seed=1_000_000)
    (new,) = extra.iterdir()

    store, site = scratch / "store", scratch / "site"
    add_to_store(store, photos, sorted(path for path in photos.rglob("*") if path.is_file()))
    ours = [sys.executable, str(EXPORT), str(store), str(site)]
    config = scratch / "sigal.conf.py"
    config.write_text(
        SIGAL_CONFIG.format(source=str(photos), destination=str(scratch / "sigal-site"))
    )
    theirs = [*sigal(), "build", "-c", str(config)]

    def add_one() -> None:
        where = photos / "album"
        where.mkdir(exist_ok=True)
        shutil.copy(new, where / "new.jpg")
        add_to_store(store, photos, [where / "new.jpg"])

    commands = {"picturerail": [ours], "sigal": [theirs]}
    thumbsup_command = thumbsup()
    if thumbsup_command:
        options = "--thumb-size 400 --small-size 400 --large-size 2000 --photo-quality 85 --cleanup"
        site_of = ["--input", str(photos), "--output", str(scratch / "thumbsup-site")]
        commands["thumbsup"] = [[*thumbsup_command, *site_of, *options.split()]]
    steps = (("full build", None), ("nothing changed", None), ("one added", add_one))
    table: dict[str, list[Cost]] = {name: [] for name in commands}
    for _, prepare in steps:
        if prepare:
            prepare()
        for name, (command,) in commands.items():
            table[name].append(measure(command))
    if shutil.which("vipsthumbnail"):
        files = [str(path) for path in sorted(photos.rglob("*.jpg")) if path.name != "new.jpg"]
        table["vipsthumbnail"] = [vips(files, scratch)]

    total = sum(1 for path in photos.rglob("*") if path.is_file()) - 1
    print(f"{total} photographs, {platform.machine()}, {os.cpu_count()} cores; large and small")
    print("renditions, ours a tile too; ours are WebP, the others' JPEG. Processor seconds (by the")
    print("clock), and how much of the other's ours are.\n")
    print(f"| | {' | '.join(table)} |")
    print(f"|---|{'---:|' * len(table)}")
    for at, (step, _) in enumerate(steps):
        cells = []
        for name, costs in table.items():
            if at >= len(costs):
                cells.append("")
                continue
            ratio = f" {table['picturerail'][at].cpu / costs[at].cpu:.2f}x"
            of_other = "" if name == "picturerail" else ratio
            cells.append(f"{costs[at].cpu:.2f} ({costs[at].wall:.2f}){of_other}")
        print(f"| {step} | {' | '.join(cells)} |")
    peaks = (f"{costs[0].peak_mb:.0f} MB" for costs in table.values())
    print(f"| peak memory | {' | '.join(peaks)} |")
    for name in ("picturerail", "sigal"):
        path = site if name == "picturerail" else scratch / "sigal-site"
        found = [file for file in path.rglob("*") if file.is_file()]
        print(f"\n{name}: {len(found)} files, {sum(f.stat().st_size for f in found) / 1e6:.1f} MB")


def compare_patterns(scratch: Path) -> None:
    """Print what is left of fine patterns in the large rendition, and what each program costs."""
    print("What is in the large rendition beyond a Lanczos of all pixels: the root of the mean")
    print("square, in steps of 255; JPEGs of 12 megapixels.\n")
    for number, (name, data) in enumerate(patterns().items()):
        left = left_of(data, scratch, sigal())
        if not number:
            print(f"| | {' | '.join(left)} |")
            print(f"|---|{'---:|' * len(left)}")
        print(f"| {name} | {' | '.join(f'{far:.1f}' for far in left.values())} |", flush=True)
    photos, store = scratch / "photos", scratch / "store"
    make_photos(photos / "album", 8)
    files = sorted((photos / "album").iterdir())
    add_to_store(store, photos, files)
    config = scratch / "sigal.conf.py"
    config.write_text(SIGAL_CONFIG.format(source=str(photos), destination=str(scratch / "theirs")))
    export = [sys.executable, str(EXPORT), str(store)]
    costs = [
        measure([*export, str(scratch / "plain")]),
        measure([*export, str(scratch / "sharp"), "sharp"]),
        vips([str(file) for file in files], scratch),
        measure([*sigal(), "build", "-c", str(config)]),
    ]
    of_each = " | ".join(f"{cost.cpu / len(files):.3f} s" for cost in costs)
    print(f"| processor time of a photograph, all renditions | {of_each} |")


def vips(files: list[str], scratch: Path) -> Cost:
    """Let vipsthumbnail make both renditions of files."""
    folder = scratch / "vips"
    folder.mkdir()
    costs = [
        measure(["vipsthumbnail", "--size", size, "-o", f"{folder}/%s-{size}.jpg[Q=85]", *files])
        for size in ("2048x2048", "400x300")
    ]
    peak = max(cost.peak_mb for cost in costs)
    return Cost(sum(c.cpu for c in costs), sum(c.wall for c in costs), peak)


def scale(scratch: Path, counts: list[int]) -> None:
    """Print what an export costs after each kind of change, among more and more pictures."""
    print("Processor seconds of `export` after a change, start-up included; in brackets those of")
    print(
        "the browser's index apart from the others. Full: with all renditions in the store, which"
    )
    print("the first one makes.\n")
    print(f"| photographs | full | peak memory | {' | '.join(CHANGES)} |")
    print(f"|---:|---:|---:|{'---:|' * len(CHANGES)}", flush=True)
    for count in counts:
        home = scratch / str(count)
        store, site = home / "store", home / "site"
        command = [sys.executable, str(EXPORT), str(store), str(site)]
        if not store.exists():
            fill(store, count)
            rendering = measure(command)
            shutil.rmtree(site)
            print(
                f"| {count:,}, with rendering | {_cell(rendering)} | {rendering.peak_mb:.0f} MB |"
            )
        full = measure([*command, "full"])
        cells = [_cell(full), f"{full.peak_mb:.0f} MB"]
        encoded = renditions_of(store)
        for change in CHANGES.values():
            change(store, count)
            cells.append(_cell(measure(command)))
            if change in {rename_a_folder, rename_a_large_folder}:
                assert encoded == renditions_of(store), "a renamed folder had pixels encoded"
            encoded = renditions_of(store)
        print(f"| {count:,} | {' | '.join(cells)} |", flush=True)


def _cell(cost: Cost) -> str:
    return f"{cost.cpu - cost.index:.2f} ({cost.index:.2f})"


def fill(store: Path, count: int) -> None:
    """Make a database of so many small pictures."""
    with Database(store, Mode.CREATE) as database:
        with database.begin() as transaction:
            transaction.put(Table.ROOTS, root_key(1), encode_record(Root("photos", "/photos")))
        for first in range(0, count, 5000):
            with database.begin() as transaction:
                for number in range(first, min(first + 5000, count)):
                    add_small(database, transaction, number)


def change_nothing(_store: Path, _count: int) -> None:
    """Leave all as it is."""


def add_a_picture(store: Path, _count: int) -> None:
    """Add one."""
    with Database(store, Mode.CREATE) as database:
        with database.snapshot() as snapshot:
            last = max(row.id for row in snapshot.images())
        with database.begin() as transaction:
            add_small(database, transaction, last)


def delete_a_picture(store: Path, count: int) -> None:
    """Delete one of the middle."""
    with Database(store, Mode.CREATE) as database:
        with database.snapshot() as snapshot:
            middle = next(snapshot.images(after=count // 2)).id
        with database.begin() as transaction:
            transaction.delete(middle, 1)


def rename_a_folder(store: Path, _count: int) -> None:
    """Rename a folder of 20."""
    rename(store, b"000/0003/", b"000/renamed %d/")


def rename_a_large_folder(store: Path, _count: int) -> None:
    """Rename a folder that holds, in folders of 20, all or a thousand."""
    with Database(store) as database, database.snapshot() as snapshot:
        outer = min(row.path for row in snapshot.images()).split(b"/")[0]
    rename(store, outer + b"/", b"renamed %d/")


def rename(store: Path, before: bytes, after: bytes) -> None:
    """Rename a folder, to a name with a number of its own."""
    after %= time.time_ns()
    with Database(store, Mode.CREATE) as database:
        with database.snapshot() as snapshot:
            rows = list(snapshot.images_below(1, before)) or list(snapshot.images())[:20]
        with database.begin() as transaction:
            for row in rows:
                path = after + row.path.removeprefix(before)
                transaction.update(msgspec.structs.replace(row, path=path))


CHANGES = {
    "nothing changed": change_nothing,
    "one added": add_a_picture,
    "one removed": delete_a_picture,
    "folder of 20 renamed": rename_a_folder,
    "of 1,000 (100 of 100)": rename_a_large_folder,
}


def renditions_of(store: Path) -> dict[Path, int]:
    """Return when each rendition was written."""
    return {path: path.stat().st_mtime_ns for path in (store / "renditions").rglob("*.webp")}


def add_small(database: Database, transaction: Transaction, number: int) -> None:
    """Add a small picture unlike all others, one of 20 in its folder, over ten years."""
    buffer = io.BytesIO()
    colour = (number // 62_500 * 4, number // 250 % 250, number % 250)
    Image.new("RGB", (96, 64), colour).save(buffer, "JPEG", quality=95, comment=b"%d" % number)
    writer = database.blob_writer()
    writer.write(buffer.getvalue())
    taken = f"{2010 + number % 10}-{number % 12 + 1:02}-{number % 28 + 1:02}T10:00:00"
    said = Description("1", tags=(Tag("sea"), Tag(f"tag{number % 500}")))
    metadata = Metadata(
        mime="image/jpeg", width=96, height=64, taken=taken, descriptions={"sidecar": said}
    )
    path = f"{number // 1000:03}/{number // 20:04}/{number}.jpg".encode()
    row = ImageRow(
        id=0,
        filename=path.rpartition(b"/")[2],
        metadata_json=encode_metadata(metadata),
        root=1,
        path=path,
        has_data=True,
    )
    number = transaction.insert(row, writer)
    look = VECTORS[number % len(VECTORS)] + np.random.default_rng(number).normal(size=1280)
    key = number.to_bytes(8, "big") + b"bench/1280/cosine"
    transaction.put(Table.VECTORS, key, look.astype("<f2").tobytes())


@dataclass(frozen=True)
class Cost:
    """What a command took: seconds of processor and clock, the largest process's peak of memory.

    `index` is the part of the processor's that went into the browser's index, where it tells.
    """

    cpu: float
    wall: float
    peak_mb: float
    index: float = 0.0


IN_BETWEEN = """
import os, sys
pid = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(pid, 0)
print("peak", usage.ru_maxrss)
sys.exit(os.waitstatus_to_exitcode(status) and 1)
"""


def measure(command: list[str]) -> Cost:
    """Run a command; return what it cost."""
    # As an installed program is: its modules compiled, by the first of these runs at the latest.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    before, start = os.times(), time.perf_counter()
    with tempfile.TemporaryFile("w+") as output:
        # A small process in between: a child's peak begins with its parent's memory.
        process = subprocess.run(
            [sys.executable, "-S", "-c", IN_BETWEEN, *command],
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            check=False,
        )
        wall, after = time.perf_counter() - start, os.times()
        output.seek(0)
        told = output.read()
    if process.returncode:
        sys.exit(f"{' '.join(command[:9])}\n{told}")
    user = after.children_user - before.children_user
    cpu = user + after.children_system - before.children_system
    peak = re.search(r"^peak (\d+)$", told, re.MULTILINE)
    index = re.search(r"^index (.*)$", told, re.MULTILINE)
    return Cost(cpu, wall, int(peak[1]) / 1000 if peak else 0, float(index[1]) if index else 0.0)


def add_to_store(store: Path, photos: Path, paths: list[Path]) -> None:
    """Mirror files into the database as the daemon would, but render nothing."""
    with Database(store, Mode.CREATE) as database, database.begin() as transaction:
        root = encode_record(Root("photos", str(photos)))
        transaction.put(Table.ROOTS, root_key(1), root)
        for path in paths:
            data = path.read_bytes()
            picture = decode(io.BytesIO(data), largest=RECIPE.largest)
            writer = database.blob_writer()
            writer.write(data)
            metadata = Metadata(
                mime=picture.mime,
                width=picture.width,
                height=picture.height,
                placeholder=placeholder(picture),
            )
            transaction.insert(
                ImageRow(
                    id=0,
                    filename=os.fsencode(path.name),
                    metadata_json=encode_metadata(metadata),
                    root=1,
                    path=os.fsencode(path.relative_to(photos)),
                    has_data=True,
                ),
                writer,
            )


def make_photos(folder: Path, count: int, seed: int = 0) -> None:
    """Write JPEGs of 4000 x 3000 pixels at quality 90, the same for the same numbers."""
    folder.mkdir(parents=True)
    for number in range(seed, seed + count):
        rng = np.random.default_rng(number)
        picture = Image.fromarray(getattr(skimage.data, PICTURES[number % len(PICTURES)])())
        width = int(min(picture.width, picture.height * 4 / 3) * rng.uniform(0.6, 1))
        height = width * 3 // 4
        left = int(rng.integers(picture.width - width + 1))
        top = int(rng.integers(picture.height - height + 1))
        crop = picture.convert("RGB").crop((left, top, left + width, top + height))
        large = np.asarray(crop.resize((4000, 3000), Image.Resampling.BICUBIC))
        noise = rng.integers(-9, 10, (3000, 4000, 1), dtype=np.int16)
        pixels = (large.astype(np.int16) + noise).clip(0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"photo-{number:07}.jpg", quality=90)


def thumbsup() -> list[str]:
    """Return the command of thumbsup, installed apart where it is not there; none if it cannot."""
    found = shutil.which("thumbsup")
    if found:
        return [found]
    missing = [name for name in ("npm", "gm", "exiftool") if shutil.which(name) is None]
    if missing:
        print(f"no column of thumbsup: there is no {', '.join(missing)} on PATH", flush=True)
        return []
    home = Path(tempfile.gettempdir()) / "picturerail-bench-thumbsup"
    command = home / "node_modules/.bin/thumbsup"
    if not command.exists():
        print("installing thumbsup into", home, flush=True)
        home.mkdir(exist_ok=True)
        quiet = ["--silent", "--no-audit", "--no-fund"]
        subprocess.run(["npm", "install", *quiet, THUMBSUP], cwd=home, check=True)
    return [str(command)]


def sigal() -> list[str]:
    """Return the command of sigal, installing it apart where it is not there."""
    if importlib.util.find_spec("sigal"):
        return [sys.executable, "-m", "sigal"]
    home = Path(tempfile.gettempdir()) / "picturerail-bench-sigal"
    python = home / "bin" / "python"
    if not python.exists():
        print("installing sigal into", home, flush=True)
        venv.create(home, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "sigal>=2.5"], check=True)
    return [str(python), "-m", "sigal"]


if __name__ == "__main__":
    main()
