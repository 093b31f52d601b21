"""The daemon: what it misses (nothing), how late it is, and what it costs, beside the floors.

    python tests/bench/bench_daemon.py [--full] [--folder DIR]

Every row that counts pictures compares the store with the folders afterwards, and fails where
one is missing, double, or lost its id. Without --full the numbers are smaller by ten, so that
it takes minutes. Processor times are of the daemon's process or of the thread under test.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import platform
import random
import shutil
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import skimage.data
from PIL import Image

from picturerail_daemon.mirror.listing import Scope
from picturerail_daemon.mirror.mirror import Mirror, MirrorOptions
from picturerail_daemon.watch.inotify import FolderWatches
from picturerail_native.database import Database, Mode
from picturerail_native.records import (
    FileStat,
    ImageRow,
    Metadata,
    Root,
    Table,
    encode_metadata,
    encode_record,
    root_key,
)
from picturerail_native.search import Reader

SEED = 20_261_125
SETTLE = 0.5


class Home:
    """Two photo folders, store and site in one place, and the daemon over them."""

    def __init__(self, folder: Path, *, settle: float = SETTLE, automatic: bool = False) -> None:
        """Make the folders and the configuration."""
        self.folder = folder
        self.photos, self.second = folder / "photos", folder / "second"
        self.store = folder / "store"
        for root in (self.photos, self.second):
            root.mkdir(parents=True)
            (root / "stays.bmp").write_bytes(bitmap(0))
        self.config = folder / "picturerail.toml"
        self.config.write_text(
            f'[library]\nfolders = ["photos", "second"]\n[store]\npath = "store"\n'
            f'[describe]\nsources = []\n[export]\npath = "site"\n'
            f"automatic = {str(automatic).lower()}\n"
            f"[watch]\nsettle_seconds = {settle}\nhold_deletions_above = 1\n"
        )

    def run(self, *arguments: str) -> None:
        """Run a command."""
        subprocess.run(
            [sys.executable, "-m", "picturerail_daemon", "--config", self.config, *arguments],
            check=True,
            stdout=subprocess.DEVNULL,
        )

    @contextlib.contextmanager
    def daemon(self) -> Iterator[int]:
        """Run the daemon for the length of a block; yields its process id once it is ready."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind("\0picturerail-bench-" + os.urandom(8).hex())
            manager.settimeout(120)
            address = "@" + manager.getsockname()[1:].decode()
            process = subprocess.Popen(
                [sys.executable, "-m", "picturerail_daemon", "--config", self.config, "run"],
                env={**os.environ, "NOTIFY_SOCKET": address},
                stderr=subprocess.DEVNULL,
            )
            while b"READY=1" not in manager.recv(4096):
                pass
            try:
                yield process.pid
            finally:
                process.send_signal(signal.SIGTERM)
                process.wait(120)

    def wait(self) -> None:
        """Wait until everything is in."""
        self.run("wait", "--timeout", "3000")

    def ids(self) -> dict[bytes, int]:
        """Return path → id of every live picture; a path that stands twice is an error."""
        with Database(self.store / "database", Mode.READ) as store, store.snapshot() as snapshot:
            rows = [((row.root, row.path), row.id) for row in snapshot.images()]
        assert len(rows) == len(dict(rows)), "two rows at one place"
        return {b"%d/" % root + path: number for (root, path), number in rows}


def bitmap(number: int) -> bytes:
    """Return a small picture like no other, as a BMP file of 70 bytes."""
    pixels = struct.pack("<QQ", number, number ^ 0x5555)
    header = struct.pack("<2sIHHI", b"BM", 54 + len(pixels), 0, 0, 54)
    return header + struct.pack("<IiiHHIIiiII", 40, 2, 2, 1, 24, 0, 16, 0, 0, 0, 0) + pixels


