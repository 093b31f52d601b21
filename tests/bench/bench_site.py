"""The gallery's cost beside sigal's: the same photographs, the same two renditions.

    python tests/bench/bench_site.py [--quick] [--photos N] [FOLDER]
    python tests/bench/bench_site.py --scale 100 10000

Without FOLDER, N photographs of 12 megapixels are made, the same ones every time: crops of
scikit-image's photographs, enlarged, with the noise of a sensor. Both programs run as
processes of their own, start-up included; the columns are their processor seconds (user and
system, children too) and, in brackets, seconds by the clock. sigal is installed into a
virtual environment of its own where it cannot be imported.
"""

from __future__ import annotations

import argparse
import importlib.util
import io
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from dataclasses import replace
from pathlib import Path

import numpy as np
import skimage.data
from PIL import Image

from picturerail_exporter.pixels import decode
from picturerail_exporter.renditions import Recipe, Size, placeholder
from picturerail_exporter.site import SiteOptions, export
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

RECIPE = Recipe(sizes=(Size("large", 2048, 2048), Size("small", 400, 300)))
SIGAL_CONFIG = """\
source = {source!r}
destination = {destination!r}
theme = "photoswipe"
img_size = (2048, 2048)
thumb_size = (400, 300)
title = "Bench"
"""
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
    parser.add_argument("--export", nargs=2, type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.export:
        run_export(*arguments.export)
        return
    with tempfile.TemporaryDirectory(prefix="bench-site-") as scratch:
        if arguments.scale:
            scale(Path(scratch), arguments.scale)
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
    ours = [sys.executable, __file__, "--export", str(store), str(site)]
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

    rows = []
    for step, prepare in (("full build", None), ("nothing changed", None), ("+1 photo", add_one)):
        if prepare:
            prepare()
        rows.append((step, measure(ours), measure(theirs)))

    total = sum(1 for path in photos.rglob("*") if path.is_file()) - 1
    print(f"{total} photographs, {platform.machine()}, {os.cpu_count()} cores; large and small")
    print("renditions; ours are WebP, sigal's JPEG. Processor seconds (by the clock).\n")
    print(f"| {'':16} | {'picturerail':>15} | {'sigal':>15} | ratio |")
    print(f"|{'-' * 18}|{'-' * 16}:|{'-' * 16}:|------:|")
    for step, (cpu, wall), (their_cpu, their_wall) in rows:
        mine, other = f"{cpu:.2f} ({wall:.2f})", f"{their_cpu:.2f} ({their_wall:.2f})"
        print(f"| {step:16} | {mine:>15} | {other:>15} | {cpu / their_cpu:5.2f} |")
    for name, path in (("picturerail", site), ("sigal", scratch / "sigal-site")):
        files = [file for file in path.rglob("*") if file.is_file()]
        size = sum(file.stat().st_size for file in files)
        print(f"\n{name}: {len(files)} files, {size / 1e6:.1f} MB", end="")
    print()


def scale(scratch: Path, counts: list[int]) -> None:
    """Print what an export costs after each kind of change, among more and more pictures."""
    print("Processor seconds of `export` after a change, start-up included; files touched.\n")
    print("| photographs | full | nothing changed | one added | one removed | folder renamed |")
    print("|---:|---:|---:|---:|---:|---:|", flush=True)
    for count in counts:
        home = scratch / str(count)
        store, site = home / "store", home / "site"
        command = [sys.executable, __file__, "--export", str(store), str(site)]
        with Database(store, Mode.CREATE) as database, database.begin() as transaction:
            transaction.put(Table.ROOTS, root_key(1), encode_record(Root("photos", "/photos")))
            for number in range(count):
                add_small(database, transaction, number)
        cells = [f"{measure(command)[0]:.2f}", f"{measure(command)[0]:.2f}"]
        with Database(store, Mode.CREATE) as database, database.begin() as transaction:
            add_small(database, transaction, count)
        cells.append(f"{measure(command)[0]:.2f}")
        with Database(store, Mode.CREATE) as database, database.begin() as transaction:
            transaction.delete(count // 2, 1)
        cells.append(f"{measure(command)[0]:.2f}")
        encoded = {path: path.stat().st_mtime_ns for path in (store / "renditions").rglob("*.webp")}
        with Database(store, Mode.CREATE) as database:
            with database.snapshot() as snapshot:
                rows = list(snapshot.images_below(1, b"0003/"))
            with database.begin() as transaction:
                for row in rows:
                    transaction.update(replace(row, path=row.path.replace(b"0003/", b"renamed/")))
        cells.append(f"{measure(command)[0]:.2f} ({len(rows)} photographs)")
        after = {path: path.stat().st_mtime_ns for path in (store / "renditions").rglob("*.webp")}
        assert encoded == after, "a renamed folder had pixels encoded"
        print(f"| {count:,} | {' | '.join(cells)} |", flush=True)


def add_small(database: Database, transaction: Transaction, number: int) -> None:
    """Add one of 40 small pictures, as one of 20 in its folder, over ten years."""
    buffer = io.BytesIO()
    Image.new("RGB", (96, 64), (number % 40 * 6, 90, 90)).save(buffer, "JPEG")
    writer = database.blob_writer()
    writer.write(buffer.getvalue())
    taken = f"{2010 + number % 10}-{number % 12 + 1:02}-{number % 28 + 1:02}T10:00:00"
    said = Description("1", tags=(Tag("sea"), Tag(f"tag{number % 500}")))
    metadata = Metadata(
        mime="image/jpeg", width=96, height=64, taken=taken, descriptions={"sidecar": said}
    )
    path = f"{number // 20:04}/{number}.jpg".encode()
    row = ImageRow(
        id=0,
        filename=path.rpartition(b"/")[2],
        metadata_json=encode_metadata(metadata),
        root=1,
        path=path,
        has_data=True,
    )
    transaction.insert(row, writer)


def measure(command: list[str]) -> tuple[float, float]:
    """Run a command; return its processor seconds and its seconds by the clock."""
    before, start = os.times(), time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wall, after = time.perf_counter() - start, os.times()
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    return (
        after.children_user - before.children_user + after.children_system - before.children_system,
        wall,
    )


def run_export(store: Path, site: Path) -> None:
    """Export, in a process of its own."""
    with Database(store) as database, database.snapshot() as snapshot:
        export(snapshot, SiteOptions(site, store / "renditions", recipe=RECIPE))


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
