"""The installed unit under a real systemd, as PID 1 of namespaces over an overlay of this system.

Everything is mounted in a mount namespace of its own and ends with it: nothing is left behind,
whatever fails. The home lies at `/srv/home` there, since the unit hides /tmp from the service.
"""

import contextlib
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from picturerail_daemon.filesystems import mounts

from .agreement import digests, in_store, on_disk, paint
from .conftest import Home

SEED = 2_525
SYSTEMD = "/lib/systemd/systemd"
UNIT = "picturerail.service"
INSIDE = Path("/srv/home")
BOOT_SECONDS = 30
PATIENCE_SECONDS = 60

BOOT = r"""
set -eu
ground=$1 home=$2 inside=$3
mount --make-rprivate /
mount -t tmpfs none "$ground"
mkdir "$ground/upper" "$ground/work" "$ground/root"
root=$ground/root
mount -t overlay none -o "lowerdir=/,upperdir=$ground/upper,workdir=$ground/work" "$root"
mkdir -p "$root$inside"
mount --bind "$home" "$root$inside"
mount -t proc none "$root/proc"
# No setting of this machine's kernel is changed from inside.
mount --bind "$root/proc/sys" "$root/proc/sys"
mount -o remount,bind,ro "$root/proc/sys"
mount -t sysfs none "$root/sys"
mount -t cgroup2 none "$root/sys/fs/cgroup"
mount --rbind /dev "$root/dev"
mount -t tmpfs none "$root/run"
mount -t tmpfs none "$root/tmp"
# None of this system's own services: systemd, its journal, and what the test asks for.
rm -rf "$root"/lib/systemd/system/*.wants "$root"/etc/systemd/system/*.wants "$root/etc/fstab"
printf '[Unit]\nDefaultDependencies=no\nWants=systemd-journald.service\n' \
    >"$root/etc/systemd/system/small.target"
printf '[Journal]\nStorage=volatile\nReadKMsg=no\nAudit=no\n' >"$root/etc/systemd/journald.conf"
export container=other NOTIFY_SOCKET="$inside/boot.socket"
# Not chroot: who is in one may make no user namespace, and the unit asks for one.
cd "$root"
pivot_root . mnt
umount -l /mnt
exec /lib/systemd/systemd --system --unit=small.target --log-target=journal
"""


def own_cgroup():
    """Make a cgroup for the machine, or leave the tests out where that is not allowed."""
    tops = [mount.point for mount in mounts() if mount.kind == "cgroup2"]
    if not tops:
        pytest.skip("no cgroup2 is mounted here")
    group = Path(os.fsdecode(tops[0])) / f"picturerail-test-{os.urandom(4).hex()}"
    try:
        group.mkdir()
    except OSError as error:
        pytest.skip(f"no cgroup can be made here: {error}")
    return group


def remove_cgroup(group):
    """Remove a cgroup and those below it once the kernel has buried their processes."""
    end = time.monotonic() + PATIENCE_SECONDS
    while group.exists():
        for here, _, _ in os.walk(group, topdown=False):
            with contextlib.suppress(OSError):
                Path(here).rmdir()
        assert time.monotonic() < end, f"{group} is still in use"
        time.sleep(0.01)  # nothing tells that a cgroup has become empty for good


class Machine:
    """A booted systemd; commands are run in it by `run`."""

    def __init__(self, home, ground):
        """Boot, or leave the tests out where a step is not permitted."""
        self.home = home
        self.group = own_cgroup()
        ready = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        ready.settimeout(0.1)
        ready.bind(str(home.folder / "boot.socket"))
        self.console = (home.folder / "console.log").open("w+")
        self.process = subprocess.Popen(
            [
                *("sh", "-c", 'echo $$ >"$0/cgroup.procs" && exec "$@"', str(self.group)),
                *("unshare", "--mount", "--pid", "--fork", "--kill-child", "--uts", "--ipc"),
                *("--cgroup", "--net", "sh", "-c", BOOT, "sh"),
                *(str(ground), str(home.folder), str(INSIDE)),
            ],
            stdin=subprocess.DEVNULL,
            stdout=self.console,
            stderr=self.console,
        )
        try:
            with ready:
                self._await(ready)
            children = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
            (self.first,) = Path(children).read_text().split()
            # The service's account must come as far as this interpreter, wherever it lies.
            program = Path(sys.executable)
            self.run("chmod", "a+x", *program.parents, *program.resolve().parents)
        except BaseException:
            self.end()
            raise

    def _await(self, ready):
        end = time.monotonic() + BOOT_SECONDS
        while True:
            with contextlib.suppress(TimeoutError):
                if b"READY=1" in ready.recv(4096).split(b"\n"):
                    return
            if self.process.poll() is not None or time.monotonic() > end:
                self.console.seek(0)
                pytest.skip(f"no systemd of our own can be booted here: {self.console.read()}")

    def end(self):
        """Kill it; with its first process everything in it ends, and every mount is gone."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)  # and the kernel kills its child
        self.process.wait()
        self.console.close()
        remove_cgroup(self.group)

    def run(self, *command, code=0):
        """Run a command inside and return its output; its exit code must be as told."""
        done = subprocess.run(
            ["nsenter", "-t", self.first, "-a", "-r", "-w", *map(str, command)],
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_SECONDS,
        )
        if code != done.returncode:
            raise AssertionError(f"{command}: {done.stdout}{done.stderr}{self.journal()}")
        return done.stdout

    def journal(self):
        """Return the last of what was logged inside, by services and by systemd itself."""
        show = ["nsenter", "-t", self.first, "-a", "-r", "-w", "journalctl", "--no-pager", "-n50"]
        return subprocess.run(show, capture_output=True, text=True, check=False).stdout

    def picturerail(self, *arguments):
        """Run the installed command inside and return its document."""
        program = Path(sys.executable).with_name("picturerail")
        config = INSIDE / self.home.config.name
        return json.loads(self.run(program, "--config", config, *arguments, "--json"))

    def shown(self, name):
        """Return a property of the unit."""
        return self.run("systemctl", "show", "--value", "-p", name, UNIT).strip()

    def until(self, true, what):
        """Wait for something that another process makes true, asking it for nothing else."""
        end = time.monotonic() + PATIENCE_SECONDS
        while not true():
            if time.monotonic() > end:
                raise AssertionError(f"never {what}: {self.journal()}")
            time.sleep(0.05)  # between two looks at another process

    def mirrors(self, *folders):
        """Wait until the store holds what the folders do, by the names they have inside."""
        outside, inside = os.fsencode(self.home.folder), os.fsencode(INSIDE)

        def agrees():
            stored = digests(in_store(self.home))
            found = on_disk(*folders)
            return stored == {inside + path[len(outside) :]: d for path, d in found.items()}

        self.until(agrees, "mirrored")


@pytest.fixture
def machine(tmp_path):
    """Boot a machine whose `/srv/home` is a home of the test's."""
    if os.geteuid() != 0:
        pytest.skip("booting a systemd of our own needs root")
    for needed in ("unshare", "nsenter", SYSTEMD, "systemd-sysusers"):
        if shutil.which(needed) is None:
            pytest.skip(f"there is no {needed} here")
    if Path(sys.executable).is_relative_to("/tmp"):
        pytest.skip("the machine has a /tmp of its own, and this program lies in ours")
    (tmp_path / "home").mkdir(mode=0o755)
    (tmp_path / "ground").mkdir()
    home = Home(tmp_path / "home")
    machine = Machine(home, tmp_path / "ground")
    try:
        yield machine
    finally:
        machine.end()