def cpu_of(pid: int) -> float:
    """Return the processor seconds that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def status_of(pid: int, key: str) -> int:
    """Return a number out of /proc/PID/status, of all threads together where it is per thread."""
    paths = [Path(f"/proc/{pid}/status")]
    if key.endswith("switches"):
        paths = list(Path(f"/proc/{pid}/task").glob("*/status"))
    total = 0
    for path in paths:
        line = next(li for li in path.read_text().splitlines() if li.startswith(key + ":"))
        total += int(line.split()[1])
    return total


def io_of(pid: int) -> tuple[int, int]:
    """Return the bytes that a process has read and written by system calls."""
    lines = dict(line.split(": ") for line in Path(f"/proc/{pid}/io").read_text().splitlines())
    return int(lines["rchar"]), int(lines["wchar"])


def row(what: str, *cells: str) -> None:
    """Print one line of the table."""
    print(f"{what:58}", *(f"{cell:>16}" for cell in cells), flush=True)


def writer(folder: Path, folders: int, each: int, first: int) -> float:
    """Write pictures into folders as fast as they can be made; return the seconds."""
    contents = [bitmap(first + number) for number in range(folders * each)]
    begun = time.perf_counter()
    for number in range(folders):
        here = folder / f"d{number:05}" / "s"
        here.mkdir(parents=True, exist_ok=True)
        for index in range(each):
            path = here / f"f{index:05}.bmp"
            descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o644)
            os.write(descriptor, contents[number * each + index])
            os.close(descriptor)
    return time.perf_counter() - begun


def bench_bursts(folder: Path, scale: int) -> None:
    """Storms of files and of renames: every one mirrored, none twice, ids kept."""
    home = Home(folder)
    with home.daemon() as pid:
        home.wait()

        def storm(what: str, files: int, act: Callable[[], object]) -> None:
            before, begun = cpu_of(pid), time.perf_counter()
            act()
            home.wait()
            took, cpu = time.perf_counter() - begun, cpu_of(pid) - before
            missing = 2 + expected[0] - len(home.ids())
            assert missing == 0, f"{missing} pictures are missing"
            row(
                f"{what}, {files:,}", "all mirrored", f"{took:.1f} s", f"{1e6 * cpu / files:.0f} µs"
            )

        expected = [0]
        new = 20_000 // scale
        source = folder / "source"
        writer(source, 200, new // 200, 1_000_000)

        def write_new() -> None:
            expected[0] += new
            writer(home.photos / "new", 200, new // 200, 1)

        def copy_new() -> None:
            expected[0] += new
            subprocess.run(["cp", "-r", source, home.photos / "copied"], check=True)

        storm("new files in 200 new folders, fast writer", new, write_new)
        storm("new files in 200 new folders, cp -r", new, copy_new)
        standing = 100_000 // scale

        def write_standing() -> None:
            writer(home.photos / "standing", 500, standing // 500, 2_000_000)

        for number in range(500):
            (home.photos / "standing" / f"d{number:05}" / "s").mkdir(parents=True)
        home.wait()
        expected[0] += standing
        storm("new files in 500 standing folders", standing, write_standing)

        renames = 10_000 // scale
        paths = sorted((home.photos / "standing").rglob("*.bmp"))[:renames]
        before = {path.name + str(path.parent.parent.name): 0 for path in paths}
        by_old = home.ids()
        prefix = len(os.fsencode(home.photos)) + 1
        old_ids = [by_old[b"1/" + os.fsencode(path)[prefix:]] for path in paths]
        assert len(before) == len(old_ids)
        targets = [home.photos / f"r{number:05}.bmp" for number in range(renames)]

        def rename(sources: list[Path], to: list[Path]) -> None:
            for one, two in zip(sources, to, strict=True):
                one.rename(two)

        storm("renames in one folder tree", renames, lambda: rename(paths, targets))
        by_new = home.ids()
        assert old_ids == [by_new[b"1/" + os.fsencode(path.name)] for path in targets]
        others = [home.second / path.name for path in targets]
        storm("renames across two watched folders", renames, lambda: rename(targets, others))
        by_new = home.ids()
        assert old_ids == [by_new[b"2/" + os.fsencode(path.name)] for path in others]
        row("    ids kept by the renames", f"{2 * renames:,}")


def bench_events(folder: Path) -> None:
    """The processor time of one file's events, beside a reader that only parses them."""
    files = 4_000
    contents = bitmap(1)

    def fill(where: Path) -> None:
        for number in range(files):
            (where / f"{number}.bmp").write_bytes(contents)

    def measured(understand: Callable[[FolderWatches, bytes], object]) -> float:
        """Fill a folder, and return the processor seconds that its events take."""
        where = Path(tempfile.mkdtemp(dir=folder))
        watches = FolderWatches(lambda _: None, lambda: None, lambda: None, lambda: None)
        descriptor = os.open(where, os.O_RDONLY)
        assert watches.arm(1, b"", descriptor) == 0
        os.close(descriptor)
        fill(where)
        buffer = os.read(watches._inotify_fd, 1 << 22)
        begun = time.thread_time()
        understand(watches, buffer)
        cpu = time.thread_time() - begun
        watches.start()
        watches.stop()
        watches.join()
        return cpu

    def parse(_watches: FolderWatches, buffer: bytes) -> set[bytes]:
        offset, names = 0, set()
        while offset < len(buffer):
            _, _, _, length = struct.unpack_from("iIII", buffer, offset)
            names.add(buffer[offset + 16 : offset + 16 + length].rstrip(b"\0"))
            offset += 16 + length
        return names

    mine = min(measured(FolderWatches._understand) for _ in range(5)) / files * 1e6
    theirs = min(measured(parse) for _ in range(5)) / files * 1e6
    row("events of a new file, processor", f"{mine:.2f} µs", f"raw {theirs:.2f} µs",
        f"{mine / theirs:.2f}x")  # fmt: skip


