"""The systemd units: valid, hardened, made out for the configured folders."""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from . import conftest

pytestmark = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="no systemd-analyze on the PATH"
)


OPENED = r"""
set -eu
ground=$1 top=$2 closed=$3
shift 3
mount --make-rprivate /
mount -t tmpfs none "$ground"
mkdir "$ground/upper" "$ground/work"
mount -t overlay none -o "lowerdir=$top,upperdir=$ground/upper,workdir=$ground/work" "$top"
eval "chmod a+x $closed"
exec "$@"
"""
"""Runs a command with a folder opened to every account, in a mount namespace of its own."""


@pytest.fixture(autouse=True)
def reachable(home):
    """Let other accounts come as far as the photos, as they can in a user's public folder."""
    for folder in (home.photos, *home.photos.parents):
        found = folder.stat()
        if "pytest" in str(folder) and found.st_uid == os.geteuid():
            folder.chmod(found.st_mode & 0o7777 | 0o055)


@pytest.fixture(autouse=True)
def reachable_program(tmp_path, monkeypatch):
    """Where this interpreter lies in a folder closed to others, run commands where it is open."""
    program = Path(sys.executable)
    ways = {*program.parents, *program.resolve().parents}
    closed = sorted(folder for folder in ways if not folder.stat().st_mode & 0o001)
    if os.geteuid() != 0 or not closed:
        return
    (tmp_path / "ground").mkdir()
    prefix = (
        shutil.which("unshare"),
        "--mount",
        "sh",
        "-c",
        OPENED,
        "sh",
        str(tmp_path / "ground"),
    )
    prefix = (*prefix, str(closed[0]), " ".join(map(shlex.quote, map(str, closed))))
    tried = subprocess.run([*prefix, "true"], capture_output=True, check=False)
    if tried.returncode != 0:
        pytest.skip(f"{closed[0]} cannot be opened for a test: {tried.stderr}")
    monkeypatch.setattr(conftest, "COMMAND", [*prefix, *conftest.COMMAND])


def analyze(unit, *arguments, runtime):
    """Run systemd-analyze on a unit and return what it did."""
    return subprocess.run(
        ["systemd-analyze", *arguments, str(unit)],
        env={**os.environ, "XDG_RUNTIME_DIR": str(runtime)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("user", [[], ["--user"]], ids=["system", "user"])
def test_units_are_silently_valid_and_name_the_folders(home, user):
    """`systemd-analyze verify` has nothing to say, whatever the folders are called."""
    odd = home.folder / 'per cent % and "quotes"'
    odd.mkdir()
    name = str(odd).replace('"', '\\"')
    home.config.write_text(home.config.read_text().replace('"photos"', f'"photos", "{name}"'))

    report = home.json("service", "install", *user, "--directory", home.folder / "units")

    done = analyze(report["unit"], *user, "verify", "--man=no", runtime=home.folder)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    text = (home.folder / "units" / "picturerail.service").read_text()
    assert "Type=notify" in text
    assert "@" not in text.replace("@system-service", "").replace("@privileged", "").replace(
        "@ signs", ""
    )
    home.run("service", "uninstall", *user, "--directory", home.folder / "units")
    assert not (home.folder / "units" / "picturerail.service").exists()
    home.run("service", "uninstall", *user, "--directory", home.folder / "units", code=1)


def test_the_system_unit_is_hardened(home):
    """Its exposure by systemd's own measure stays low."""
    report = home.json("service", "install", "--directory", home.folder / "units")

    done = analyze(
        report["unit"], "security", "--offline=true", "--threshold=10", runtime=home.folder
    )

    assert done.returncode == 0, done.stdout


def test_the_network_is_for_who_sends_pictures(home):
    """Without a service on the network the unit has no network at all."""
    unit = home.folder / "units" / "picturerail.service"
    home.run("service", "install", "--directory", unit.parent)
    assert "PrivateNetwork=yes" in unit.read_text()

    home.configure(
        sources='["azure"]',
        more='[describe.azure]\nendpoint = "https://x.example"\nkey_file = "key"\n',
    )
    home.run("service", "install", "--directory", unit.parent)
    assert "AF_INET" in unit.read_text()
    assert "PrivateNetwork" not in unit.read_text()


def test_an_account_that_cannot_read_the_folders_is_refused(home):
    """As root, what the service's account may read is tried, and what to do is said."""
    if os.geteuid() != 0:
        pytest.skip("becoming another account needs root")
    (home.photos / "mine").mkdir(mode=0o700)
    said = home.run("service", "install", "--directory", home.folder / "units", code=2).stderr
    assert b"cannot read it" in said
    assert b"setfacl" in said

    (home.photos / "mine").chmod(0o755)
    report = home.json("service", "install", "--directory", home.folder / "units")
    names = ["picturerail.sysusers.conf", "picturerail.tmpfiles.conf"]
    assert names == [os.path.basename(file) for file in report["files"]]
    assert "systemd-sysusers" in report["next"]
    removed = home.json("service", "uninstall", "--directory", home.folder / "units")
    assert report["files"] == removed["files"]
    assert list((home.folder / "units").iterdir()) == []


def test_a_program_that_the_account_cannot_run_is_refused(home, monkeypatch):
    """As root, the program and its configuration are tried as the account too."""
    if os.geteuid() != 0:
        pytest.skip("becoming another account needs root")
    home.config.chmod(0o600)
    said = home.run("service", "install", "--directory", home.folder / "units", code=2).stderr
    assert b"config show" in said
    assert os.fsencode(home.config) in said
    home.config.chmod(0o644)

    # The same program in an environment below a folder that is closed to others.
    here, closed = Path(sys.prefix), home.folder / "closed" / "venv"
    (closed / "bin").mkdir(parents=True)
    (closed / "lib").symlink_to(here / "lib")
    shutil.copy(here / "pyvenv.cfg", closed)
    shutil.copy(here / "bin" / "picturerail", closed / "bin")
    (closed / "bin" / "python").symlink_to(here / "bin" / "python")
    command = [
        str(closed / "bin" / "python") if c == sys.executable else c for c in conftest.COMMAND
    ]
    monkeypatch.setattr(conftest, "COMMAND", command)
    install = ("service", "install", "--directory", home.folder / "units")
    home.run(*install)
    closed.parent.chmod(0o700)
    said = home.run(*install, code=2).stderr
    assert b"--version" in said
    assert b"/opt" in said


def test_nothing_needs_writable_code(home, photographs):
    """The unit forbids memory that is writable and executable; all of the work goes without."""
    shutil.copy(photographs["chelsea"], home.photos)
    forbid = (
        "import ctypes, os, sys; "
        "sys.exit(77) if ctypes.CDLL(None).prctl(65, 1, 0, 0, 0) else "  # PR_SET_MDWE
        "os.execv(sys.argv[1], sys.argv[1:])"
    )
    prefix = (sys.executable, "-c", forbid)
    if subprocess.run([*prefix, "/bin/true"], check=False).returncode == 77:
        pytest.skip("this kernel cannot forbid it")

    assert home.json("sync", prefix=prefix)["added"] == 1
    assert home.found("cat") == ["chelsea.jpg"]
    home.run("export", prefix=prefix)


def test_what_the_service_could_not_do_is_said_before(home):
    """An unwritable place for the site is refused, with the key to change."""
    home.config.write_text(home.config.read_text().replace('"site"', '"/proc/site"'))

    assert b"export.path" in home.run("service", "install", code=2).stderr
