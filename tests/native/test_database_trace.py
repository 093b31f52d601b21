"""Power cuts from outside: the system calls of a real run, recorded and replayed with cuts.

A process works on a store under `strace`. For cuts between its calls the folder is built as a
disk could hold it then: what was synced is there, what was not is kept, dropped or torn into
sectors. Such a folder must open, and hold exactly what had been acknowledged, or that and the
step that was under way.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest

from picturerail_native import database
from picturerail_native.database import Database, Mode, Rows
from picturerail_native.records import Table

CUTS = int(os.environ.get("PICTURERAIL_TRACE_CUTS", "60"))
"""Cuts that are tried, of the several hundred that there are; 0 for all."""
SEED = 7
SECTOR = 512
CHILD_ENVIRONMENT = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}

Seen = tuple[dict[int, tuple[bytes, bytes, bytes, bool]], dict[bytes, bytes]]

PROGRAM = """
import os, random, sys
sys.path.insert(0, sys.argv[3])
from test_database_trace import seen
import msgspec
from picturerail_native.database import Database, Mode
from picturerail_native.records import ImageRow, Table

folder, states = sys.argv[1:3]
rng = random.Random(11)
store = None
step = 0

def acknowledge():
    global step
    step += 1
    with open(f"{states}/{step}", "wb") as file:
        file.write(msgspec.msgpack.encode(seen(store)))
    os.write(1, b"step %d" % step)

def row(number, image_id=0):
    name = b"%d.jpg" % number
    metadata = b'{"caption": "%s"}' % (b"x" * rng.randrange(300))
    return ImageRow(image_id, name, metadata, root=1, path=name)

ids = []
for number in range(48):
    if number % 16 == 0:
        if store is not None:
            store.close()
        store = Database(folder, Mode.CREATE)
        acknowledge()
    with store.begin() as transaction:
        for part in range(1 + number % 3):
            data = rng.randbytes(rng.randrange(12_000))
            if part == 0:
                writer = store.blob_writer()
                writer.write(data)
                data = writer
            ids.append(transaction.insert(row(10 * number + part), data))
        transaction.put(Table.STATE, b"last", b"%d" % number)
    acknowledge()
    if number % 5 == 1:
        with store.begin() as transaction:
            held = store.snapshot().get(ids[-1])
            transaction.update(row(10_000 + number, ids[-1]), rng.randbytes(5_000))
            transaction.delete(ids[0], 500)
        ids.pop(0)
        acknowledge()
    if number % 7 == 3:
        store.checkpoint()
    if number % 11 == 5:
        store.purge([ids.pop(1)])
        acknowledge()
    if number % 13 == 9:
        # Nothing is as old as that, but dead bytes are reclaimed.
        store.collect(1)