def bench_latency(folder: Path) -> None:
    """From closing a file to finding it by search in another process."""
    home = Home(folder)
    times = []
    with home.daemon():
        home.wait()
        with Reader(home.store / "index") as reader:
            del reader
        for number in range(40):
            path = home.photos / f"latency{number:03}.bmp"
            path.write_bytes(bitmap(7_000_000 + number))
            begun = time.perf_counter()
            while True:
                with Reader(home.store / "index") as reader:
                    if reader.search(f'"latency{number:03}"', limit=1).hits:
                        break
                time.sleep(0.002)
            times.append(time.perf_counter() - begun)
    times.sort()
    row(
        "closed → durable and searchable, beyond the settle time",
        f"median {1e3 * (statistics.median(times) - SETTLE):.0f} ms",
        f"p99 {1e3 * (times[-1] - SETTLE):.0f} ms",
    )


def bench_scan(folder: Path, scale: int) -> None:
    """The start-up scan of files that are as they were, beside find."""
    files = 200_000 // scale
    photos = folder / "photos"
    writer(photos, 2_000 // scale, 100, 1)
    metadata = encode_metadata(Metadata("image/bmp", 2, 2))
    with Database(folder / "store", Mode.CREATE) as database:
        mirror = Mirror(
            database,
            {1: os.fsencode(photos)},
            {},
            lambda *_: Metadata("image/bmp", 2, 2),
            lambda name: "picture" if name.endswith(b".bmp") else "other",
            MirrorOptions(0.0, keep_originals=False, hold_share=1.0),
        )
        with database.begin() as transaction:
            root = Root("photos", str(photos))
            transaction.put(Table.ROOTS, root_key(1), encode_record(root))
        look = mirror.begin()
        look.step()
        stats: dict[bytes, FileStat] = look.listings[1].pictures
        look.close()
        paths = sorted(stats)
        for start in range(0, len(paths), 10_000):
            with database.begin() as transaction:
                for path in paths[start : start + 10_000]:
                    name = path.rpartition(b"/")[2]
                    digest = random.Random(path).randbytes(32)
                    transaction.insert(ImageRow(0, name, metadata, 1, path, digest, stats[path]))

        def ours() -> float:
            begun = time.process_time()
            look = mirror.begin({1: [Scope()]})
            while look.step():
                pass
            assert (look.report.unchanged, look.total) == (files, 0)
            return time.process_time() - begun

        def find() -> float:
            before = os.times()
            subprocess.run(
                ["find", photos, "-type", "f", "-printf", "%i %s %T@ %C@ %p\\0"],
                check=True,
                stdout=subprocess.DEVNULL,
            )
            after = os.times()
            return (after.children_user - before.children_user) + (
                after.children_system - before.children_system
            )

        mine, theirs = min(ours() for _ in range(3)), min(find() for _ in range(3))
        mirror.close()
    row(
        f"scan of {files:,} unchanged files, processor",
        f"{mine:.2f} s",
        f"find {theirs:.2f} s",
        f"{mine / theirs:.1f}x",
    )


def bench_idle(folder: Path, scale: int) -> None:
    """Wake-ups and memory of a daemon with nothing to do."""
    folders = 100_000 // scale
    home = Home(folder)
    for number in range(folders):
        (home.photos / f"{number // 300}" / f"{number}").mkdir(parents=True)
    with home.daemon() as pid:
        home.wait()
        time.sleep(1)
        cpu = cpu_of(pid)
        switches = status_of(pid, "voluntary_ctxt_switches")
        time.sleep(10)
        switches = status_of(pid, "voluntary_ctxt_switches") - switches
        row(
            f"idle, {folders:,} folders watched, 10 s",
            f"{switches} wake-ups",
            f"{cpu_of(pid) - cpu:.2f} s CPU",
            f"{status_of(pid, 'VmRSS') / 1024:.0f} MB",
        )


def photograph(rng: np.random.Generator, number: int) -> bytes:
    """Return a 12-megapixel JPEG with a sensor's noise."""
    name = ("astronaut", "chelsea", "coffee", "rocket")[number % 4]
    image = Image.fromarray(getattr(skimage.data, name)()).resize((4000, 3000), Image.BICUBIC)
    noisy = np.asarray(image).astype(np.int16) + rng.integers(-6, 7, (3000, 4000, 1))
    out = io.BytesIO()
    Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)).save(out, "JPEG", quality=90)
    return out.getvalue()