def test_the_installed_service_lives_as_the_unit_says(machine):
    """Installed by its own instructions it starts, mirrors, reloads, stops, and goes again."""
    home = machine.home
    rng = random.Random(SEED)
    settings = "automatic = false\n[watch]\nsettle_seconds = 0.1\n"
    home.configure(sources="[]", more=settings)
    paint(rng, home.photos / "first.png")
    (home.folder / "second").mkdir()

    report = machine.picturerail("service", "install")
    for command in report["next"]:
        machine.run("sh", "-c", command)

    # `enable --now` returns once the service has said READY=1.
    assert machine.shown("ActiveState") == "active"
    assert machine.shown("Type") == "notify"
    machine.mirrors(home.photos)
    machine.until(
        lambda: machine.shown("StatusText") == "Watching; everything is in", "said to be in"
    )
    paint(rng, home.photos / "new folder" / "second.png")
    machine.mirrors(home.photos)
    machine.picturerail("wait", "--timeout", "60")
    assert machine.picturerail("status")["photos"] == 2

    # What it may not do, seen from where it runs.
    service = machine.shown("MainPID")
    within = ("nsenter", "-t", service, "-m", "-r", "-w")
    for folder in (INSIDE / "photos", "/etc", "/usr"):
        said = machine.run(
            *within, "sh", "-c", f'! touch "{folder}/x" 2>&1 && ! test -e "{folder}/x"'
        )
        assert "Read-only file system" in said
    machine.run(*within, "sh", "-c", f"touch {INSIDE}/store/x && rm {INSIDE}/store/x")
    owner = machine.run("stat", "-c", "%U", f"/proc/{service}").strip()
    assert owner == "picturerail"

    # A configuration that is wrong is told and changes nothing; a good one is taken over.
    good = home.config.read_text()
    home.config.write_text(good.replace("folders", "folder"))
    machine.run("systemctl", "reload", UNIT)
    machine.until(
        lambda: machine.shown("StatusText").startswith("Old configuration kept"), "refused"
    )
    home.configure(sources="[]", more=settings, folders=("photos", "second"))
    machine.run("systemctl", "reload", UNIT)
    paint(rng, home.folder / "second" / "third.png")
    machine.mirrors(home.photos, home.folder / "second")
    assert machine.shown("MainPID") == service
    assert machine.shown("NRestarts") == "0"
    assert machine.shown("ActiveState") == "active"

    machine.run("systemctl", "stop", UNIT)
    assert machine.shown("ActiveState") == "inactive"
    assert machine.shown("Result") == "success"
    assert machine.shown("ExecMainStatus") == "0"
    words = machine.run("journalctl", "-u", UNIT, "-o", "json", "--output-fields=MESSAGE,LOGGER")
    said = [json.loads(line) for line in words.splitlines()]
    assert {
        "MESSAGE": "mirrored: 1 added, 0 changed, 0 moved, 0 deleted",
        "LOGGER": "picturerail_daemon.service.daemon",
    }.items() <= next(entry for entry in said if "mirrored" in entry["MESSAGE"]).items()

    machine.run("systemctl", "start", UNIT)
    removed = machine.picturerail("service", "uninstall")
    for command in removed["next"]:
        machine.run("sh", "-c", command)
    assert machine.shown("LoadState") == "not-found"
    assert machine.shown("ActiveState") == "inactive"
    assert machine.run("find", "/etc", "/run", "-name", "*picturerail*") == ""
    machine.mirrors(home.photos, home.folder / "second")  # the data stays
