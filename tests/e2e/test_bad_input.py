"""What cannot be read is named by its own path, and never stops the others."""

import base64
import os
import shutil
import struct
import subprocess
import zlib

import pytest
from PIL import Image

ODD_NAMES = [b"not-utf8-\xff\xfe.png", b"new\nline '\"$(echo).png", "Kätzchen 猫.png".encode()]


@pytest.fixture
def quick(home):
    """Describe nothing: these tests are about reading."""
    home.configure(sources="[]")
    return home


def bomb() -> bytes:
    """Return a PNG of 60,000 by 60,000 pixels in a few bytes, were it decoded."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    packed = zlib.compress(bytes(1 << 20), 9)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")
    )


def test_each_bad_file_is_named_with_its_reason_and_the_rest_is_mirrored(quick, photographs):
    """Empty, text, truncated, bomb, loops: each in `failed` by its own path; others are in."""
    photos = quick.photos
    whole = photographs["rocket"].read_bytes()
    bad = {
        "empty.jpg": b"",
        "text.jpg": b"I am no picture at all, whatever my name says.\n" * 10,
        "truncated.jpg": whole[: len(whole) // 2],
        "bomb.png": bomb(),
    }
    for name, content in bad.items():
        (photos / name).write_bytes(content)
    (photos / "loop.jpg").symlink_to("loop.jpg")
    (photos / "good.jpg").write_bytes(whole)

    report = quick.json("sync")

    failed = {os.path.basename(item["path"]): item["reason"] for item in report["failed"]}
    assert {*bad, "loop.jpg"} == failed.keys()
    assert all(failed.values())
    assert "empty" in failed["empty.jpg"]
    assert "truncated" in failed["truncated.jpg"]
    assert "large" in failed["bomb.png"]
    assert "loop" in failed["loop.jpg"]
    assert report["added"] == 1
    assert quick.found("good") == ["good.jpg"]
    assert quick.json("status")["failed"] == 5
    quick.run("sync", "--strict", code=1)


def test_a_mended_file_is_tried_again_and_a_removed_one_forgotten(quick, photographs):
    """A failure stands until the file changes or goes."""
    broken, other = quick.photos / "a.jpg", quick.photos / "b.jpg"
    broken.write_bytes(b"no")
    other.write_bytes(b"no")
    assert len(quick.json("sync")["failed"]) == 2
    assert len(quick.json("sync")["failed"]) == 2

    shutil.copy(photographs["rocket"], broken)
    other.unlink()
    report = quick.json("sync")

    assert (report["added"], report["failed"]) == (1, [])
    assert quick.json("status")["failed"] == 0


@pytest.mark.parametrize("name", ODD_NAMES)
def test_any_name_is_mirrored_shown_and_exported(quick, name):
    """Names that are not UTF-8, or hold newlines and quotes, go the whole way."""
    path = os.fsencode(quick.photos) + b"/" + name
    Image.new("RGB", (40, 30), "teal").save(quick.photos / "plain.png")
    os.rename(quick.photos / "plain.png", path)

    report = quick.json("sync")
    assert (report["added"], report["failed"]) == (1, [])
    record = quick.json("show", os.fsdecode(path))
    try:
        assert name.decode() == os.path.basename(record["path"])
        assert "path_base64" not in record
    except UnicodeDecodeError:
        assert path == base64.b64decode(record["path_base64"])
    quick.run("show", "1")
    quick.run("search", "png")
    quick.run("get", "1", "-o", quick.folder / "copy")
    with open(path, "rb") as original:
        assert (quick.folder / "copy").read_bytes() == original.read()
    quick.run("export")
    assert quick.json("check", "--deep") == {"ok": True, "problems": []}


@pytest.mark.parametrize("name", ODD_NAMES)
def test_bad_files_with_any_name_are_named_exactly(quick, name):
    """A broken file is reported by its own name, whatever that is, on one line for people."""
    path = os.fsencode(quick.photos) + b"/" + name
    with open(path, "wb") as file:
        file.write(b"junk")

    (failed,) = quick.json("sync")["failed"]

    told = (
        base64.b64decode(failed["path_base64"])
        if "path_base64" in failed
        else failed["path"].encode()
    )
    assert path == told
    lines = quick.run("sync").stderr.splitlines()
    assert 1 == sum(line.startswith(b"Left out:") for line in lines) == len(lines)


def test_an_unreadable_file_and_folder_are_named_and_lose_nothing(quick, photographs):
    """Permissions taken away keep what was known and are told."""
    as_user = (
        ("setpriv", "--bounding-set=-dac_override,-dac_read_search") if os.geteuid() == 0 else ()
    )
    folder = quick.photos / "private"
    folder.mkdir()
    shutil.copy(photographs["rocket"], folder / "known.jpg")
    shutil.copy(photographs["coffee"], quick.photos / "closed.jpg")
    (quick.photos / "closed.jpg").chmod(0)
    report = quick.json("sync", prefix=as_user)
    assert [str(quick.photos / "closed.jpg")] == [item["path"] for item in report["failed"]]
    assert "permission" in report["failed"][0]["reason"]
    assert report["added"] == 1

    folder.chmod(0)
    try:
        report = quick.json("sync", prefix=as_user)
    finally:
        folder.chmod(0o755)
    assert {"closed.jpg", "private"} == {os.path.basename(i["path"]) for i in report["failed"]}
    assert (report["deleted"], report["held"]) == (0, 0)
    assert quick.json("status")["photos"] == 1


def test_a_folder_that_does_not_exist_stops_before_anything_starts(quick):
    """The message names folder and key, the exit code is 2, and no store is made."""
    quick.photos.rmdir()

    done = quick.run("sync", code=2)

    assert str(quick.photos).encode() in done.stderr
    assert b"library.folders" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not quick.store.exists()
    quick.run("run", code=2)


def test_videos_and_raw_files_are_counted_and_told(quick):
    """What is left out is said, by kind."""
    for name in ("a.mp4", "b.x3f", "c.pdf"):
        (quick.photos / name).write_bytes(b"x")

    assert quick.json("sync")["left_out"] == {"video": 1, "raw": 1, "other": 1}


def test_a_file_is_read_only_when_its_writer_is_done(quick, photographs):
    """A file that is held open for writing is left for later, and then read whole."""
    whole = photographs["rocket"].read_bytes()
    path = quick.photos / "slow.jpg"
    with subprocess.Popen(
        ["tee", path], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    ) as writer:
        writer.stdin.write(whole[:1000])
        writer.stdin.flush()
        while not path.exists() or path.stat().st_size < 1000:
            pass
        report = quick.json("sync")
        assert (report["added"], report["failed"]) == (0, [])
        assert [str(path)] == [item["path"] for item in report["waiting"]]
        writer.stdin.write(whole[1000:])
    assert quick.json("sync")["added"] == 1
    quick.run("get", path, "-o", quick.folder / "copy")
    assert whole == (quick.folder / "copy").read_bytes()