def bench_import(folder: Path, photos: int) -> None:
    """Importing camera files, beside bare decoding, resizing and encoding of the same."""
    from picturerail_exporter.pixels import decode
    from picturerail_exporter.recipe import Recipe
    from picturerail_exporter.renditions import render

    rng = np.random.default_rng(SEED)
    contents = [photograph(rng, number) for number in range(photos)]
    recipe = Recipe()
    begun = time.process_time()
    for content in contents:
        picture = decode(io.BytesIO(content), max_pixels=200_000_000, largest=recipe.largest)
        render(picture, recipe)
    bare = time.process_time() - begun
    home = Home(folder)
    with home.daemon() as pid:
        home.wait()
        before, clock = cpu_of(pid), time.perf_counter()
        for number, content in enumerate(contents):
            (home.photos / f"{number:03}.jpg").write_bytes(content)
        home.wait()
        cpu, took = cpu_of(pid) - before, time.perf_counter() - clock - SETTLE
    row(
        f"import of {photos} JPEGs of 12 megapixels, processor",
        f"{cpu:.1f} s",
        f"bare {bare:.1f} s",
        f"{bare / cpu:.2f} of bare",
    )
    row("    by the clock, on all cores", f"{took:.1f} s", "", f"{cpu / took:.2f} cores used")


def bench_change(folder: Path, scale: int) -> None:
    """What one change costs in bytes, in a small and in a large library."""
    for count in (1_000, 100_000 // scale):
        home = Home(folder / str(count))
        writer(home.photos, count // 100, 100, 1)
        changed = home.photos / "d00001" / "s" / "f00001.bmp"
        steps = [
            ("changed", changed, bitmap(99_000_001)),
            # Its folder is the one that all the others lie in.
            ("new", home.photos / "new.bmp", bitmap(99_000_002)),
            ("deleted", changed, None),
        ]
        with home.daemon() as pid:
            home.wait()
            (home.photos / "d00000" / "s" / "f00000.bmp").write_bytes(bitmap(99_000_000))
            home.wait()
            for what, path, content in steps:
                before = io_of(pid)
                if content is None:
                    path.unlink()
                else:
                    path.write_bytes(content)
                await_mirrored(home, path, content)
                after = io_of(pid)
                row(
                    f"one {what} photo among {count:,}",
                    f"{(after[0] - before[0]) / 1e3:.0f} kB read",
                    f"{(after[1] - before[1]) / 1e3:.0f} kB written",
                )


def await_mirrored(home: Home, path: Path, content: bytes | None) -> None:
    """Wait until the store holds that content (or no picture) there, and a second more."""
    deadline = time.monotonic() + 60
    while True:
        with (
            Database(home.store / "database", Mode.READ) as store,
            store.snapshot() as snapshot,
        ):
            held = snapshot.find_path(1, os.fsencode(path.relative_to(home.photos)))
            if held is None and content is None:
                break
            if held is not None and content is not None:
                with snapshot.open_blob(held.content_hash) as blob:
                    if blob.readall() == content:
                        break
        assert time.monotonic() < deadline, f"{path} is not mirrored"
        time.sleep(0.5)
    time.sleep(1)


def main() -> None:
    """Read the options and run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--full", action="store_true", help="the full numbers; takes half an hour")
    parser.add_argument("--folder", type=Path, help="on the disk to measure (default: TMPDIR)")
    parser.add_argument("--only", help="one of bursts events latency scan idle import change")
    options = parser.parse_args()
    scale = 1 if options.full else 10
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, Linux {platform.release()}; seed {SEED}\n"
    )
    parts: dict[str, Callable[[Path], None]] = {
        "events": bench_events,
        "scan": lambda folder: bench_scan(folder, scale),
        "latency": bench_latency,
        "idle": lambda folder: bench_idle(folder, scale),
        "import": lambda folder: bench_import(folder, 16 if scale > 1 else 80),
        "change": lambda folder: bench_change(folder, scale),
        "bursts": lambda folder: bench_bursts(folder, scale),
    }
    for name, part in parts.items():
        if options.only in {None, name}:
            base = Path(tempfile.mkdtemp(prefix=f"bench-daemon-{name}-", dir=options.folder))
            try:
                part(base)
            finally:
                shutil.rmtree(base, ignore_errors=True)


if __name__ == "__main__":
    main()