store.close()
"""


def seen(store: Database) -> Seen:
    """Return everything that a store holds."""
    snapshot = store.snapshot()
    rows = {}
    for row in snapshot.images(rows=Rows.ALL):
        with snapshot.open_blob(row.content_hash) as blob:
            rows[row.id] = (row.path, row.metadata_json, blob.readall(), row.deleted)
    return rows, dict(snapshot.records(Table.STATE))


@dataclass
class File:
    """A file's bytes as they are durably, and what was written since: (offset, bytes or None).

    None stands for the file's being cut off there.
    """

    durable: bytearray = field(default_factory=bytearray)
    pending: list[tuple[int, bytes | None]] = field(default_factory=list)

    def apply(self, offset: int, data: bytes | None) -> None:
        """Do to the durable bytes what a call asked for."""
        if data is None:
            del self.durable[offset:]
            return
        self.durable.extend(bytes(max(0, offset - len(self.durable))))
        self.durable[offset : offset + len(data)] = data


@dataclass(frozen=True)
class Call:
    """A system call: `what` is write, cut, begin or end of a sync, make, rename, remove, say.

    `number` is the offset of a write or cut, or which sync it is; `other` a rename's new name.
    """

    what: str
    name: str
    number: int = 0
    data: bytes = b""
    other: str = ""


LINE = re.compile(r"^(\d+) +(.*)$")
TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
DESCRIPTOR = re.compile(r"\(\d+<([^>]*)>")


def decoded(text: str) -> bytes:
    """Return what strace wrote in hexadecimal digits."""
    return bytes.fromhex(text.replace("\\x", ""))


def lines(trace: Path) -> Iterator[tuple[str, str]]:
    """Yield each call when it begins and when it ends, with its whole text then."""
    begun: dict[str, str] = {}
    for line in trace.read_text().splitlines():
        match = LINE.match(line)
        assert match is not None, line
        pid, text = match.groups()
        if text.endswith("<unfinished ...>"):
            begun[pid] = text.removesuffix("<unfinished ...>").rstrip()
            yield "begin", begun[pid]
        elif text.startswith("<... "):
            yield "end", begun.pop(pid) + text.partition(" resumed>")[2]
        elif not text.startswith(("---", "+++")):
            yield "begin", text
            yield "end", text


def calls(trace: Path, folder: Path) -> Iterator[Call]:
    """Yield what the traced process did to the files of `folder`, and what it said."""
    syncs: dict[str, list[int]] = {}
    count = 0
    place = str(folder)

    def own(path: str) -> str | None:
        return os.path.basename(path) if os.path.dirname(path) == place else None

    for when, text in lines(trace):
        call = text.partition("(")[0]
        descriptor = DESCRIPTOR.search(text)
        path = ""
        if descriptor is not None:
            path = descriptor[1]
            path = os.fsdecode(decoded(path)) if path.startswith("\\x") else path
        name = own(path)
        if call in ("fdatasync", "fsync"):
            if path == place:
                name = ""
            if name is None:
                continue
            if when == "begin":
                count += 1
                syncs.setdefault(path, []).append(count)
                yield Call("begin", name, count)
            else:
                yield Call("end", name, syncs[path].pop(0))
            continue
        if when == "begin" or re.search(r"= -1 [A-Z]+", text):
            continue
        texts = [decoded(found) for found in TEXT.findall(text)]
        if call == "write" and texts and texts[0].startswith(b"step "):
            yield Call("say", "", int(texts[0].split()[1]))
        elif call in ("pwrite64", "pwritev") and name is not None:
            offset = int(text.rpartition(")")[0].rpartition(",")[2])
            yield Call("write", name, offset, b"".join(texts))
        elif call == "ftruncate" and name is not None:
            yield Call("cut", name, int(text.rpartition(")")[0].rpartition(",")[2]))
        elif call == "openat" and "O_CREAT" in text:
            made = own(os.fsdecode(texts[0]))
            if made is not None:
                yield Call("make", made, int("O_TRUNC" in text))
        elif call in ("rename", "unlink", "unlinkat"):
            names = [own(os.fsdecode(found)) for found in texts]
            if names[0] is not None:
                what = "rename" if call == "rename" else "remove"
                yield Call(what, names[0], other=names[-1] or "")


class Disk:
    """What a folder holds after some calls, durably or not."""

    def __init__(self, *, syncs: bool = True) -> None:
        """Make an empty folder; without `syncs` they do nothing, as with a disk that lies."""
        self._syncs = syncs
        self._live: dict[str, File] = {}
        self._durable: dict[str, File] = {}
        # Changes of the folder since it was synced, with the file that each would make.
        self._pending: list[tuple[Call, File]] = []
        self._covered: dict[int, int] = {}
        self.acknowledged = 0

    def take(self, call: Call) -> None:
        """Do what a call does."""
        file = self._live.get(call.name)
        if call.what == "say":
            self.acknowledged = call.number
        elif call.what == "begin":
            # A sync covers what was there when it began.
            self._covered[call.number] = len(file.pending if file else self._pending)
        elif call.what == "end":
            covered = self._covered.pop(call.number) if self._syncs else 0
            if file is None:
                for change in self._pending[:covered]:
                    self._change(self._durable, *change)
                del self._pending[:covered]
            else:
                for offset, data in file.pending[:covered]:
                    file.apply(offset, data)
                del file.pending[:covered]
        elif call.what in ("write", "cut"):
            assert file is not None, call
            file.pending.append((call.number, None if call.what == "cut" else call.data))
        elif call.what == "make" and file is not None:
            if call.number:
                file.pending.append((0, None))
        else:
            change = (call, File())
            self._change(self._live, *change)
            self._pending.append(change)

    def _change(self, names: dict[str, File], call: Call, made: File) -> None:
        if call.what == "make":
            names[call.name] = made
        elif call.what == "remove":
            names.pop(call.name, None)
        elif call.name in names:
            names[call.other] = names.pop(call.name)

    def build(self, folder: Path, rng: random.Random, keep: float) -> None:
        """Write the folder as it could be found after a power cut now.

        What is not durable is kept with probability `keep`, call by call, or, of a third of the
        writes, sector by sector.
        """
        names = dict(self._durable)
        for change in self._pending:
            if rng.random() < keep:
                self._change(names, *change)
        folder.mkdir()
        for name, file in names.items():
            found = File(bytearray(file.durable))
            for offset, data in file.pending:
                if data is not None and rng.random() < 0.33:
                    for start in range(0, len(data), SECTOR):
                        if rng.random() < keep:
                            found.apply(offset + start, data[start : start + SECTOR])
                elif rng.random() < keep:
                    found.apply(offset, data)
            (folder / name).write_bytes(found.durable)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Call], list[Seen]]:
    """Return the calls of a run, and what the store held after each of its steps."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not installed (Debian: apt install strace)")
    base = tmp_path_factory.mktemp("trace")
    store, states, trace = base / "store", base / "states", base / "trace"
    states.mkdir()
    wanted = "trace=openat,pwrite64,pwritev,write,fdatasync,fsync,ftruncate,rename,unlink,unlinkat"
    command = [
        strace,
        "-f",
        "--seccomp-bpf",
        "-y",
        "-xx",
        "-s",
        "4000000",
        "-e",
        wanted,
        "-o",
        str(trace),
    ]
    command += [sys.executable, "-c", PROGRAM, str(store), str(states), str(Path(__file__).parent)]
    done = subprocess.run(
        command, env=CHILD_ENVIRONMENT, capture_output=True, text=True, timeout=120, check=False
    )
    if "ptrace" in done.stderr or "PTRACE" in done.stderr:
        pytest.skip(f"this system lets no process be traced: {done.stderr.strip()[:100]}")
    assert done.returncode == 0, done.stderr
    count = len(list(states.iterdir()))
    empty: Seen = ({}, {})
    stored = [(states / str(step)).read_bytes() for step in range(1, count + 1)]
    held = [msgspec.msgpack.decode(data, type=Seen) for data in stored]
    return list(calls(trace, store)), [empty, *held]


