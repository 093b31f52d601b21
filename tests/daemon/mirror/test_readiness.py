"""Whether a file's writer is done with it."""

import subprocess
import sys

from picturerail_daemon.mirror.readiness import is_being_written, seconds_until_quiet
from picturerail_native.records import FileStat

SECOND = 1_000_000_000


def test_a_file_open_for_writing_is_not_ready(tmp_path):
    """As long as a process could still write, the answer is yes; after that no."""
    path = tmp_path / "a"
    path.write_bytes(b"x")
    with path.open("rb") as file:
        command = [
            sys.executable,
            "-c",
            "import sys; f = open(sys.argv[1], 'ab'); print(); input()",
        ]
        with subprocess.Popen(
            [*command, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as writer:
            writer.stdout.readline()
            assert is_being_written(file.fileno())
            writer.communicate(b"\n")
        assert not is_being_written(file.fileno())


def test_a_writer_that_comes_while_we_ask_does_no_harm(tmp_path):
    """The signal that the kernel sends for a broken lease does not end the process."""
    path = tmp_path / "a"
    path.write_bytes(b"x")
    asks = (
        "import os, subprocess, sys\n"
        "from picturerail_daemon.mirror.readiness import take_lease\n"
        "take_lease(os.open(sys.argv[1], os.O_RDONLY))\n"
        "writes = 'import os, sys; os.open(sys.argv[1], os.O_WRONLY | os.O_NONBLOCK)'\n"
        "done = subprocess.run([sys.executable, '-c', writes, sys.argv[1]], capture_output=True)\n"
        "assert b'BlockingIOError' in done.stderr\n"  # so it did break the lease
        "print('survived')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", asks, str(path)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "survived\n"), done.stderr


def test_quiet_counts_from_the_last_change():
    """Both times count; a modification time in the future proves nothing."""
    now = 100 * SECOND
    assert seconds_until_quiet(FileStat(1, now, now), 0.5, now) == 0.5
    assert seconds_until_quiet(FileStat(1, 0, now - SECOND // 4), 0.5, now) == 0.25
    assert seconds_until_quiet(FileStat(1, now * 9, now - SECOND), 0.5, now) == 0
