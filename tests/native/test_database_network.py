"""A store on a network file system, as the kernel would tell of one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CHILD_ENVIRONMENT = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
NFS = "6969000000000000"
"""What `statfs` gives first, as it lies in memory."""

PROGRAM = """
import os, sys
from picturerail_native.database import Database, DatabaseError, Mode
for mode in Mode:
    try:
        Database(sys.argv[1], mode)
    except DatabaseError as error:
        print(type(error).__name__, error)
assert not os.path.exists(sys.argv[1])
Database(sys.argv[1], Mode.CREATE, force=True).close()
for mode in Mode:
    Database(sys.argv[1], mode, force=True).close()
print("forced")
"""


def test_a_network_file_system_is_refused_unless_forced(tmp_path: Path) -> None:
    """Where the kernel tells of NFS every mode is refused with the reason, and force opens."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not installed (Debian: apt install strace)")
    store = tmp_path / "store"
    told = f"statfs,fstatfs:poke_exit=@arg2={NFS}"
    tracing = [strace, "-f", "-qq", "-o", "/dev/null", "-e", "trace=statfs,fstatfs"]
    run = subprocess.run(
        [*tracing, "-e", f"inject={told}", sys.executable, "-c", PROGRAM, str(store)],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
        env=CHILD_ENVIRONMENT,
    )
    if "invalid" in run.stderr.lower():
        pytest.skip(f"this strace cannot change what a call gives: {run.stderr}")
    lines = run.stdout.splitlines()

    assert run.stderr == ""
    assert len(lines) == 4
    for line in lines[:3]:
        assert line.startswith(f"InvalidArgumentError {store} lies on a network file system (NFS)")
        assert "locks and syncs" in line
    assert lines[3] == "forced"
