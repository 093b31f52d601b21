"""Scripts as they are sent: without what only their readers need."""

from __future__ import annotations

import collections
import functools
import re
import subprocess
import sys

_HELPER = """
import sys, minify
text = sys.stdin.buffer.read().decode()
sys.stdout.buffer.write(minify.string("application/javascript", text).encode())
"""

_OWN_MEMBER = re.compile(rb"(?<=[.{;},(! ])_[a-z]\w*")
"""As members stand in scripts with short names: behind a dot, or where a class begins one."""


def without_comments(script: bytes) -> bytes:
    """Return a script that does the same, without comments and needless spaces."""
    import rjsmin

    short: bytes = rjsmin.jsmin(script, keep_bang_comments=True)
    return short


@functools.lru_cache(maxsize=8)
def with_short_names(script: bytes) -> bytes:
    """Return a script that does the same, whose own names are short, too.

    Such are those of members that begin with an underscore. One with a mistake keeps its names.
    What shortens them runs in a process of its own: with it comes Go's runtime, whose threads and
    signal handlers would stay for as long as the daemon runs.
    """
    command = [sys.executable, "-c", _HELPER]
    done = subprocess.run(command, input=script, capture_output=True, check=False)
    return _with_short_members(done.stdout) if done.returncode == 0 else without_comments(script)


def _with_short_members(script: bytes) -> bytes:
    """Return a script whose own members have short names, the most frequent the shortest."""
    every = collections.Counter(_OWN_MEMBER.findall(script)).most_common()
    names = {name: b"_%x" % number for number, (name, _) in enumerate(every)}
    return _OWN_MEMBER.sub(lambda found: names[found[0]], script)
