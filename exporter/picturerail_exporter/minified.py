"""Scripts as they are sent: without what only their readers need."""

from __future__ import annotations

import functools
import subprocess
import sys

_HELPER = """
import sys, minify
text = sys.stdin.buffer.read().decode()
sys.stdout.buffer.write(minify.string("application/javascript", text).encode())
"""


def without_comments(script: bytes) -> bytes:
    """Return a script that does the same, without comments and needless spaces."""
    import rjsmin

    short: bytes = rjsmin.jsmin(script, keep_bang_comments=True)
    return short


@functools.lru_cache(maxsize=4)
def with_short_names(script: bytes) -> bytes:
    """Return a script that does the same, whose own names are short, too.

    One with a mistake keeps its names. What shortens them runs in a process of its own: with it
    comes Go's runtime, whose threads and signal handlers would stay for as long as the daemon runs.
    """
    command = [sys.executable, "-c", _HELPER]
    done = subprocess.run(command, input=script, capture_output=True, check=False)
    return done.stdout if done.returncode == 0 else without_comments(script)
