"""The command line as a contract: every command answers, in JSON where it says so."""

import contextlib
import json
import os
import pty
import shutil
import signal
import subprocess
import urllib.request

import pytest
from PIL import Image

from picturerail_daemon.cli.app import COMMANDS

from .conftest import COMMAND, Daemon


@pytest.fixture
def quick(home):
    """Describe by what is written only."""
    home.configure(sources='["sidecar"]')
    return home


@pytest.fixture
def filled(quick, photographs, tagged):
    """Mirror and export three pictures."""
    shutil.copy(photographs["rocket"], quick.photos / "rocket.jpg")
    tagged(quick.photos / "park.png", "grass", "sun")
    tagged(quick.photos / "ferry.png", "boat", colour=(0, 0, 200))
    quick.run("sync")
    quick.run("export")
    return quick


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(home, command):
    """`--help` says what a command does and shows it used."""
    text = home.run(command, "--help").stdout.decode()

    assert "Usage: " in text
    assert "Example" in text
    assert f"picturerail {command}" in text


def test_the_shapes_of_the_documents(filled):
    """Every reporting command prints one JSON document of its documented shape."""
    sync = filled.json("sync")
    assert {
        "added",
        "changed",
        "moved",
        "deleted",
        "unchanged",
        "held",
        "failed",
        "seq",
    } <= sync.keys()
    assert (sync["added"], sync["unchanged"]) == (0, 3)
    (hit,) = filled.json("search", "grass")
    assert {"id", "path", "filename", "score", "matched"} == hit.keys()
    assert {"field", "word", "via", "similarity"} == hit["matched"][0].keys()
    status = filled.json("status")
    wanted = {"state", "seq", "index_seq", "site_seq", "photos", "deleted", "pending", "failed"}
    assert {*wanted, "watch"} <= status.keys()
    assert (status["state"], status["photos"]) == ("stopped", 3)
    assert status["seq"] == status["index_seq"] == status["site_seq"]
    record = filled.json("show", hit["id"])
    assert [tag for tag in record["metadata"]["tags"] if tag["name"] == "grass"] == [
        {"name": "grass", "confidence": 1.0, "source": "sidecar"}
    ]
    export = filled.json("export")
    assert {"site", "added", "changed", "removed", "unchanged", "seq"} <= export.keys()
    assert export["added"] + export["changed"] + export["removed"] == 0
    assert filled.json("check", "--deep") == {"ok": True, "problems": []}
    assert filled.json("deleted") == []
    assert filled.json("scrub") == {"checked": 3, "rotten": []}
    near = filled.json("synonyms", "grass")["neighbours"]
    assert "meadow" in {row["word"] for row in near}
    shown = filled.json("config", "show")
    assert str(filled.config) == shown["library.folders"]["from"]
    assert shown["store.keep_deleted_days"]["from"] == "default"
    filled.run("config", "check")


def test_words_of_the_user_outlast_everything(filled):
    """`tag` adds and removes; the words are found at once and stay through a sync."""
    park = filled.json("show", str(filled.photos / "park.png"))["id"]

    filled.run("tag", park, "+zeppelin", "-sun")
    assert filled.found("zeppelin") == ["park.png"]
    filled.run("sync")

    tags = {tag["name"]: tag["source"] for tag in filled.json("show", park)["metadata"]["tags"]}
    assert tags == {"zeppelin": "user", "grass": "sidecar"}
    filled.run("tag", park, "-zeppelin", "+sun")
    assert filled.found("zeppelin") == []
    filled.run("tag", park, "zeppelin", code=2)
    filled.run("tag", 999, "+x", code=1)


def test_hidden_pictures_are_not_on_the_site(filled):
    """`hide` takes page, album entry and index entry away; `unhide` brings all back."""
    park = filled.json("show", str(filled.photos / "park.png"))["id"]
    page = filled.site / "photo" / str(park)
    before = {p: p.read_bytes() for p in filled.site.rglob("*.html")}

    filled.run("hide", park)
    filled.run("export")
    assert not page.exists()
    for file in filled.site.rglob("*"):
        if file.is_file() and ".picturerail" not in file.parts:
            assert b"park.png" not in file.read_bytes(), file
    assert filled.found("grass") == ["park.png"]

    filled.run("unhide", park)
    filled.run("export")
    assert before == {p: p.read_bytes() for p in filled.site.rglob("*.html")}


