"""What the build says where tools are missing."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

NATIVE = Path(__file__).parents[2] / "native"


@pytest.mark.skipif(shutil.which("cmake") is None, reason="no cmake on the PATH")
def test_everything_missing_is_named_in_one_message(tmp_path):
    """Compiler and Rust are named together, each with what brings it."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("cmake", "ninja", "make"):
        if found := shutil.which(name):
            (tools / name).symlink_to(found)
    environment = {
        "PATH": str(tools),
        "HOME": str(tmp_path),
        "CC": "/nonexistent/cc",
        "CXX": "/nonexistent/c++",
    }

    done = subprocess.run(
        [tools / "cmake", "-S", NATIVE, "-B", tmp_path / "build"],
        env={**environment, "CMAKE_ROOT": os.environ.get("CMAKE_ROOT", "")},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode != 0
    message = done.stderr[done.stderr.index("picturerail cannot build") :]
    assert "C++20 compiler" in message
    assert "Rust 1." in message
    assert "rustup" in message