def fault(folder: Path, allowed: list[Seen], *, may_be_absent: bool) -> str | None:
    """Open a store as after a crash; return what is wrong with it, or None."""
    try:
        for mode in (Mode.READ, Mode.WRITE):
            with Database(folder, mode) as store:
                if seen(store) not in allowed:
                    return f"other content than was acknowledged, opened to {mode.name}"
    except database.NotFoundError:
        return None if may_be_absent else "the store is gone"
    except database.DatabaseError as error:
        return f"{type(error).__name__}: {error}"
    problems = database.check(folder, deep=True)
    return f"check: {problems[0]}" if problems else None


def faults(
    trace: list[Call], states: list[Seen], base: Path, cuts: int, *, syncs: bool
) -> list[str]:
    """Cut the power between the calls of a run; return what was wrong afterwards."""
    rng = random.Random(SEED)
    chosen: Sequence[int] = range(len(trace) + 1)
    if cuts:
        chosen = sorted(rng.sample(chosen, min(cuts, len(chosen))))
    disk = Disk(syncs=syncs)
    found = []
    at = 0
    for cut in chosen:
        for call in trace[at:cut]:
            disk.take(call)
        at = cut
        for keep in (0.0, 0.5, 1.0):
            folder = base / f"{cut}-{keep}"
            disk.build(folder, rng, keep)
            step = disk.acknowledged
            wrong = fault(folder, states[step : step + 2], may_be_absent=step == 0)
            if wrong is not None:
                found.append(f"cut {cut}, keeping {keep}: {wrong}")
            shutil.rmtree(folder)
    return found


def test_what_was_acknowledged_survives_cuts(
    recorded: tuple[list[Call], list[Seen]], tmp_path: Path
) -> None:
    """After a cut at any system call the store opens with all that was acknowledged."""
    trace, states = recorded
    print(f"seed {SEED}, {len(trace)} calls, {len(states) - 1} steps")
    kinds = {call.what for call in trace}
    assert kinds >= {"write", "begin", "end", "make", "rename", "remove", "say"}
    assert faults(trace, states, tmp_path, CUTS, syncs=True) == []


def test_a_disk_that_does_not_sync_is_noticed(
    recorded: tuple[list[Call], list[Seen]], tmp_path: Path
) -> None:
    """The replay has teeth: where syncs do nothing acknowledged steps are missed."""
    trace, states = recorded
    assert faults(trace, states, tmp_path, 10, syncs=False) != []