def test_backup_and_restore(filled):
    """A backup restored elsewhere holds the same pictures, and index and site follow anew."""
    backup = filled.folder / "backup"
    filled.run("backup", backup)
    originals = {p.name: p.read_bytes() for p in filled.photos.glob("*.*g")}
    filled.run("restore", backup, code=1)  # there is a store already
    shutil.rmtree(filled.store)

    filled.run("restore", backup)
    filled.run("sync")
    filled.run("export")

    for name, content in originals.items():
        filled.run("get", filled.photos / name, "-o", filled.folder / "copy")
        assert content == (filled.folder / "copy").read_bytes()
    assert filled.found("grass") == ["park.png"]
    assert filled.json("check", "--deep") == {"ok": True, "problems": []}


def test_check_names_damage_and_sync_heals_the_index(filled):
    """A flipped bit is found by name with exit code 1; a damaged index is built again, told."""
    (segment,) = filled.store.glob("index/*.segment")
    content = bytearray(segment.read_bytes())
    content[len(content) // 2] ^= 1
    segment.write_bytes(content)

    report = filled.json("check", code=1)
    assert not report["ok"]
    assert "index" in report["problems"][0]["where"]
    assert b"built anew" in filled.run("sync").stderr
    assert filled.found("grass") == ["park.png"]
    assert filled.json("status")["index_rebuilds"] == 1

    page = next(filled.site.glob("photo/*/index.html"))
    page.write_text("gone")
    assert str(page) in json.dumps(filled.json("check", "--deep", code=1))
    filled.run("export", "--full")
    assert filled.json("check", "--deep") == {"ok": True, "problems": []}


def test_scrub_finds_rot_and_the_mirror_heals_it(filled):
    """Bytes changed under an unchanged time are told, and the mirrored ones come back."""
    path = filled.photos / "rocket.jpg"
    original, stat = path.read_bytes(), path.stat()
    rotten = bytearray(original)
    rotten[len(rotten) // 2] ^= 64
    path.write_bytes(rotten)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))

    report = filled.json("scrub", code=1)

    assert [str(path)] == [item["path"] for item in report["rotten"]]
    assert bytes(rotten) == path.read_bytes()
    filled.run("get", report["rotten"][0]["id"], "-o", filled.folder / "healed.jpg")
    assert original == (filled.folder / "healed.jpg").read_bytes()


def test_mistakes_are_one_line_with_their_exit_code(filled):
    """Usage and configuration end with 2, what is not there with 1, and say what to do."""
    for arguments, code in (
        (("nonsense",), 2),
        (("search",), 2),
        (("search", "x", "--limit", "0"), 2),
        (("show", "999"), 1),
        (("show", "what"), 1),
        (("get", "1"), 2),
        (("purge", "999"), 1),
        (("forget", "/nowhere"), 1),
        (("wait",), 1),
        (("search", "--similar", "1"), 1),
        (("restore", "/nowhere"), 1),
        (("show", str(2**64)), 1),
        (("hide", "--", "-1"), 2),
        (("hide", str(2**64)), 2),
        (("tag", "1", "+  "), 2),
        (("wait", "--timeout", "nan"), 2),
        (("search", "x " * 1000), 2),
    ):
        assert len(filled.run(*arguments, code=code).stderr.splitlines()) == 1, arguments
    filled.config.write_text("[library]\nfolder = []\n")
    (line,) = filled.run("status", code=2).stderr.decode().splitlines()
    assert "did you mean `folders`" in line


def test_commands_go_through_a_running_daemon_and_print_the_same(filled):
    """With a daemon the writing commands are requests to it; without the lock is theirs."""
    alone = filled.json("sync")
    with filled.daemon() as daemon:
        through = filled.json("sync")
        assert alone.keys() == through.keys()
        assert (through["added"], through["unchanged"]) == (0, 3)
        park = filled.json("show", str(filled.photos / "park.png"))["id"]
        filled.run("tag", park, "+zeppelin")
        assert filled.found("zeppelin") == ["park.png"]
        filled.run("export")
        status = filled.json("status")
        assert ("running", daemon.process.pid) == (status["state"], status["pid"])
        assert "inotify" in status["watch"]["roots"][0]["tier"]
        assert (filled.store / "control.sock").stat().st_mode & 0o777 == 0o600
        assert filled.store.stat().st_mode & 0o777 == 0o700
        filled.run("backup", filled.folder / "backup")
        filled.run("purge", "999", code=1)
        # Another process cannot write beside it, and says who does.
        with_socket = filled.store / "control.sock"
        with_socket.rename(filled.store / "moved")
        busy = filled.run("sync", code=1).stderr.decode()
        assert str(daemon.process.pid) in busy
        (filled.store / "moved").rename(with_socket)


