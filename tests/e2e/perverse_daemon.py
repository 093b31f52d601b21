"""The real command, whose file events are lost, doubled, late, out of order, or said to be lost.

What it does to each buffer of hints is drawn from the seed in `PICTURERAIL_PERVERSE`.
"""

import os
import random
import threading

from picturerail_daemon.cli import main
from picturerail_daemon.watch.inotify import FolderWatches

_rng = random.Random(int(os.environ["PICTURERAIL_PERVERSE"]))
_lock = threading.Lock()
_honest = FolderWatches.__init__


def _perverse(self, on_hints, on_overflow, on_mounts, on_end):
    held = []

    def hints(told):
        with _lock:
            fate = _rng.choice(["tell", "drop", "double", "hold", "turn", "overflow"])
            late, held[:] = list(held), []
        match fate:
            case "tell":
                on_hints(told)
            case "double":
                on_hints(told)
                on_hints(told)
            case "hold":
                held.append(told)
            case "turn":
                on_hints({root: dict(reversed(f.items())) for root, f in reversed(told.items())})
            case "overflow":
                on_overflow()
        for old in late:
            on_hints(old)

    _honest(self, hints, on_overflow, on_mounts, on_end)


FolderWatches.__init__ = _perverse
main()