def test_the_daemon_tells_systemd_and_reloads(filled):
    """READY, RELOADING and STOPPING come at their time; a bad file keeps the old settings."""
    other = filled.folder / "other"
    other.mkdir()
    Image.new("RGB", (40, 30), "pink").save(other / "pink.png")
    text = filled.config.read_text()
    daemon = Daemon(filled.config)
    try:
        daemon.messages.clear()
        filled.config.write_text("[library]\nfolder = []\n")
        daemon.process.send_signal(signal.SIGHUP)
        daemon.expect("RELOADING=1")
        daemon.expect("READY=1")
        assert any("Old configuration kept" in message for message in daemon.messages)
        daemon.messages.clear()

        filled.config.write_text(text.replace('["photos"]', '["photos", "other"]'))
        daemon.process.send_signal(signal.SIGHUP)
        daemon.expect("RELOADING=1")
        daemon.expect("READY=1")
        filled.run("wait", "--timeout", "60")
        assert filled.found("pink") == ["pink.png"]
    except BaseException:
        daemon.kill()
        raise
    daemon.process.send_signal(signal.SIGTERM)
    daemon.expect("STOPPING=1")
    assert daemon.join() == 0


@pytest.mark.parametrize(
    "sources",
    ['["azure"]', '["sidecar"]\n[meaning]\nvectors = "nowhere.vec"'],
    ids=["no endpoint", "no vectors"],
)
def test_settings_that_cannot_work_do_not_stop_the_daemon(quick, sources):
    """A well-formed file that could not be worked with keeps the old settings in force."""
    daemon = Daemon(quick.config)
    try:
        quick.configure(sources=sources)
        quick.run("config", "check", code=2)
        daemon.messages.clear()
        daemon.process.send_signal(signal.SIGHUP)
        daemon.expect("READY=1")
        assert any("Old configuration kept" in message for message in daemon.messages)
    finally:
        assert daemon.stop() == 0


def test_a_store_that_cannot_be_written_is_not_the_pictures_fault(quick, photographs):
    """The command fails and says so; once the store can be written the picture is mirrored."""
    shutil.copy(photographs["rocket"], quick.photos / "rocket.jpg")
    (quick.store / "renditions").mkdir(parents=True)
    for number in range(256):
        (quick.store / "renditions" / f"{number:02x}").write_text("in the way")

    assert b"the store cannot be written" in quick.run("sync", code=1).stderr

    shutil.rmtree(quick.store / "renditions")
    report = quick.json("sync")
    assert (report["added"], report["failed"]) == (1, [])


def test_the_daemon_outlives_a_store_that_cannot_be_written(quick, photographs):
    """It says what is wrong, tells nobody that all is in, and goes on once it can."""
    (quick.store / "renditions").mkdir(parents=True)
    for number in range(256):
        (quick.store / "renditions" / f"{number:02x}").write_text("in the way")
    with quick.daemon():
        shutil.copy(photographs["rocket"], quick.photos / "rocket.jpg")
        quick.run("wait", "--timeout", "3", code=1)
        assert "cannot be written" in quick.json("status")["last_error"]
        for path in (quick.store / "renditions").iterdir():
            path.unlink()
        quick.run("wait", "--timeout", "60")
        assert quick.found("rocket") == ["rocket.jpg"]
        assert quick.json("status")["last_error"] == ""


def test_a_site_that_cannot_be_written_stops_nothing_else(quick, photographs):
    """The daemon goes on mirroring and says what is wrong with the site."""
    quick.site.write_text("in the way")
    with quick.daemon():
        shutil.copy(photographs["rocket"], quick.photos / "rocket.jpg")
        quick.run("wait", "--timeout", "60")
        assert quick.found("rocket") == ["rocket.jpg"]
        statuses = (quick.json("status")["last_error"] for _ in range(100))
        assert any(str(quick.site) in error for error in statuses)
    done = quick.run("export", code=1)
    assert str(quick.site).encode() in done.stderr


def test_get_writes_into_what_is_no_file(filled):
    """A pipe or link given as the target is written through, never replaced."""
    pipe = filled.folder / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(["cat", pipe], stdout=subprocess.PIPE) as reader:
        filled.run("get", filled.photos / "rocket.jpg", "-o", pipe)
        assert reader.stdout.read() == (filled.photos / "rocket.jpg").read_bytes()
    assert pipe.is_fifo()
    link = filled.folder / "link"
    link.symlink_to("target")
    filled.run("get", filled.photos / "rocket.jpg", "-o", link)
    assert link.is_symlink()
    assert (filled.folder / "target").stat().st_size > 0
    filled.run("get", filled.photos / "rocket.jpg", "-o", filled.folder, code=2)


def test_a_port_that_is_taken_is_one_line(filled):
    """`serve` names the port and the option."""
    with filled.served() as address:
        port = address.rstrip("/").rpartition(":")[2]
        done = filled.run("serve", "--port", port, code=2)
    assert port.encode() in done.stderr
    assert b"--port" in done.stderr


def test_an_emptied_site_is_made_again(filled):
    """`export` does not believe its manifest when the site's first page is gone."""
    (filled.site / "index.html").unlink()
    filled.run("export")
    assert (filled.site / "index.html").is_file()
    shutil.rmtree(filled.site)
    filled.run("export")
    assert filled.json("check", "--deep") == {"ok": True, "problems": []}


def test_the_watchdog_is_fed(filled):
    """Systemd hears WATCHDOG=1 at least twice as often as it asked, with how things are."""
    daemon = Daemon(filled.config, WATCHDOG_USEC="400000")
    try:
        for _ in range(3):
            daemon.messages.clear()
            daemon.expect("WATCHDOG=1")
        assert any("STATUS=" in message for message in daemon.messages)
    finally:
        assert daemon.stop() == 0


def test_up_does_everything_from_nothing(home, photographs):
    """`up FOLDER` writes a configuration, mirrors, exports, serves, and Ctrl-C ends it."""
    shutil.copy(photographs["rocket"], home.photos / "rocket.jpg")
    config = home.folder / "own" / "picturerail.toml"
    environment = {**os.environ, "HOME": str(home.folder)}
    command = [*COMMAND, "--config", str(config), "up", "--port", "0", str(home.photos)]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        address = next(line.split()[-1] for line in process.stdout if "http://" in line)
        with urllib.request.urlopen(address) as answer:  # noqa: S310  our own, on loopback
            assert b"data-photo-id" in answer.read()
        process.send_signal(signal.SIGINT)
        process.stdout.read()
        assert process.wait(60) == 0
    assert str(home.photos) in config.read_text()


def test_init_estimates_and_never_overwrites(home, photographs):
    """`init` writes a commented file that is valid, counts, and leaves an existing one alone."""
    shutil.copy(photographs["rocket"], home.photos / "rocket.jpg")
    home.config.unlink()

    report = home.json("init", str(home.photos))

    assert report["pictures"] == 1
    assert report["store_bytes"] > photographs["rocket"].stat().st_size
    assert "#" in home.config.read_text()
    home.run("config", "check")
    home.run("init", home.photos, code=2)
    home.config.unlink()
    home.run("init", home.folder / "missing", code=2)
    assert not home.config.exists()


def test_progress_is_shown_on_a_terminal_and_nowhere_else(quick, photographs):
    """On a terminal `sync` shows how far it is; through a pipe it says only what came of it."""
    for number in range(3):
        shutil.copy(photographs["rocket"], quick.photos / f"{number}.jpg")
        with (quick.photos / f"{number}.jpg").open("ab") as file:
            file.write(b"%d" % number)
    ours, terminal = pty.openpty()
    command = [*COMMAND, "--config", str(quick.config), "sync"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=terminal, env={**os.environ, "TERM": "xterm"}
    ) as process:
        os.close(terminal)
        shown = b""
        with contextlib.suppress(OSError):  # what a terminal answers once its program ended
            while part := os.read(ours, 4096):
                shown += part
        assert process.stdout.read().startswith(b"3 added")
    os.close(ours)
    assert b"Mirroring" in shown
    assert b"3/3" in shown
    assert quick.run("sync").stderr == b""


def test_output_survives_a_closed_pipe_and_odd_terminals(filled):
    """A reader that goes away, and names that could disturb a terminal, cause no traceback."""
    command = [*COMMAND, "--config", str(filled.config), "search", "rocket"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        errors = process.stderr.read()
    assert b"Traceback" not in errors
    name = "\x1b[31mred.png"
    Image.new("RGB", (40, 30), "red").save(filled.photos / name)
    filled.run("sync")
    assert b"\x1b" not in filled.run("search", "red").stdout


def test_search_counts_and_sorts(filled):
    """`search --facets` counts what all found pictures have; `--sort name` is by filename."""
    found = filled.json("search", "--facets", "tag:grass OR tag:boat", "--limit", "1")

    assert found["total"] == 2
    assert len(found["hits"]) == 1
    assert ["grass", 1] in found["facets"]["tags"]
    assert found["facets"]["folder"][0][1] == 2
    assert sum(count for _, count in found["facets"]["year"]) == 2
    assert found["facets"]["camera"] == []
    by_name = filled.json("search", "tag:grass OR tag:boat", "--sort", "name")
    assert [hit["filename"] for hit in by_name] == ["ferry.png", "park.png"]
    text = filled.run("search", "--facets", "boat").stdout.decode()
    assert "boat (1)" in text
    assert "1 found" in text
